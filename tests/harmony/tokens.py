"""Helpers of the harmony tests: completions written as text, and the tools that they may call."""

from ossia import harmony

RECIPIENTS = (
    "python",
    "browser.search",
    "browser.open",
    "container.exec",
    "repo_browser.search",
    "repo_browser.open_file",
    "functions.f",
    "functions.bash",
    "functions.get_weather",
)


def ids(text: str) -> list[int]:
    """Token ids of text in which `<|name|>` stands for control tokens."""
    return harmony.encoding().encode(text, special=True)


def parse(text: str, plain_text: bool = True) -> harmony.Completion:
    """The completion that a text spells, by a parser that knows `RECIPIENTS`."""
    return harmony.parse_completion(ids(text), RECIPIENTS, plain_text=plain_text)


def check_conserved(completion: harmony.Completion) -> None:
    """Fail unless every token is in exactly one message or one discarded span, and spans are in order."""
    owners = [0] * completion.tokens
    for message in completion.messages:
        assert message.start <= message.body <= message.stop
        for n in range(max(message.start, 0), message.stop):
            owners[n] += 1
    for span in completion.discarded:
        assert span.start < span.stop
        for n in range(max(span.start, 0), span.stop):
            owners[n] += 1
    assert owners == [1] * completion.tokens
    assert 0 <= completion.kept <= completion.tokens
