"""A daemon that is slow, old, far away, shut, or dies in the middle: one sentence, and nothing that stays behind."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Docker, SandboxNeeds, SandboxUsageError, _docker_api, _docker_probe, _owner
from ossia.testing.sandbox_conformance._case import opened, refusal, value

from .conftest import KERNEL
from .daemons import Fault, Relay, answering, relayed, relayed_by_tcp
from .test_docker import gone

pytestmark = pytest.mark.usefixtures("docker_image")

PLAIN = SandboxNeeds()


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[tuple[Relay, Docker]]:
    """A relay to the daemon, and a provider that goes through it."""
    async with relayed(tmp_path / "d.sock") as made:
        provider = Docker(host=f"unix://{tmp_path}/d.sock")
        yield made, provider
        await provider.aclose()


async def refused(provider: Docker) -> str:
    """The sentence with which it does not open."""
    with pytest.raises(SandboxUnavailable) as raised:
        await asyncio.wait_for(provider.open(PLAIN), 30)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "does not answer within"),
        (b'{"ApiVersion": "1.18", "Version": "1.6"}', "it is too old: its API is 1.18"),
        (b'{"hello": 1}', "no container daemon"),
        (b"[]", "no container daemon"),
        (b"<html>", "no container daemon"),
        (b"Client sent an HTTP request to an HTTPS server.", "TLS"),
    ],
    ids=["silent", "old", "another", "list", "page", "tls"],
)
async def test_what_answers_and_cannot_be_used_is_told(
    answer: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_docker_probe, "ANSWER_TIMEOUT", 0.3)
    async with answering(tmp_path / "d.sock", answer) as url:
        assert said in await refused(Docker(host=url))


async def test_a_caller_does_not_wait_for_a_slow_daemon_when_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_docker_probe, "ANSWER_TIMEOUT", 1.5)
    async with answering(tmp_path / "d.sock", None) as url:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Docker(host=url).open(PLAIN), 0.2)
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("ssh://somebody@example.com", "ssh -N -L"),
        ("https://example.com:2376", "over TLS"),
        ("garbage", "no address of a daemon"),
        ("tcp://127.0.0.1:99999", "no address of a daemon"),
        ("npipe:////./pipe/docker_engine", "only unix:// and tcp://"),
        ("unix:///" + "x" * 120, "too long"),
    ],
)
async def test_addresses_that_cannot_be_used_are_told(host: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert said in await refused(Docker())


async def test_a_daemon_on_a_port_works_as_one_on_a_socket() -> None:
    async with relayed_by_tcp() as (relay, url):
        provider = Docker(host=url)
        async with opened(provider, KERNEL) as sandbox:
            assert await value(sandbox, "1 + 1") == "2"
            await sandbox.put("a", b"x" * 300_000)
            assert await sandbox.get("a") == b"x" * 300_000
        await provider.aclose()
        assert any("attach" in line for line in relay.seen)
    assert await gone(_owner.current().mark())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_use_the_socket_is_told(tmp_path: Path) -> None:
    # The interpreter of the tests may lie where only root can go: it changes its user when it has loaded all.
    code = (
        "import os, sys\nfrom ossia.sandbox import images\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: images.image_status(host='unix:///var/run/docker.sock')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.startswith("SandboxUnavailable")
    assert "add the user to the group `docker`" in said


REQUESTS = {
    "list": r"GET /\S+/containers/json",
    "image": r"GET /\S+/images/",
    "create": r"POST /\S+/containers/create",
    "attach": r"POST /\S+/attach",
    "start": r"POST /\S+/start",
}


@pytest.mark.parametrize("fault", [pytest.param("cut", marks=pytest.mark.slow), "cut after"])
@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_connection_that_is_cut_while_a_sandbox_opens(
    request_: str, fault: Fault, relay: tuple[Relay, Docker]
) -> None:
    made, provider = relay
    made.faults[REQUESTS[request_]] = fault
    said = await refused(provider)
    assert "daemon" in said or "gone" in said or "did not start" in said
    assert await gone(_owner.current().mark())
    # The daemon is well again, and so is the provider.
    made.faults.clear()
    async with opened(provider, PLAIN) as sandbox:
        assert (await sandbox.exec(["true"])).code == 0


@pytest.mark.parametrize("request_", ["list", "image", "create", "start"])
async def test_a_daemon_that_falls_silent_while_a_sandbox_opens(
    request_: str, relay: tuple[Relay, Docker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_docker_api, "API_TIMEOUT", 0.5)
    made, provider = relay
    made.faults[REQUESTS[request_]] = "silent"
    assert "did not answer within 0.5 s" in await refused(provider)
    made.faults.clear()
    assert await gone(_owner.current().mark())


async def test_a_container_that_a_slow_daemon_makes_after_all_is_removed_at_the_next_start(
    relay: tuple[Relay, Docker],
) -> None:
    made, provider = relay
    # Made, not told of, and not to be removed for now either.
    made.faults = {REQUESTS["create"]: "cut after", r"DELETE /": "cut"}
    await refused(provider)
    assert not await gone(_owner.current().mark(), 0.3)
    made.faults.clear()
    async with opened(provider, PLAIN):
        pass
    assert await gone(_owner.current().mark())


async def test_paths_and_folders_outside_are_refused_in_a_sentence(relay: tuple[Relay, Docker]) -> None:
    async with opened(relay[1], PLAIN) as sandbox:
        for path in ("/etc/passwd", "../x", "", ".", "a/../../x", "nul\0"):
            said = await refusal(sandbox.put(path, b""))
            assert said
            assert "\n" not in said
        assert (await sandbox.exec(["true"], cwd="/nowhere")).code == 127


def test_a_profile_that_there_is_none_of_is_the_users_mistake() -> None:
    with pytest.raises(SandboxUsageError, match="python, coding, judge"):
        asyncio.run(Docker("pyhton").open(PLAIN))  # type: ignore[arg-type]
