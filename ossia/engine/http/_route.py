"""Which server gets a request: always the same one for a session, because its prefix cache is there."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ossia.engine.http._probe import Found

COOLDOWN = 1.0
"""Seconds that a server is left alone after a failure; twice as long after each further one."""
LONGEST_COOLDOWN = 30.0


@dataclass(eq=False, slots=True)
class Replica:
    """One server."""

    base: str
    found: Found | None = None
    """None: it has not answered yet."""
    down_until: float = 0.0
    """On the monotonic clock; past: it is thought to be well."""
    cooldown: float = 0.0

    def failed(self) -> None:
        self.cooldown = min(max(COOLDOWN, 2 * self.cooldown), LONGEST_COOLDOWN)
        self.down_until = time.monotonic() + self.cooldown

    def worked(self) -> None:
        self.cooldown = self.down_until = 0.0


class Router:
    """Sticky routing by rendezvous hashing: each server ranks by the hash of its URL and the session's key, so that a
    server which comes or goes moves its own sessions only.
    """

    def __init__(self, bases: Sequence[str]) -> None:
        self.replicas = [Replica(base) for base in bases]

    def choose(self, key: str, avoid: Replica | None = None) -> Replica:
        """The session's server, or the next in its rank while that one is down. `avoid`: it has just failed, and is
        taken only where there is no other.
        """
        if len(self.replicas) == 1:
            return self.replicas[0]
        ranked = sorted(self.replicas, key=lambda replica: _score(replica.base, key), reverse=True)
        candidates = [replica for replica in ranked if replica is not avoid]
        now = time.monotonic()
        well = next((replica for replica in candidates if replica.down_until <= now), None)
        return well or min(candidates, key=lambda replica: replica.down_until)

    def others_well(self, failed: Replica) -> bool:
        now = time.monotonic()
        return any(replica.down_until <= now for replica in self.replicas if replica is not failed)


def _score(base: str, key: str) -> bytes:
    return hashlib.blake2b(f"{base}\n{key}".encode(errors="replace"), digest_size=8).digest()


def affinity(key: str) -> str:
    """A session's key as a header can carry it: its digest, in hexadecimal."""
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=16).hexdigest()
