"""How many steps of nano come out whole with the call grammar off, on, and after a malformed completion only.

    python -m bench.grammar_nano [--n 100] [--temperatures 1.0 1.5 2.0] [--attempts 10] [--at-once 8]

The first step of held-out arithmetic questions, with `python` and two functions declared, sampled at temperatures at
which nano makes mistakes. A completion is whole when it holds a call of a declared tool or a final answer; others are
sampled again, those that reach the limit too, up to `--attempts` times. JSON arguments are valid when they fit the
schema of their function. The three ways take each question in turn, in batches; speed is token ids a second, over all
completions.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import jsonschema

from bench.report import machine, spread
from nano.questions import read
from ossia import Python, harmony
from ossia.engine import Engine, Sampling, open_engine
from ossia.evals.statistics import wilson
from ossia.types import FunctionSpec, Grammar, JsonValue, ToolNamespace

CITY: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTIONS = (FunctionSpec("get_weather", "The weather in a city.", CITY), FunctionSpec("get_time", "The time.", CITY))
TOOLS = (Python().namespace, ToolNamespace("functions", "", FUNCTIONS, "developer"))
RECIPIENTS = [recipient for tool in TOOLS for recipient in tool.recipients]
GRAMMAR = harmony.call_grammar(TOOLS)
WAYS = ("off", "on", "after_malformed")
STEP_TOKENS = 96
"""Three times what a step of nano takes: one that is longer has lost its way."""


@dataclass
class Tally:
    """What came of one way at one temperature."""

    completions: int = 0
    whole: int = 0
    """Completions of which something could be made."""
    steps: int = 0
    steps_whole: int = 0
    """Steps that had a whole completion within the attempts."""
    first_whole: int = 0
    arguments: int = 0
    arguments_valid: int = 0
    tokens: int = 0
    discarded: int = 0
    conditions: Counter[str] = field(default_factory=Counter)
    speeds: list[float] = field(default_factory=list)


def prompt(question: str) -> list[int]:
    opening = harmony.encoding().encode("<|start|>assistant", special=True)
    return [*harmony.render_prompt(harmony.PromptConfig(tools=TOOLS)), *harmony.render_user(question), *opening]


async def step(engine: Engine, question: str, way: str, temperature: float, attempts: int, seed: int) -> Tally:
    """One step, sampled again until it is whole."""
    tally = Tally(steps=1)
    for attempt in range(attempts + 1):
        grammar = GRAMMAR if way == "on" or (way == "after_malformed" and attempt) else None
        sampling = Sampling(temperature=temperature, max_tokens=STEP_TOKENS, seed=1000 * seed + attempt)
        tokens = await sampled(engine, prompt(question), sampling, f"{way}-{seed}", grammar)
        completion = harmony.parse_completion(tokens, recipients=RECIPIENTS)
        condition = harmony.diagnose(completion)
        whole = condition in ("well_formed", "repaired")
        tally.completions += 1
        tally.whole += whole
        tally.first_whole += whole and attempt == 0
        tally.tokens += len(tokens)
        tally.conditions[condition] += 1
        check_arguments(tally, completion)
        if whole:
            tally.steps_whole = 1
            break
        tally.discarded += len(tokens)
    return tally


async def sampled(
    engine: Engine, ids: Sequence[int], sampling: Sampling, key: str, grammar: Grammar | None
) -> list[int]:
    chunks = engine.generate(ids, sampling, key=key, grammar=grammar)
    return [token async for chunk in chunks for token in chunk.token_ids]


def check_arguments(tally: Tally, completion: harmony.Completion) -> None:
    for call in completion.calls:
        if call.complete and call.declared and (call.recipient or "").startswith("functions."):
            tally.arguments += 1
            try:
                jsonschema.validate(json.loads(call.text), dict(CITY))
                tally.arguments_valid += 1
            except (ValueError, jsonschema.ValidationError):
                pass  # counted by what is missing


def add(total: Tally, one: Tally) -> None:
    for name in ("completions", "whole", "steps", "steps_whole", "first_whole", "arguments", "arguments_valid"):
        setattr(total, name, getattr(total, name) + getattr(one, name))
    total.tokens += one.tokens
    total.discarded += one.discarded
    total.conditions += one.conditions


async def measure(engine: Engine, arguments: argparse.Namespace, temperature: float) -> dict[str, Tally]:
    questions = [question for question, _ in read()[: arguments.n]]
    totals = {way: Tally() for way in WAYS}
    for start in range(0, len(questions), arguments.at_once):
        batch = questions[start : start + arguments.at_once]
        for way in WAYS:
            began = time.perf_counter()
            done = await asyncio.gather(
                *(step(engine, q, way, temperature, arguments.attempts, start + i) for i, q in enumerate(batch))
            )
            seconds = time.perf_counter() - began
            totals[way].speeds.append(sum(one.tokens for one in done) / seconds)
            for one in done:
                add(totals[way], one)
    return totals


def share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits} of {n} = {hits / n:.3f} [{low:.3f}, {high:.3f}]"


async def run(arguments: argparse.Namespace) -> None:
    engine = await open_engine("nano")
    await sampled(engine, prompt("warm up"), Sampling(max_tokens=4), "warm", GRAMMAR)
    print(f"{machine()}; {arguments.n} questions, shares with Wilson 95 %\n")
    print(
        "| temperature | grammar | completions that are whole | steps whole at first | in the end | discarded | ids/s |"
    )
    print("|---|---|---|---|---|---|---|")
    details = []
    for temperature in arguments.temperatures:
        for way, t in (await measure(engine, arguments, temperature)).items():
            first, last = share(t.first_whole, t.steps), share(t.steps_whole, t.steps)
            cells = [share(t.whole, t.completions), first, last, f"{t.discarded} of {t.tokens}", spread(t.speeds, 0)]
            print(f"| {temperature:g} | {way} | {' | '.join(cells)} |", flush=True)
            details.append(
                f"{temperature:g}, {way}: {dict(t.conditions)}, arguments valid {t.arguments_valid}/{t.arguments}"
            )
    print("\n" + "\n".join(details))
    await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    parser.add_argument("--attempts", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=8)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
