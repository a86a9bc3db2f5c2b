"""Which addresses sandboxed code may reach, and nothing else: a list of names, checked on the host."""

import ipaddress
from dataclasses import dataclass

from ossia.sandbox.errors import SandboxUsageError

_WEB_PORTS = frozenset((80, 443))


@dataclass(frozen=True, slots=True)
class Egress:
    """An allow-list: `Egress(("pypi.org", "*.pythonhosted.org:443", "10.0.0.7:8080"))`.

    An entry is a host name, `*.` and a domain (which stands for the names below it), or an IP address; with a port, or
    else for the ports 80 and 443. A name that resolves to a private, loopback or link-local address is refused: such an
    address has to be listed as an IP address. The code reaches the list through an HTTP proxy on its loopback
    (`HTTPS_PROXY`); the sandbox itself stays without any network.
    """

    allow: tuple[str, ...]
    max_bytes: int = 1 << 30
    """Bytes that one sandbox may send and receive together."""

    def __post_init__(self) -> None:
        for entry in self.allow:
            _parse(entry)

    def permits(self, host: str, port: int) -> bool:
        """True: the list has this host and port."""
        return any(_matches(*_parse(entry), host.lower().rstrip("."), port) for entry in self.allow)


def address_is_safe(address: str, host: str) -> bool:
    """True: `address`, which `host` resolved to, is on the public internet, or was named as an address."""
    return host == address or ipaddress.ip_address(address).is_global


def _parse(entry: str) -> tuple[str, int | None]:
    host, _, port = entry.rpartition(":")
    if not host:
        host, port = entry, ""
    if (port and not (port.isdigit() and 0 < int(port) < 65536)) or not host.strip("*.") or "*" in host[1:]:
        raise SandboxUsageError(f"{entry!r} is no entry of an egress list: write HOST, *.DOMAIN or ADDRESS, then :PORT")
    if host.startswith("*") and not host.startswith("*."):
        raise SandboxUsageError(f"{entry!r} is no entry of an egress list: the star must stand before a dot")
    return host.lower(), int(port) if port else None


def _matches(pattern: str, wanted: int | None, host: str, port: int) -> bool:
    if port != wanted and not (wanted is None and port in _WEB_PORTS):
        return False
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
