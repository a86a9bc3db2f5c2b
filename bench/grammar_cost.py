"""What holding a completion to the call grammar costs for each token id, three ways to do it beside no grammar.

    python -m bench.grammar_cost [--rounds 40]

Over a recorded completion (a thought, then a call with JSON arguments), at each of its token ids: sampling alone;
sampling first, asking whether the id is allowed, and a mask only where it is refused (what the engines do); a mask for
every id, then sampling from what it leaves. The logits are random with the recorded id the likeliest by far, as with a
model that knows the format; the last row lets the model be wrong at every id. Also: what it costs to compile.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from bench.report import machine, spread
from ossia import harmony
from ossia.engine import Sampling
from ossia.engine.batching import Floats, sample
from ossia.engine.masks import TokenMatcher, compile_grammar
from ossia.types import FunctionSpec, JsonValue, ToolNamespace

PARAMETERS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "units": {"enum": ["C", "F"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (
    ToolNamespace("python", "Runs code."),
    ToolNamespace("functions", "", (FunctionSpec("weather", "", PARAMETERS), FunctionSpec("now")), "developer"),
)
COMPLETION = (
    "<|channel|>analysis<|message|>The user asks for the weather in Ulm for the next three days. I will call the "
    "weather function with the city and the number of days, in degrees Celsius.<|end|><|start|>assistant"
    '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Ulm", "days": 3, "units": "C"}'
    "<|call|>"
)
DRAWN = Sampling(temperature=1.0)
Way = Callable[[Floats, TokenMatcher, np.random.Generator], int]


def free(logits: Floats, matcher: TokenMatcher, random: np.random.Generator) -> int:
    return sample(logits, DRAWN, random)[0]


def asked(logits: Floats, matcher: TokenMatcher, random: np.random.Generator) -> int:
    return sample(logits, DRAWN, random, matcher)[0]


def masked(logits: Floats, matcher: TokenMatcher, random: np.random.Generator) -> int:
    left = np.where(matcher.allowed(), logits, np.float32(-np.inf))
    token, _ = sample(left, DRAWN, random)
    matcher.take(token)
    return token


def milliseconds(way: Way, tokens: list[int], *, wrong: bool) -> float:
    """Of one token id, over the recorded completion."""
    matcher, random = compile_grammar(harmony.call_grammar(TOOLS)), np.random.default_rng(0)
    logits = random.normal(size=harmony.VOCABULARY).astype(np.float32)
    seconds = 0.0
    for token in tokens:
        logits[token] += 100 if not wrong else 50
        logits[harmony.ENDOFTEXT] = 100 if wrong else 0
        started = time.perf_counter()
        got = way(logits, matcher, random)
        seconds += time.perf_counter() - started
        assert got == token or (wrong and way is free)
        logits[token] -= 100 if not wrong else 50
    return 1000 * seconds / len(tokens)


def compiling() -> None:
    grammar = harmony.call_grammar(TOOLS)
    started = time.perf_counter()
    compile_grammar(grammar)
    first = time.perf_counter() - started
    times = []
    for i in range(20):
        other = harmony.call_grammar([ToolNamespace(f"tool{i}", "", TOOLS[1].functions)])
        started = time.perf_counter()
        compile_grammar(other)
        times.append(1000 * (time.perf_counter() - started))
    again = []
    for _ in range(100):
        started = time.perf_counter()
        compile_grammar(grammar)
        again.append(1e6 * (time.perf_counter() - started))
    print(f"\ncompiling: the first of a process {first:.2f} s, another one {spread(times)} ms, ", end="")
    print(f"one that was compiled before {spread(again, 0)} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    tokens = harmony.encoding().encode(COMPLETION, special=True)
    ways: dict[str, tuple[Way, bool]] = {
        "no grammar": (free, False),
        "asked first (the engines)": (asked, False),
        "a mask for every id": (masked, False),
        "asked first, wrong at every id": (asked, True),
    }
    compiling()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, (way, wrong) in ways.items():
            found[name].append(milliseconds(way, tokens, wrong=wrong))
    print(f"{machine()}; {len(tokens)} token ids, {arguments.rounds} rounds\n")
    print("| | ms a token id | against no grammar |")
    print("|---|---|---|")
    base = found["no grammar"]
    for name, values in found.items():
        print(f"| {name} | {spread(values, 3)} | {spread([a / b for a, b in zip(values, base, strict=True)])} |")


if __name__ == "__main__":
    main()
