"""Which replica a session goes to: always the same one, because its prefix cache is there."""

import hashlib
from collections.abc import Collection

from ossia.errors import EngineError


class Route:
    """Rendezvous hashing: each replica ranks by the hash of its number and the session's key, so that one which dies
    moves its own sessions only."""

    def __init__(self, spec: str, count: int) -> None:
        self._spec = spec
        self._count = count
        self._lost: dict[int, str] = {}

    def choose(self, key: str) -> int:
        """Number of the replica. Raises `EngineError` where none is left, with why the last one went."""
        if not (alive := self.alive):
            reason = next(reversed(self._lost.values()))
            raise EngineError(f"{self._spec} has lost all its {self._count} engines, the last one because {reason}")
        return max(alive, key=lambda number: hashlib.sha256(f"{number}/{key}".encode()).digest())

    def lost(self, number: int, reason: str) -> None:
        self._lost[number] = reason

    @property
    def alive(self) -> Collection[int]:
        return [number for number in range(self._count) if number not in self._lost]
