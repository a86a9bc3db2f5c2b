"""The vocabulary table as a file in the user's cache."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ossia.engine.nano import _vocabulary, table
from ossia.engine.nano._tensors import Floats
from ossia.engine.nano._vocabulary import cache_directory, open_table
from ossia.errors import EngineError

HIDDEN = 8
"""As narrow as a table can be, so that these tests are quick."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSSIA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def expected() -> Floats:
    return table.build(HIDDEN, "seed").T


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, expected: Floats) -> None:
    """Cut the table from the one that was really made, instead of hashing 200,000 rows again in each test."""

    def blocks(hidden: int, seed: str) -> Iterator[Floats]:
        assert (hidden, seed) in ((HIDDEN, "seed"), (HIDDEN, "another"))
        for start in range(0, table.VOCABULARY, 50_000):
            yield expected.T[start : start + 50_000]

    monkeypatch.setattr(table, "blocks", blocks)


@pytest.fixture
def file_limit() -> Iterator[None]:
    """Let files grow to 1 MB only: writing then fails in the middle, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def refuse_to_build(*_: object) -> None:
    raise AssertionError("the table was built again")


def test_the_table_is_made_once_and_then_mapped(cache: Path, monkeypatch: pytest.MonkeyPatch, expected: Floats) -> None:
    told: list[float] = []
    np.testing.assert_array_equal(open_table(HIDDEN, "seed", lambda _what, share: told.append(share)), expected)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(files(cache)) == 1

    monkeypatch.setattr(_vocabulary, "_build", refuse_to_build)
    again = open_table(HIDDEN, "seed")
    np.testing.assert_array_equal(again, expected)
    assert not again.flags.writeable


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("damage", ["truncated", "changed", "empty"])
def test_a_damaged_table_is_made_again(cache: Path, damage: str, expected: Floats) -> None:
    open_table(HIDDEN, "seed")
    (path,) = cache.iterdir()
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    damaged: dict[str, bytes] = {"truncated": bytes(data[:-4]), "changed": bytes(data), "empty": b""}
    path.write_bytes(damaged[damage])
    np.testing.assert_array_equal(open_table(HIDDEN, "seed"), expected)
    assert len(files(cache)) == 1


@pytest.mark.usefixtures("quick")
def test_another_seed_or_way_of_making_it_is_another_file(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_table(HIDDEN, "seed")
    open_table(HIDDEN, "another")
    changed = tmp_path / "table.py"
    changed.write_bytes(Path(table.__file__).read_bytes() + b"\n# changed\n")
    monkeypatch.setattr(table, "__file__", str(changed))
    open_table(HIDDEN, "seed")
    assert len(files(cache)) == 3


def test_two_processes_may_make_it_at_once(cache: Path, expected: Floats) -> None:
    code = f"from ossia.engine.nano._vocabulary import open_table; open_table({HIDDEN}, 'seed')"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert len(files(cache)) == 1
    np.testing.assert_array_equal(open_table(HIDDEN, "seed"), expected)


@pytest.mark.usefixtures("quick")
def test_what_a_killed_process_left_is_removed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_table(HIDDEN, "seed")
    (path,) = cache.iterdir()
    leftover = path.with_name(f"{path.name.rpartition('-')[0]}-abc.tmp")
    path.rename(leftover)
    open_table(HIDDEN, "seed")
    assert leftover.exists(), "it may still be written to"
    monkeypatch.setattr(_vocabulary, "_LEFTOVER_SECONDS", -1)
    path.unlink()
    open_table(HIDDEN, "seed")
    assert files(cache) == [path.name]


@pytest.mark.usefixtures("quick")
def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OSSIA_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(EngineError, match="OSSIA_CACHE") as caught:
        open_table(HIDDEN, "seed")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("quick")
def test_a_disk_that_takes_no_more_is_one_sentence_and_leaves_nothing(cache: Path, file_limit: None) -> None:
    with pytest.raises(EngineError, match=r"File too large.*make room for 7 MB"):
        open_table(HIDDEN, "seed")
    assert files(cache) == []


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv("OSSIA_CACHE", "/mine")
    assert cache_directory() == Path("/mine")
    monkeypatch.delenv("OSSIA_CACHE")
    assert cache_directory() == Path("/caches/ossia")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path("/home/someone/.cache/ossia")
