"""Datasets: the items that an eval asks, and the hash by which results know them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ossia.errors import UserError
from ossia.types import JsonValue


@dataclass(frozen=True, slots=True)
class Sample:
    """One item: what is asked, in what setting, and what is expected."""

    id: str
    """Unique in its dataset, and the same for ever: results are kept under it."""
    family: str
    """Items of one family are reported together."""
    question: str
    expected: Mapping[str, JsonValue]
    setting: Mapping[str, JsonValue] = field(default_factory=dict)
    """What the eval needs beside the question: files, functions, pages."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Items in a fixed order."""

    name: str
    samples: tuple[Sample, ...]
    sha256: str
    """Of the file's bytes, in hexadecimal."""

    @property
    def families(self) -> tuple[str, ...]:
        """The families, in the order in which they first stand."""
        return tuple(dict.fromkeys(sample.family for sample in self.samples))

    def take(self, limit: int | None = None, families: tuple[str, ...] = ()) -> tuple[Sample, ...]:
        """The first `limit` samples of each family, or of those named; an unknown one raises `UserError`."""
        if unknown := set(families) - set(self.families):
            known = ", ".join(self.families)
            raise UserError(f"{self.name} has no family {sorted(unknown)[0]!r}: it has {known}.")
        chosen = families or self.families
        return tuple(
            sample
            for family in chosen
            for sample in [s for s in self.samples if s.family == family][: limit or len(self.samples)]
        )


def read_dataset(name: str, path: Path) -> Dataset:
    """A dataset from JSON lines with `id`, `family`, `question`, `expected` and `setting`.

    Raises `UserError` where a line has another form, or an id stands twice.
    """
    content = path.read_bytes()
    samples = tuple(_samples(path, content.decode("utf-8")))
    if len({sample.id for sample in samples}) < len(samples):
        raise UserError(f"{path}: an id stands twice.")
    return Dataset(name, samples, hashlib.sha256(content).hexdigest())


def _samples(path: Path, text: str) -> Iterator[Sample]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            yield Sample(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}, line {number} is no sample: {error}") from error
