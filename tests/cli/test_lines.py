"""Lines of stdin as they come through a pipe, from a file, in pieces, and to their end."""

import asyncio
import os
from pathlib import Path

import pytest

from ossia.cli._lines import Lines


async def test_lines_come_from_a_pipe_in_whatever_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    try:
        waiting = asyncio.create_task(lines.read("> "))
        await asyncio.sleep(0.01)
        for piece in (b"h\xc3", b"\xa9", b"llo\r\nsecond\nthi"):
            os.write(writing, piece)
            await asyncio.sleep(0.01)
        assert await waiting == "h\u00e9llo"
        assert await lines.read() == "second"
    finally:
        os.close(writing)
    assert await lines.read() == "thi"
    assert await lines.read() is None
    os.close(reading)
    assert capsys.readouterr().out == "> "


async def test_lines_come_from_a_file_and_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("one\n\nthree")
    for path, expected in ((tmp_path / "input", ["one", "", "three", None]), (Path("/dev/null"), [None])):
        descriptor = os.open(path, os.O_RDONLY)
        lines = Lines(descriptor)
        assert [await lines.read() for _ in expected] == expected
        os.close(descriptor)


async def test_waiting_for_a_line_can_be_cancelled_and_begun_again() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    waiting = asyncio.create_task(lines.read())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    os.write(writing, b"after all\n")
    assert await lines.read() == "after all"
    os.close(writing)
    os.close(reading)
