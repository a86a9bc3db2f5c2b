"""What may be reached: one policy for every byte that leaves the browser."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from ossia.errors import UserError
from ossia.tools.browser.egress.addresses import Address, is_public

SCHEMES = ("http", "https")


class Refused(Exception):
    """Something that the policy does not let through; its text is for the model."""


@dataclass(frozen=True, slots=True)
class _Exception:
    """A private place that may be reached: a host name or a network, on one port or on the usual ones."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Public addresses only, on the usual ports; of them the domains allowed and not blocked.

    `allow`: domains, with their subdomains, that may be reached; empty: all. `block`: domains that may not. `private`:
    places that may be reached although they are not public, as `host`, `address` or `network`, each with `:port` where
    it is another than those of `ports`. Raises `UserError` on an entry that is none of these.
    """

    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    ports: tuple[int, ...] = (80, 443)
    _exceptions: tuple[_Exception, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exceptions", tuple(map(_parse, self.private)))
        for domain in self.allow + self.block:
            if "/" in domain or ":" in domain or not domain.strip("."):
                raise UserError(f"{domain!r} is no domain: write it as example.org, without scheme, port or path.")

    def check_host(self, host: str, port: int) -> None:
        """Raises `Refused` where the name alone decides."""
        name = _name(host)
        if any(_within(name, domain) for domain in self.block):
            raise Refused(f"{host} is blocked in this session")
        if self.allow and not any(_within(name, domain) for domain in self.allow):
            raise Refused(f"{host} is not among the sites that this session may open")
        if port not in self.ports and not any(exception.port == port for exception in self._exceptions):
            raise Refused(f"port {port} of {host} may not be reached")

    def check_address(self, host: str, address: Address, port: int) -> None:
        """Raises `Refused` where `host`, which resolved to `address`, leads to a place that is not public."""
        if port in self.ports and is_public(address):
            return
        name = _name(host)
        for exception in self._exceptions:
            if port != exception.port and (exception.port is not None or port not in self.ports):
                continue
            if exception.name == name or _contains(exception.network, address):
                return
        if is_public(address):
            raise Refused(f"port {port} of {host} may not be reached")
        raise Refused(f"{host} is not on the public internet ({address})")

    def hides(self, host: str) -> bool:
        """True for a site that search results should not show."""
        name = _name(host)
        blocked = any(_within(name, domain) for domain in self.block)
        return blocked or bool(self.allow and not any(_within(name, domain) for domain in self.allow))


def _parse(entry: str) -> _Exception:
    host, port = entry, None
    head, colon, tail = entry.rpartition(":")
    if colon and tail.isdigit() and ("]" in head or ":" not in head):
        host, port = head, int(tail)
    host = host.strip("[]").lower().rstrip(".")
    try:
        return _Exception(None, ip_network(host), port)
    except ValueError as error:
        if not host or "/" in host or ":" in host or " " in host:
            raise UserError(
                f"private={entry!r}: write a host, an address or a network, with :port if need be."
            ) from error
        return _Exception(host, None, port)


def _contains(network: IPv4Network | IPv6Network | None, address: Address) -> bool:
    if network is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None) if network.version == 4 else None
    inner = mapped or address
    return bool(inner.version == network.version and inner in network)


def _name(host: str) -> str:
    try:
        ascii_name = host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_name = host
    return ascii_name.strip("[]").lower().rstrip(".")


def _within(name: str, domain: str) -> bool:
    domain = _name(domain.removeprefix("*."))
    return name == domain or name.endswith("." + domain)
