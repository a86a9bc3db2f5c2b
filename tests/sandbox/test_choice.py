"""Which sandbox is taken, and what is said where none will do."""

from pathlib import Path

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import (
    Bubblewrap,
    Docker,
    SandboxLimits,
    SandboxNeeds,
    SandboxProvider,
    SandboxUsageError,
    UnsafeLocal,
    _bpf,
    images,
    resolve,
)
from ossia.sandbox.profiles import profile

NEEDS = SandboxNeeds(kernel=True)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("docker", Docker), ("bubblewrap", Bubblewrap), ("bwrap", Bubblewrap), ("unsafe-local", UnsafeLocal)],
)
async def test_a_spec_names_a_provider(spec: str, kind: type[SandboxProvider]) -> None:
    assert isinstance(await resolve(spec), kind)


async def test_a_provider_is_taken_as_it_is() -> None:
    given = UnsafeLocal()
    assert await resolve(given) is given


async def test_an_unknown_spec_is_the_users_mistake() -> None:
    with pytest.raises(SandboxUsageError, match="docker, bubblewrap, unsafe-local"):
        await resolve("dokcer")


async def test_docker_comes_first(docker_image: str) -> None:
    assert isinstance(await resolve(None, NEEDS), Docker)


async def test_bubblewrap_is_taken_where_no_daemon_answers_and_its_bounds_hold(
    monkeypatch: pytest.MonkeyPatch, kernel_environment: None
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    sandbox = await Bubblewrap().open(SandboxNeeds(trusted=True))
    await sandbox.close()
    if sandbox.guarantees.memory:
        assert isinstance(await resolve(None, NEEDS), Bubblewrap)
    else:
        with pytest.raises(SandboxUnavailable, match="a memory limit"):
            await resolve(None, NEEDS)


async def test_where_there_is_none_a_sentence_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="ossia sandbox build") as raised:
        await resolve(None, NEEDS)
    assert "bubblewrap" in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_an_architecture_without_a_filter_is_refused(
    monkeypatch: pytest.MonkeyPatch, kernel_environment: None
) -> None:
    def unknown(machine: str) -> bytes:
        raise KeyError(machine)

    monkeypatch.setattr(_bpf, "program", unknown)
    with pytest.raises(SandboxUnavailable, match="system calls"):
        await Bubblewrap().open(NEEDS)


def test_profiles_widen_what_their_work_needs() -> None:
    python, coding = profile("python"), profile("coding")
    assert not python.exec_files
    assert coding.exec_files
    assert coding.limits.processes > python.limits.processes
    assert profile("python", SandboxLimits(memory=1)).limits.memory == 1
    with pytest.raises(SandboxUsageError, match="python, coding, judge"):
        profile("pyton")


def test_needs_merge_to_the_wider() -> None:
    both = SandboxNeeds(kernel=True).merge(SandboxNeeds(shell=True, profile="coding", trusted=True))
    assert both == SandboxNeeds(kernel=True, shell=True, profile="coding", trusted=False)


class TestImages:
    """Building: the bad inputs (that the build itself works, the set-up of these tests shows)."""

    def test_unknown_names_and_missing_files_are_the_users_mistake(self, docker_image: str, tmp_path: Path) -> None:
        with pytest.raises(SandboxUsageError, match="python, coding"):
            images.build_image("pyhton")
        with pytest.raises(SandboxUsageError, match="cannot be read"):
            images.build_image(base=docker_image, ca_file=tmp_path / "none.pem", progress=lambda line: None)
        with pytest.raises(SandboxUsageError, match="no wheels"):
            images.build_image(base=docker_image, wheels=tmp_path, progress=lambda line: None)

    def test_a_base_that_is_not_there_is_told(self, docker_image: str) -> None:
        with pytest.raises(SandboxUnavailable, match="could not be built"):
            images.build_image(base="ossia-no-such-base:1", progress=lambda line: None)

    def test_the_name_says_what_is_in_it(self) -> None:
        assert images.tag("python") != images.tag("coding").replace("coding", "python")
        assert "numpy==2.4.6" in images.requirements("python")
        assert set(images.requirements("python")) < set(images.requirements("coding"))

    def test_what_is_ours_is_listed(self, docker_image: str) -> None:
        assert any(docker_image in line for line in images.list_ours())
        status = images.image_status()
        assert status.present
        assert status.size > 100_000_000
