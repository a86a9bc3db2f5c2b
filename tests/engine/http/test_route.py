"""Which server gets a session."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ossia.engine.http._route import Router, affinity

URLS = [f"http://host{i}:8000/v1" for i in range(5)]


@given(st.text(), st.permutations(URLS))
def test_a_session_keeps_its_server_in_whatever_order_they_are_named(key: str, urls: list[str]) -> None:
    assert Router(urls).choose(key).base == Router(URLS).choose(key).base


@given(st.text(), st.sampled_from(URLS))
def test_a_server_that_goes_moves_its_own_sessions_only(key: str, gone: str) -> None:
    before = Router(URLS).choose(key).base
    after = Router([url for url in URLS if url != gone]).choose(key).base
    assert after == before or before == gone
    router = Router(URLS)
    next(replica for replica in router.replicas if replica.base == gone).failed()
    assert router.choose(key).base == after


def test_sessions_are_spread() -> None:
    router = Router(URLS)
    counts = Counter(router.choose(f"run {i}").base for i in range(1000))
    assert len(counts) == 5
    assert min(counts.values()) > 130


def test_where_all_are_down_the_one_that_has_just_failed_is_last() -> None:
    router = Router(URLS)
    for replica in router.replicas:
        replica.failed()
    first = router.choose("a")
    assert router.choose("a", avoid=first) is not first
    assert Router(URLS[:1]).choose("a").base == URLS[0]


@given(st.text())
def test_the_session_goes_as_a_digest_that_any_header_can_carry(key: str) -> None:
    assert affinity(key).isalnum()
    assert affinity(key) == affinity(key)
