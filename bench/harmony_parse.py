"""Tokens a second of the completion parser, beside openai_harmony's StreamableParser, on the same completion.

    python -m bench.harmony_parse [--rounds 9] [--tokens 20000]

Three ways are timed in turn, `rounds` times, so that other load on the machine meets all of them: ours one token at a
time with every delta read, ours in chunks of 64, the reference one token at a time with every delta read (it takes no
chunks). Given are medians, the middle half, and ratios within the rounds. One core; the first round is not counted.
"""

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

import openai_harmony

from ossia import harmony

RECIPIENTS = ("python", "functions.f")


def completion(tokens: int) -> list[int]:
    """A long analysis in several scripts and with code, a call's header and a final: about `tokens` token ids."""
    encode = harmony.encoding().encode
    lines = (
        "We need the value of the integral from 0 to {n}, so let's substitute and check the bounds again.\n",
        "x_{n} = [f(i) for i in range({n})]  # naïve, but fine\n",
        'Perhaps 你好 or नमस्ते {n} 👋🏾; the user said: "don\'t".\n',
    )
    text: list[int] = []
    n = 0
    while len(text) < tokens:
        text += encode(lines[n % len(lines)].replace("{n}", str(n)))
        n += 1
    head = encode("<|channel|>analysis<|message|>", special=True)
    tail = encode("<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|return|>", special=True)
    return [*head, *text, *tail]


def ours_one_by_one(ids: list[int]) -> int:
    parser = harmony.CompletionParser(RECIPIENTS)
    read = 0
    for token in ids:
        for event in parser.feed((token,)):
            if type(event) is harmony.TextDelta:
                read += len(event.text)
    assert parser.finish().final == "It is 4."
    return read


def ours_in_chunks(ids: list[int]) -> int:
    parser = harmony.CompletionParser(RECIPIENTS)
    read = 0
    for at in range(0, len(ids), 64):
        for event in parser.feed(ids[at : at + 64]):
            if type(event) is harmony.TextDelta:
                read += len(event.text)
    assert parser.finish().final == "It is 4."
    return read


def reference_one_by_one(ids: list[int]) -> int:
    parser = openai_harmony.StreamableParser(_REFERENCE, openai_harmony.Role.ASSISTANT)
    read = 0
    for token in ids:
        parser.process(token)
        if (delta := parser.last_content_delta) is not None:
            read += len(delta)
    assert parser.messages[-1].content[0].text == "It is 4."
    return read


_REFERENCE = openai_harmony.load_harmony_encoding("HarmonyGptOss")
WAYS: dict[str, Callable[[list[int]], int]] = {
    "ossia, one token at a time, deltas read": ours_one_by_one,
    "ossia, chunks of 64, deltas read": ours_in_chunks,
    "openai_harmony, one token at a time, deltas read": reference_one_by_one,
}


def run(rounds: int, tokens: int) -> None:
    """Time all ways and print what they reach."""
    ids = completion(tokens)
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for n in range(rounds + 1):
        for name, way in WAYS.items():
            started = time.perf_counter()
            way(ids)
            if n:
                rates[name].append(len(ids) / (time.perf_counter() - started))
    print(
        f"{len(ids):,} tokens, {rounds} rounds; million tokens a second, median (middle half), ratio to the reference"
    )
    base = rates["openai_harmony, one token at a time, deltas read"]
    for name, values in rates.items():
        low, middle, high = (v / 1e6 for v in statistics.quantiles(values, n=4))
        ratio = statistics.median(a / b for a, b in zip(values, base, strict=True))
        print(f"{name:50} {middle:6.2f} ({low:.2f} to {high:.2f})  x{ratio:.2f}")
    print(f"memory while parsing: {_memory(ids) / len(ids):.0f} bytes a token of the message under way")


def _memory(ids: list[int]) -> int:
    tracemalloc.start()
    parser = harmony.CompletionParser(RECIPIENTS)
    for at in range(0, len(ids), 64):
        parser.feed(ids[at : at + 64])
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    parser.finish()
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the completion parser.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=20_000)
    arguments = parser.parse_args()
    run(arguments.rounds, arguments.tokens)


if __name__ == "__main__":
    main()
