"""Connects to what the policy lets through: resolved once, every address checked, and the checked one dialled."""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ossia.tools.browser.egress.addresses import parse
from ossia.tools.browser.egress.policy import EgressPolicy, Refused

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, in the order in which to try them. Raises `OSError`."""

_CONNECT_TIMEOUT = 10.0
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Decision:
    """A connection that was asked for."""

    host: str
    port: int
    address: str | None
    """What was dialled; None where it was refused."""
    reason: str = ""
    """Why it was refused."""


class Dialer:
    """Opens connections under a policy, and remembers the last thousand decisions."""

    def __init__(self, policy: EgressPolicy, resolver: Resolver | None = None) -> None:
        self.policy = policy
        self.decisions: deque[Decision] = deque(maxlen=_KEPT)
        self._resolve = resolver or _system_resolver

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to `host`. Raises `Refused`, or `OSError` where it cannot be reached."""
        try:
            addresses = await self._checked(host, port)
        except Refused as refused:
            self.decisions.append(Decision(host, port, None, str(refused)))
            raise
        error: OSError = OSError(f"{host} has no address")
        for address in addresses:
            self.decisions.append(Decision(host, port, address))
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT):
                    return await asyncio.open_connection(address, port)
            except TimeoutError:
                error = OSError(f"{host} does not answer")
            except OSError as failure:
                error = failure
        raise error

    async def _checked(self, host: str, port: int) -> list[str]:
        self.policy.check_host(host, port)
        addresses = await self._resolve(host.strip("[]"), port)
        for address in addresses:
            # One private address among several is enough to refuse: which is dialled must not be the site's choice.
            self.policy.check_address(host, parse(address), port)
        return addresses


async def _system_resolver(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no host name") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
