"""Frames and the host's reader of them: whatever arrives, the reader goes on."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossia.errors import SandboxUnavailable
from ossia.sandbox._link import FRAME_LIMIT, Event, Link
from ossia.sandbox._supervisor import frames
from ossia.sandbox._supervisor.capped import CappedBytes

PIECES = st.lists(st.binary(max_size=64), max_size=12)


class Feed:
    """A transport that gives prepared bytes and records what is sent."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.sent: list[bytes] = []
        self.closed = False

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        return self.pieces.pop(0) if self.pieces else b""

    async def write(self, data: bytes) -> None:
        self.sent.append(data)

    async def close(self) -> None:
        self.closed = True

    async def post_mortem(self) -> str:
        return "the feed ended"


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=8), st.integers(1, 40))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(frames.encode(kind, payload) for kind, payload in sent)
    decoder = frames.FrameDecoder(limit=1000)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == sent


@given(st.integers(11, 5000), st.integers(1, 97))
def test_a_frame_above_the_limit_is_passed_over_and_the_next_one_read(length: int, size: int) -> None:
    stream = frames.encode(1, b"x" * length) + frames.encode(2, b"next")
    decoder = frames.FrameDecoder(limit=10)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == [(2, b"next")]
    assert decoder.skipped == 1


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_parts_are_packed_and_unpacked(parts: list[bytes]) -> None:
    assert frames.unpack_parts(frames.pack_parts(parts)) == parts


@given(st.binary(max_size=200))
def test_any_payload_is_unpacked_or_refused(payload: bytes) -> None:
    try:
        parts = frames.unpack_parts(payload)
    except frames.FrameError:
        return
    assert frames.pack_parts(parts) == payload


@given(PIECES, st.integers(0, 200))
def test_output_is_bounded_and_nothing_is_lost_uncounted(pieces: list[bytes], cap: int) -> None:
    kept = CappedBytes(cap)
    for piece in pieces:
        kept.write(piece)
    head, tail, dropped = kept.finish()
    whole = b"".join(pieces)
    assert len(head) + len(tail) <= cap
    assert len(head) + len(tail) + dropped == len(whole)
    assert whole.startswith(head)
    assert whole.endswith(tail)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.builds(frames.encode, st.integers(0, 8), st.binary(max_size=80)),
            st.builds(
                lambda value: frames.encode(0, json.dumps(value).encode()),
                st.recursive(
                    st.one_of(st.none(), st.integers(), st.text(max_size=8)),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "id"]), inner),
                    max_leaves=8,
                ),
            ),
        ),
        max_size=10,
    )
)
def test_no_frame_ends_the_reader(pieces: list[bytes]) -> None:
    asyncio.run(_survives(pieces))


async def _survives(pieces: list[bytes]) -> None:
    """After any bytes that end on a frame's border, the reader still takes a frame and answers a request."""
    whole = [piece for piece in pieces if piece[:1] and _is_frame(piece)]
    seen: list[Event] = []

    lost = asyncio.Event()

    def record(event: Event) -> None:
        seen.append(event)
        if event["op"] == "lost" and event.get("reason") == "the feed ended":
            lost.set()

    feed = Feed([*whole, frames.encode(0, b'{"op": "last"}')])
    link = Link(feed, on_message=lambda channel, parts: None, on_event=record)
    await lost.wait()
    assert {"op": "last"} in seen
    assert link.lost == "the feed ended"
    await link.close()


def _is_frame(piece: bytes) -> bool:
    return len(piece) >= 5 and int.from_bytes(piece[:4], "big") == len(piece) - 5


async def test_deep_json_in_a_control_frame_is_dropped() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    seen: list[Event] = []
    feed = Feed([frames.encode(0, deep), frames.encode(0, b'{"op": "last"}')])
    lost = asyncio.Event()

    def record(event: Event) -> None:
        seen.append(event)
        if event["op"] == "lost":
            lost.set()

    link = Link(feed, on_message=lambda channel, parts: None, on_event=record)
    await lost.wait()
    assert {"op": "last"} in seen
    assert link.malformed == 1
    await link.close()


async def test_a_request_fails_when_the_supervisor_is_lost() -> None:
    link = Link(Feed([]), on_message=lambda channel, parts: None, on_event=lambda event: None)
    with pytest.raises(SandboxUnavailable, match="the feed ended"):
        await asyncio.wait_for(link.request("stats"), 5)
    await link.close()


def test_the_limit_of_frames_is_above_that_of_files_in_pieces() -> None:
    assert frames.CHUNK < FRAME_LIMIT
