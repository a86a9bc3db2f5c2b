"""Fork and resume: what ran in one sandbox runs again in a fresh one, and what differs is found."""

import pytest

from ossia.sandbox import Bubblewrap, CellResult, ExecResult, Stream
from ossia.sandbox.replay import RecordedCell, RecordedCommand, digest, replay
from ossia.testing.sandbox_conformance._case import opened, value

from .conftest import KERNEL

pytestmark = pytest.mark.usefixtures("kernel_environment")


async def test_a_replay_brings_state_and_files_back_and_names_what_differs() -> None:
    provider = Bubblewrap()
    steps: list[RecordedCell | RecordedCommand] = []
    async with opened(provider, KERNEL) as first:
        codes = ("x = 20\nprint(x)", "open('f', 'w').write('kept')", "import time\ntime.time_ns()", "1 / 0")
        steps += [RecordedCell(code, digest(await first.execute(code))) for code in codes]
        steps.append(RecordedCommand(("cat", "f"), digest(await first.exec(["cat", "f"]))))
    async with opened(provider, KERNEL) as second:
        differing = await replay(second, steps)
        assert [divergence.index for divergence in differing] == [2]
        assert differing[0].step is steps[2]
        assert await value(second, "x + 1, open('f').read()") == "(21, 'kept')"


async def test_a_snapshot_carries_files_into_another_sandbox() -> None:
    provider = Bubblewrap()
    async with opened(provider, KERNEL) as first:
        await first.put("folder/data.bin", bytes(range(256)) * 4000)
        snapshot = await first.snapshot()
    async with opened(provider, KERNEL) as second:
        await second.restore(snapshot)
        assert await second.get("folder/data.bin") == bytes(range(256)) * 4000


async def test_a_hostile_snapshot_lands_nowhere_else() -> None:
    """A tar archive is the model's: names that lead out are refused, links are not written through."""
    import io
    import tarfile

    from ossia.sandbox import SandboxFileError, Snapshot

    def packed(*members: tuple[str, str | None]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, target in members:
                info = tarfile.TarInfo(name)
                if target:
                    info.type, info.linkname = tarfile.SYMTYPE, target
                tar.addfile(info, None if target else io.BytesIO(b""))
        return buffer.getvalue()

    async with opened(Bubblewrap(), KERNEL) as sandbox:
        for members in ([("../out", None)], [("/tmp/out", None)], [("link", "/tmp"), ("link/out", None)]):
            with pytest.raises(SandboxFileError):
                await sandbox.restore(Snapshot(packed(*members)))
        with pytest.raises(SandboxFileError, match="unpacked"):
            await sandbox.restore(Snapshot(b"no archive at all" * 100))
        assert await value(sandbox, "import os\nos.path.exists('/tmp/out')") == "False"


def test_a_digest_tells_outputs_and_not_times_apart() -> None:
    said = (Stream("stdout", "a"),)
    assert digest(CellResult("ok", said, seconds=1)) == digest(CellResult("ok", said, seconds=2))
    assert digest(CellResult("ok", said)) != digest(CellResult("error", said))
    assert digest(CellResult("ok", said)) != digest(CellResult("ok", (Stream("stderr", "a"),)))
    assert digest(ExecResult("exited", 0, "a", "")) != digest(ExecResult("exited", 1, "a", ""))
