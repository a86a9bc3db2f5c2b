"""Well-formed completions: the parser finds what openai_harmony's finds."""

import openai_harmony
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossia import harmony
from tests.harmony.tokens import RECIPIENTS, check_conserved

REFERENCE = openai_harmony.load_harmony_encoding("HarmonyGptOss")

texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", " ", "\n\n", '{"a": 1}', "naïve 👋🏾 नमस्ते", "<|end|><|call|>", "the assistant said: final"]),
)
content_types = st.sampled_from(["", " json", " code", " <|constrain|>json", "<|constrain|>json"])


@st.composite
def messages(draw: st.DrawFn) -> list[int]:
    """The tokens of one well-formed assistant message, from behind `assistant` on."""
    encode = harmony.encoding().encode
    channel = draw(st.sampled_from(["analysis", "commentary", "final"]))
    recipient = draw(st.one_of(st.none(), st.sampled_from(RECIPIENTS)))
    if recipient is None:
        header = f"<|channel|>{channel}"
    elif draw(st.booleans()):
        header = f"<|channel|>{channel} to={recipient}{draw(content_types)}"
    else:
        # With the recipient in the role the reference takes an adjacent content type for a second one.
        header = f" to={recipient}<|channel|>{channel}{draw(content_types)}"
    end = harmony.CALL if recipient else harmony.END
    return [*encode(header, special=True), harmony.MESSAGE, *encode(draw(texts)), end]


@st.composite
def completions(draw: st.DrawFn) -> list[int]:
    parts = draw(st.lists(messages(), min_size=1, max_size=5))
    start = [harmony.START, *harmony.encoding().encode("assistant")]
    ids = parts[0]
    for part in parts[1:]:
        ids = [*ids, *start, *part]
    return ids


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(completions())
def test_agrees_with_the_reference(ids: list[int]) -> None:
    expected = REFERENCE.parse_messages_from_completion_tokens(ids, openai_harmony.Role.ASSISTANT)
    completion = harmony.parse_completion(ids, RECIPIENTS)
    assert completion.repairs == []
    assert completion.discarded == []
    assert [(m.channel, m.recipient, m.content_type, m.text) for m in completion.messages] == [
        (m.channel, m.recipient, m.content_type, "".join(c.text for c in m.content)) for m in expected
    ]
    check_conserved(completion)


@settings(max_examples=100, deadline=None)
@given(completions(), st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_deltas_are_the_text(ids: list[int], sizes: list[int]) -> None:
    parser = harmony.CompletionParser(RECIPIENTS)
    events: list[harmony.Event] = []
    at = turn = 0
    while at < len(ids):
        size = sizes[turn % len(sizes)]
        events += parser.feed(ids[at : at + size])
        at, turn = at + size, turn + 1
    events += parser.close()
    text = ""
    for event in events:
        match event:
            case harmony.MessageStart():
                text = ""
            case harmony.TextDelta():
                text += event.text
            case harmony.MessageEnd():
                assert text == event.message.text
    assert parser.finish() == harmony.parse_completion(ids, RECIPIENTS)


def test_a_forced_prefix_is_the_header_of_the_first_message() -> None:
    encode = harmony.encoding().encode
    prefix = encode("<|channel|>final<|message|>", special=True)
    ids = encode("Hi.<|return|>", special=True)
    parser = harmony.CompletionParser(RECIPIENTS, prefix=prefix)
    assert parser.feed(ids[:1]) == [harmony.TextDelta("Hi")]
    parser.feed(ids[1:])
    completion = parser.finish()
    assert completion == harmony.parse_completion(ids, RECIPIENTS, prefix=prefix)
    assert completion.final == "Hi."
    assert (completion.messages[0].start, completion.messages[0].body, completion.messages[0].stop) == (-3, 0, 3)
    assert (completion.tokens, completion.kept) == (3, 3)


def test_done_once_nothing_more_can_count() -> None:
    encode = harmony.encoding().encode
    for text, done in (
        ("<|channel|>final<|message|>Hi", False),
        ("<|channel|>final<|message|>Hi<|return|>", True),
        ("<|channel|>final<|message|>Hi<|end|><|start|>user<|message|>", True),
    ):
        parser = harmony.CompletionParser(RECIPIENTS)
        parser.feed(encode(text, special=True))
        assert parser.done == done


def test_closing_ends_the_message_that_was_cut_off() -> None:
    parser = harmony.CompletionParser(RECIPIENTS)
    parser.feed(harmony.encoding().encode("<|channel|>final<|message|>Hi", special=True))
    parser.feed([9552])
    assert parser.close() == [harmony.TextDelta("\ufffd"), harmony.MessageEnd(parser.finish().messages[0])]
    assert parser.close() == []
    assert parser.finish().messages[0].text == "Hi \ufffd"


def test_control_tokens_that_are_spelled_out_as_text() -> None:
    encode = harmony.encoding().encode
    text = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hi<|return|>"
    completion = harmony.parse_completion([*encode(text), harmony.RETURN], RECIPIENTS)
    assert [(m.channel, m.text) for m in completion.messages] == [("analysis", "hm"), ("final", "Hi")]
    assert [r.kind for r in completion.repairs] == ["plain_text", "plain_text"]
    assert harmony.parse_completion([*encode(text), harmony.RETURN], RECIPIENTS, plain_text=False).final is None
    inside = [*encode("<|channel|>final<|message|>", special=True), *encode("Say <|end|> twice."), harmony.RETURN]
    assert harmony.parse_completion(inside, RECIPIENTS).final == "Say <|end|> twice."
