"""Which addresses count as public, form by form."""

from ipaddress import ip_address

import pytest

from ossia.errors import UserError
from ossia.tools.browser.egress import EgressPolicy, Refused, is_public

PRIVATE = {
    "loopback": "127.0.0.1",
    "loopback, another": "127.8.9.10",
    "loopback, v6": "::1",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "shared, carrier NAT": "100.64.0.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "metadata, v6": "fd00:ec2::254",
    "this network": "0.0.0.0",
    "unspecified, v6": "::",
    "protocol assignments": "192.0.0.8",
    "documentation": "192.0.2.1",
    "benchmarking": "198.18.0.1",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "multicast, admin": "239.1.1.1",
    "multicast, v6": "ff02::1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unique local, v6": "fc00::1",
    "link-local, v6": "fe80::1",
    "site-local, v6": "fec0::1",
    "documentation, v6": "2001:db8::1",
    "documentation, v6, new": "3fff::1",
    "discard, v6": "100::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "compatible loopback": "::127.0.0.1",
    "NAT64 loopback": "64:ff9b::7f00:1",
    "NAT64 metadata": "64:ff9b::a9fe:a9fe",
    "NAT64, local prefix": "64:ff9b:1::1",
    "6to4 loopback": "2002:7f00:1::",
    "6to4 private": "2002:a00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "ORCHID": "2001:20::1",
    "segment routing": "5f00::1",
}
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_private(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(Refused, match="is not on the public internet"):
        EgressPolicy().check_address("host", ip_address(address), 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ip_address(address))
    EgressPolicy().check_address("host", ip_address(address), 443)


def allowed(policy: EgressPolicy, host: str, address: str, port: int = 80) -> bool:
    try:
        policy.check_host(host, port)
        policy.check_address(host, ip_address(address), port)
    except Refused:
        return False
    return True


def test_a_private_place_can_be_named() -> None:
    policy = EgressPolicy(private=("wiki.corp", "10.1.0.0/16", "127.0.0.1:8000", "[fd00::1]:8080"))
    assert allowed(policy, "wiki.corp", "192.168.1.1")
    assert allowed(policy, "WIKI.corp.", "192.168.1.1")
    assert not allowed(policy, "other.corp", "192.168.1.1")
    assert allowed(policy, "anything", "10.1.2.3")
    assert not allowed(policy, "anything", "10.2.2.3")
    assert not allowed(policy, "anything", "10.1.2.3", 22)
    assert allowed(policy, "127.0.0.1", "127.0.0.1", 8000)
    assert not allowed(policy, "127.0.0.1", "127.0.0.1", 8001)
    assert not allowed(policy, "127.0.0.1", "127.0.0.1", 80)
    assert allowed(policy, "x", "fd00::1", 8080)
    assert allowed(policy, "x", "::ffff:10.1.2.3")


def test_a_port_that_one_private_place_has_is_not_open_elsewhere() -> None:
    policy = EgressPolicy(private=("127.0.0.1:8000",))
    assert not allowed(policy, "example.org", "93.184.216.34", 8000)


def test_domains_are_allowed_and_blocked_with_their_subdomains() -> None:
    allow = EgressPolicy(allow=("python.org", "*.example.com"))
    assert allowed(allow, "docs.python.org", "8.8.8.8")
    assert allowed(allow, "PYTHON.ORG", "8.8.8.8")
    assert allowed(allow, "example.com", "8.8.8.8")
    assert not allowed(allow, "notpython.org", "8.8.8.8")
    assert not allowed(allow, "python.org.evil.example", "8.8.8.8")
    block = EgressPolicy(block=("huggingface.co",))
    assert not allowed(block, "datasets.huggingface.co", "8.8.8.8")
    assert allowed(block, "nothuggingface.co", "8.8.8.8")
    assert not allowed(EgressPolicy(allow=("a.org",), block=("x.a.org",)), "x.a.org", "8.8.8.8")


def test_names_in_other_scripts_are_compared_in_their_ascii_form() -> None:
    assert not allowed(EgressPolicy(block=("bücher.example",)), "xn--bcher-kva.example", "8.8.8.8")
    assert not allowed(EgressPolicy(block=("xn--bcher-kva.example",)), "BÜCHER.example", "8.8.8.8")


@pytest.mark.parametrize("entry", ["https://x.org", "x.org/path", "10.0.0.0/99", ""])
def test_an_entry_that_makes_no_sense_is_refused(entry: str) -> None:
    with pytest.raises(UserError):
        EgressPolicy(private=(entry,))
    with pytest.raises(UserError):
        EgressPolicy(allow=(entry,))
