"""Tools of MCP servers, against real servers on stdin and stdout and on HTTP."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import TypeAdapter

from ossia.errors import InfrastructureError, UserError
from ossia.harmony import PromptConfig
from ossia.harmony._prompt import developer_text
from ossia.tools.functions import collect
from ossia.tools.functions import connected as connect_all
from ossia.tools.mcp import MCP
from ossia.tools.mcp._tool import MCPTool, OpenMCP
from ossia.tools.protocol import Image, Tool, ToolResult, ToolSource
from ossia.tools.python import Python
from ossia.types import JsonValue
from tests.tools.calling import CONTEXT

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = Path(__file__).parent
SERVER = (sys.executable, str(HERE / "mcp_server.py"))
SMALL = (sys.executable, str(HERE / "mcp_small_server.py"))


class Calls:
    """Calls of one server's tools by their bare names."""

    def __init__(self, tool: MCPTool, opened: OpenMCP) -> None:
        self.tool = tool
        self._opened = opened

    async def __call__(self, name: str, arguments: Mapping[str, JsonValue] | str = "") -> ToolResult:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return await self._opened.call(f"{self.tool.namespace.name}.{name}", text)


@asynccontextmanager
async def connected(config: MCP) -> AsyncIterator[Calls]:
    async with config.connect() as tool, tool.open(CONTEXT) as opened:
        yield Calls(tool, opened)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Calls]:
    async with connected(MCP(SERVER, timeout=5)) as calls:
        yield calls


@contextmanager
def web_server(port: int) -> Iterator[None]:
    """The test server on HTTP; stopped without warning at the end."""
    process = subprocess.Popen([*SERVER, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (another process's doing)
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_server_s_tools_are_declared(server: Calls) -> None:
    namespace = server.tool.namespace
    assert namespace.name == "test_server"
    assert namespace.description == "Numbers and files."
    assert namespace.placement == "developer"
    assert isinstance(server.tool, Tool)
    assert server.tool.needs is None
    assert "test_server.sum_of" in namespace.recipients  # `sum.of` to the server
    text = developer_text(PromptConfig(tools=(namespace,)))
    assert text is not None
    assert "// Numbers and files.\nnamespace test_server {\n\n// Add two numbers.\ntype add = (_: {\n" in text
    assert "// First number.\na: number,\nb?: number, // default: 2\n" in text


async def test_an_unconnected_server_is_a_source_and_no_tool() -> None:
    config = MCP(SERVER)
    assert isinstance(config, ToolSource)
    assert not isinstance(config, Tool)
    assert collect([config]) == (config,)


async def test_calls_are_answered(server: Calls) -> None:
    assert await server("add", {"a": 1}) == ToolResult("3")
    assert (await server("add", {"a": 1, "b": 5})).text == "6"
    result = await server("sum_of", {"numbers": [1, 2]})
    assert json.loads(result.text) == {"total": 3}
    assert result.details == {"function": "sum.of"}


async def test_content_of_every_kind_is_rendered(server: Calls) -> None:
    result = await server("everything")
    assert result.text.splitlines() == [
        "text",
        "[image 1: image/png, 8 bytes]",
        "[image: image/webp, 8 bytes]",
        "[image: image/png, unreadable]",
        "[audio: audio/wav, 8 bytes]",
        "[file file:///a.txt]",
        "inside",
        "[file file:///a.bin: bytes, 8 bytes]",
        "[file b.txt: file:///b.txt, another]",
    ]
    assert result.images == (Image("image/png", b"\x89PNG...."),)
    assert not result.error
    assert (await server("structured")).text == '{"total":3}'
    assert (await server("nothing")).text == "[The tool answered without content.]"


async def test_errors_of_a_tool_are_shown(server: Calls) -> None:
    result = await server("fail", {"text": "no such file"})
    assert result.error
    assert result.text.startswith("Error executing tool fail")
    assert "schema" not in result.text
    assert result.details == {"status": "tool_error"}


async def test_wrong_arguments_are_told_with_the_schema(server: Calls) -> None:
    result = await server("add", {"a": "x", "b": 1})
    assert result.error
    assert "- a: 'x' is not of type 'integer'\nGive a JSON object that matches this schema: {" in result.text
    assert '"First number."' in result.text
    for text, words in [("{", "this is no JSON"), ("[1]", "this is an array"), ("[" * 100_000, "nested too deeply")]:
        result = await server("add", text)
        assert words in result.text
        assert result.details == {"status": "invalid_arguments"}
    assert "There is no function called 'test_server.other'." in (await server("other")).text


async def test_arguments_that_the_schema_refuses_and_the_server_takes_are_sent(server: Calls) -> None:
    assert (await server("add", {"a": "1", "b": 1})).text == "2"


async def test_sessions_call_at_the_same_time(server: Calls) -> None:
    results = await asyncio.gather(*(server("add", {"a": n}) for n in range(20)))
    assert [r.text for r in results] == [str(n + 2) for n in range(20)]


async def test_cancelling_a_call_leaves_the_server_usable(server: Calls) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await server("wait", {"seconds": 60})
    assert (await server("add", {"a": 1})).text == "3"


async def test_no_environment_but_what_is_given_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    config = MCP(SMALL, env={"GIVEN": "1"}, include=["env*", "wait", "crash"], exclude=["c*"], name="mine", timeout=1)
    assert "GIVEN" not in repr(config)
    async with connected(config) as calls:
        assert calls.tool.namespace.recipients == ("mine.environment", "mine.wait")
        names = set((await calls("environment")).text.split())
        assert "GIVEN" in names
        assert names <= {"GIVEN", "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE"}
        result = await calls("wait")
        assert result.error
        assert result.text == "mine.wait was stopped: it did not answer within 1 s."
        assert result.details == {"status": "timeout"}


async def test_a_server_is_restarted_once_and_stopped_with_the_agent(tmp_path: Path) -> None:
    async with connected(MCP(SMALL, name="t")) as calls:
        first = int((await calls("process")).text)
        os.kill(first, signal.SIGKILL)  # between two calls: the next one finds it gone, and loses nothing
        await until(lambda: not alive(first))
        await asyncio.sleep(0.05)
        second = int((await calls("process")).text)
        assert second != first
        result = await calls("crash")  # during a call
        assert result.error
        assert result.details == {"status": "lost"}
        assert "Whether the call had an effect is not known" in result.text
        third = int((await calls("process")).text)
        assert (await calls("crash_once", {"marker": str(tmp_path / "marker")})).text == "survived"  # it only reads
        last = int((await calls("process")).text)
        assert len({first, second, third, last}) == 4
    assert not any(alive(pid) for pid in (first, second, third, last))


async def test_a_server_that_is_lost_twice_is_our_failure() -> None:
    async with connected(MCP(SMALL, name="t")) as calls:
        both = await asyncio.gather(calls("crash"), calls("wait"))
        assert [r.details["status"] for r in both] == ["lost", "lost"]  # of one server, which is restarted once
        with pytest.raises(InfrastructureError, match=r"(?s)lost twice without an answer.*the disk is on fire"):
            await calls("crash")
        assert (await calls("remember")).text == "1"  # another run may try again


async def test_a_server_of_each_session_shares_nothing(server: Calls) -> None:
    await server("remember", {"text": "a"})
    assert (await server("remember", {"text": "b"})).text == "2"
    async with server.tool.open(CONTEXT) as another:
        assert (await another.call("test_server.remember", '{"text": "c"}')).text == "3"
    async with MCP(SMALL, per_session=True).connect() as tool:
        for _ in range(2):
            async with tool.open(CONTEXT) as opened:
                assert (await opened.call("small.remember", "")).text == "1"


async def test_a_server_may_be_left_from_another_task_than_it_was_entered_from() -> None:
    connection = MCP(SMALL).connect()
    tool = await asyncio.create_task(connection.__aenter__())
    async with tool.open(CONTEXT) as opened:
        pid = int((await opened.call("small.process", "")).text)
    await asyncio.create_task(connection.__aexit__(None, None, None))
    assert not alive(pid)


async def test_all_sources_among_tools_are_connected_at_once() -> None:
    python, first, second = Python(), MCP(SMALL, name="a"), MCP(SMALL, name="b")
    async with connect_all([first, python, second]) as tools:
        assert [tool.namespace.name for tool in tools] == ["a", "python", "b"]
        async with tools[2].open(CONTEXT) as opened:
            pid = int((await opened.call("b.process", "")).text)
    assert not alive(pid)


async def test_a_source_that_fails_releases_the_others(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = f"import os; open({str(marker)!r}, 'w').write(str(os.getpid())); exec(open({SMALL[1]!r}).read())"
    with pytest.raises(UserError, match=r"'no-such-command' can't be started"):
        async with connect_all([MCP([sys.executable, "-c", code]), MCP("no-such-command")]):
            pass
    assert not alive(int(marker.read_text()))


async def test_a_server_on_http_is_called_and_found_again() -> None:
    port = free_port()
    config = MCP(url=f"http://127.0.0.1:{port}/mcp", name="web", headers={"X-Key": "s3cret"}, timeout=5)
    assert "s3cret" not in repr(config)
    with web_server(port):
        connection = config.connect()
        tool = await connection.__aenter__()
    async with tool.open(CONTEXT) as opened:
        with pytest.raises(InfrastructureError, match=rf"'http://127.0.0.1:{port}/mcp' can't be reached: "):
            await opened.call("web.add", '{"a": 1}')
        with web_server(port):
            assert (await opened.call("web.add", '{"a": 1}')).text == "3"
            assert json.loads((await opened.call("web.sum_of", '{"numbers": [4]}')).text) == {"total": 4}
            await connection.__aexit__(None, None, None)


async def test_servers_that_do_not_start_say_why() -> None:
    cases: list[tuple[MCP, type[Exception], str]] = [
        (MCP("no-such-command --here"), UserError, r"'no-such-command --here' can't be started: No such file"),
        (MCP(SMALL, cwd="/no/such/place"), UserError, r"No such file or directory: '/no/such/place'"),
        (MCP([sys.executable, "-c", "exit('no licence')"]), InfrastructureError, r"(?s)did not start.*no licence"),
        (MCP(["sh", "-c", "cat >&2"], start_timeout=1), InfrastructureError, r"(?s)was not ready in 1 s.*jsonrpc"),
        (MCP(url=f"http://127.0.0.1:{free_port()}/mcp"), InfrastructureError, r"can't be reached"),
        (MCP(SMALL, include=["nope"]), UserError, r"offers none of the tools asked for. Its tools are: process, env"),
    ]
    for config, kind, words in cases:
        with pytest.raises(kind, match=words):
            async with config.connect():
                pass


async def test_cancelling_the_start_stops_the_server(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    code = f"import os, sys; open({str(marker)!r}, 'w').write(str(os.getpid())); sys.stdin.read()"
    task = asyncio.create_task(MCP([sys.executable, "-c", code]).connect().__aenter__())
    await until(lambda: marker.exists() and marker.read_text() != "")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(marker.read_text()))


async def test_a_talkative_server_is_not_held_up() -> None:
    code = f"import sys; sys.stderr.write('x' * 1_000_000); sys.stderr.flush(); exec(open({SMALL[1]!r}).read())"
    async with connected(MCP([sys.executable, "-c", code])) as calls:
        assert (await calls("remember")).text == "1"


async def test_a_server_from_pypi() -> None:
    pytest.importorskip("mcp_server_time", reason="mcp-server-time is not installed")
    async with connected(MCP([sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"])) as calls:
        assert "get_current_time" in " ".join(calls.tool.namespace.recipients)
        result = await calls(
            "convert_time", {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Asia/Kolkata"}
        )
        assert not result.error
        assert "08:30" in result.text
        result = await calls("convert_time", {"source_timezone": "Nowhere/City", "time": "12:00"})
        assert result.error
        assert "'target_timezone' is a required property" in result.text


@pytest.mark.network
async def test_a_server_from_npm() -> None:
    async with connected(MCP("npx -y @modelcontextprotocol/server-everything", start_timeout=300)) as calls:
        assert (await calls("echo", {"message": "hi"})).text == "Echo: hi"
        assert len((await calls("get-tiny-image")).images) == 1
        assert "temperature" in (await calls("get-structured-content", {"location": "New York"})).text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give a command or a url"),
        ({"command": "x", "url": "http://x"}, "give a command or a url"),
        ({"command": " "}, "the command is empty"),
        ({"command": "http://x/mcp"}, r"give a URL by name, `MCP\(url=...\)`"),
        ({"command": "say 'hi"}, "is no command: No closing quotation"),
        ({"url": "x:8000"}, "a URL begins with"),
        ({"command": "x", "name": "a b"}, "use letters, digits"),
        ({"command": "x", "timeout": 0}, "give seconds"),
        ({"command": "x", "include": "get_*"}, r"MCP\(include=...\): give a list of globs"),
        ({"command": "x", "max_chars": 3}, "at least 200 characters"),
    ],
)
async def test_what_makes_no_server_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        MCP(**options)  # type: ignore[arg-type]


async def test_a_task_file_gives_the_same_options() -> None:
    given = TypeAdapter(MCP).validate_python({"command": ["a", "b c"], "include": ["get_*"], "env": {"A": "1"}})
    assert given == MCP(["a", "b c"], include=["get_*"], env={"A": "1"})
    assert given.argv == ("a", "b c")
    assert TypeAdapter(MCP).validate_python({"url": "http://x/mcp", "timeout": 5}) == MCP(url="http://x/mcp", timeout=5)


async def test_labels_show_no_secrets() -> None:
    assert MCP(url="https://me:s3cret@host/mcp?key=s3cret").label == "host/mcp"
    assert MCP("/usr/bin/npx -y server").label == "npx -y server"


async def test_without_the_package_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(UserError, match=r"need the package `mcp`: pip install 'ossia\[mcp\]'"):
        async with MCP("x").connect():
            pass
