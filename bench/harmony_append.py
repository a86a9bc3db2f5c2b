"""Milliseconds to append a tool result to a long transcript, beside rendering the whole conversation again.

    python -m bench.harmony_append [--tokens 100000] [--rounds 9]

The conversation is the same: user, then calls and results of `python`. Ours appends the result (some 400 tokens, a
screen of output) and gives the next prompt: most of its time is the tokenizer's, on the new text. The reference renders
the conversation with openai_harmony, as a loop over messages does.
"""

import argparse
import statistics
import time

import openai_harmony as reference

from ossia import harmony
from ossia.types import ToolNamespace

RESULT = "A line of output, number 17, of the cell.\n" * 30
CODE = "for i in range(10):\n    print(i)\n" * 12


def steps(tokens: int) -> int:
    """How many calls with their results make a conversation of `tokens` token ids."""
    encode = harmony.encoding().encode
    return max(1, tokens // (len(encode(RESULT)) + len(encode(CODE)) + 20))


def ours(count: int) -> harmony.Transcript:
    config = harmony.PromptConfig(tools=(ToolNamespace("python", "Runs code."),))
    transcript = harmony.Transcript.start(config)
    transcript.append_user("Count.")
    for _ in range(count):
        call = harmony.encoding().encode(f"<|channel|>analysis to=python code<|message|>{CODE}<|call|>", special=True)
        transcript.append_completion(call)
        transcript.append_tool("python", RESULT, "analysis")
    return transcript


def theirs(count: int) -> list[reference.Message]:
    role, author = reference.Role, reference.Author
    messages = [
        reference.Message.from_role_and_content(role.SYSTEM, reference.SystemContent.new().with_python_tool()),
        reference.Message.from_role_and_content(role.USER, "Count."),
    ]
    for _ in range(count):
        call = reference.Message.from_role_and_content(role.ASSISTANT, CODE).with_channel("analysis")
        messages.append(call.with_recipient("python").with_content_type("code"))
        result = reference.Message.from_author_and_content(author.new(role.TOOL, "python"), RESULT)
        messages.append(result.with_channel("analysis").with_recipient("assistant"))
    return messages


def run(tokens: int, rounds: int) -> None:
    """Time both and print them."""
    count = steps(tokens)
    transcript, messages = ours(count), theirs(count)
    encoding = reference.load_harmony_encoding("HarmonyGptOss")
    length = len(transcript.prompt())
    appended: list[float] = []
    rendered: list[float] = []
    for n in range(rounds + 1):
        started = time.perf_counter()
        transcript.append_tool("python", RESULT, "analysis")
        transcript.prompt()
        between = time.perf_counter()
        config = reference.RenderConversationConfig(auto_drop_analysis=False)
        conversation = reference.Conversation.from_messages(messages)
        encoding.render_conversation_for_completion(conversation, reference.Role.ASSISTANT, config)
        if n:
            appended.append((between - started) * 1e3)
            rendered.append((time.perf_counter() - between) * 1e3)
    ratio = statistics.median(b / a for a, b in zip(appended, rendered, strict=True))
    new = len(harmony.encoding().encode(RESULT))
    print(f"{length:,} tokens, {new:,} appended; {rounds} rounds; milliseconds, median (middle half)")
    for name, values in (("ossia: append, next prompt", appended), ("openai_harmony: render all again", rendered)):
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"{name:34} {middle:8.3f} ({low:.3f} to {high:.3f})")
    print(f"ratio {ratio:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time appending to a transcript.")
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    run(arguments.tokens, arguments.rounds)


if __name__ == "__main__":
    main()
