"""Temporary folders: kept while their maker lives, removed by the next one after it was killed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import SandboxNeeds, UnsafeLocal, folders, images

MAKER = """
import sys
from ossia.sandbox.folders import HeldFolder
folder = HeldFolder("ossia-chromium-", sys.argv[1])
(folder.path / "profile").mkdir()
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Another process, and the folder that it holds."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    argv = [sys.executable, "-c", MAKER, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def age(folder: Path) -> None:
    """Have it look as if it had been made long ago."""
    os.utime(folder, (time.time() - 3600,) * 2)


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(
    maker: tuple["subprocess.Popen[str]", Path], tmp_path: Path
) -> None:
    process, folder = maker
    age(folder)
    (tmp_path / "something-else").mkdir()
    assert folders.reap([tmp_path]) == []
    process.kill()
    process.wait()
    assert folders.reap([tmp_path]) == [str(folder)]
    assert [path.name for path in tmp_path.iterdir()] == ["something-else"]


def test_one_that_was_just_made_is_left_alone(maker: tuple["subprocess.Popen[str]", Path], tmp_path: Path) -> None:
    process, folder = maker
    process.kill()
    process.wait()
    assert folders.reap([tmp_path]) == []
    assert folder.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    age(target)
    (tmp_path / "ossia-chromium-link").symlink_to(target)
    assert folders.reap([tmp_path]) == []
    assert target.exists()


def test_clean_removes_them_with_a_daemon_or_without(
    maker: tuple["subprocess.Popen[str]", Path], tmp_path: Path
) -> None:
    process, folder = maker
    process.kill()
    process.wait()
    age(folder)
    with pytest.raises(SandboxUnavailable):
        images.clean(host=f"unix://{tmp_path}/none.sock")
    assert not folder.exists()


async def test_a_sandbox_without_isolation_releases_its_folder(
    kernel_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    sandbox = await UnsafeLocal().open(SandboxNeeds(trusted=True))
    assert Path(sandbox.info.workdir).is_dir()
    assert folders.reap([tmp_path]) == []
    await sandbox.close()
    assert not list(tmp_path.iterdir())
    assert len(os.listdir("/proc/self/fd")) == before
