"""A kernel that lies: forged and malformed messages change nothing but the text of their own cell."""

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, text_of, value, within

_case = Collector()
CASES = _case.cases

_SETUP = "k = get_ipython().kernel\ns = k.session\nsend = k.iopub_socket.send_multipart\nparent = k.get_parent()\n"


@_case(shared=True)
async def a_forged_message_is_no_more_than_text(sandbox: Sandbox) -> None:
    """The kernel's own process can sign what it likes: it ends up as output of its own cell."""
    code = _SETUP + "s.send(k.iopub_socket, 'stream', {'name': 'stdout', 'text': 'forged'}, parent=parent)"
    result = await sandbox.execute(code)
    assert result.status == "ok", result
    assert text_of(result) == "forged"


@_case(shared=True)
async def malformed_messages_are_dropped(sandbox: Sandbox) -> None:
    """No delimiter, a wrong signature, empty parts, no JSON, content of the wrong form: none ends the session."""
    code = _SETUP + (
        "mark = b'<IDS|MSG>'\n"
        "for parts in ([b'garbage'], [mark], [mark, b'0' * 64, b'{}', b'{}', b'{}', b'{}'], [b''] * 9,\n"
        "              [mark, b'', b'\\xff', b'\\xff', b'\\xff', b'\\xff']): send(parts)\n"
        "for kind in ('stream', 'display_data', 'execute_result', 'error', 'status'):\n"
        "    for content in ({}, {'data': 5}, {'text': None, 'name': 3}, {'data': {'image/png': 7}},\n"
        "                    {'execution_state': []}, {'traceback': 1, 'ename': {}, 'evalue': []}):\n"
        "        s.send(k.iopub_socket, kind, content, parent=parent)\n"
        "print('still here')"
    )
    result = await within(20, sandbox.execute(code, timeout=15))
    assert result.status == "ok", result
    assert "still here" in text_of(result)


@_case(shared=True)
async def deep_json_is_dropped(sandbox: Sandbox) -> None:
    """A validly signed message whose content nests 200,000 deep does not exhaust the host's stack."""
    code = _SETUP + (
        "deep = b'[' * 200_000 + b']' * 200_000\n"
        "head = [s.pack(s.msg_header('stream')), s.pack(parent['header']), b'{}', b'{\"text\": ' + deep + b'}']\n"
        "send([b'stream', b'<IDS|MSG>', s.sign(head), *head])\n"
        "print('still here')"
    )
    result = await within(20, sandbox.execute(code, timeout=15))
    assert result.status == "ok", result
    assert "still here" in text_of(result)


@_case()
async def a_forged_end_does_not_confuse_the_next_cell(sandbox: Sandbox) -> None:
    """A cell that claims to have ended and goes on printing does not write into the next one's output."""
    code = _SETUP + (
        "import threading, time\n"
        "s.send(k.iopub_socket, 'status', {'execution_state': 'idle'}, parent=parent)\n"
        "time.sleep(0.3)\n"
        "for n in range(50): s.send(k.iopub_socket, 'stream', {'name': 'stdout', 'text': 'late'}, parent=parent)\n"
    )
    first = await sandbox.execute(code, timeout=20)
    assert first.status == "ok", first
    second = await sandbox.execute("print('second')")
    assert text_of(second) == "second\n"


@_case()
async def a_kernel_that_closes_its_sockets_costs_only_itself(sandbox: Sandbox) -> None:
    """A kernel that can no longer speak is killed when the cell's time is over."""
    code = "import os\nfor fd in range(3, 200):\n    try: os.close(fd)\n    except OSError: pass\nwhile True: pass"
    result = await within(30, sandbox.execute(code, timeout=2))
    assert result.status in ("killed", "exited", "timeout"), result


@_case(shared=True)
async def code_cannot_turn_into_a_frame(sandbox: Sandbox) -> None:
    """Bytes that look like the supervisor's frames are text when code prints them."""
    frame = r"""b'\x00\x00\x00\x0e\x00{"op": "exit"}'"""
    result = await sandbox.execute(f"import os, time\nos.write(1, {frame})\ntime.sleep(0.3)")
    assert result.status == "ok", result
    assert await value(sandbox, "1 + 1") == "2"
