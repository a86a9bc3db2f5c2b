"""Feeds mutated completions to the completion parser until so many tokens went in, and checks each.

    python -m bench.harmony_fuzz [--tokens 10000000] [--seed 1] [--folder RECORDED]

Checked for each: nothing is raised; every token is in exactly one message or discarded span; fed one token at a time it
gives the same as in one piece; the events say what the completion says; none takes a second of processor time.
"""

import argparse
import collections
import random
import time
from collections.abc import Sequence
from pathlib import Path

from ossia import harmony

RECIPIENTS = (
    "python",
    "browser.search",
    "browser.open",
    "container.exec",
    "repo_browser.search",
    "repo_browser.open_file",
    "functions.f",
    "functions.get_weather",
)

_SPECIALS = (
    harmony.START,
    harmony.END,
    harmony.MESSAGE,
    harmony.CHANNEL,
    harmony.CONSTRAIN,
    harmony.RETURN,
    harmony.CALL,
    harmony.ENDOFTEXT,
    harmony.STARTOFTEXT,
    200_013,
)
_WORDS = (
    *("assistant", "analysis", "final", "commentary", " to=functions.f", " to=", "assistantfinal", "user", " code"),
    *("assistantcommentary to=functions.f json", "functions.f", "json", " ", "\n", "é", "👋🏾", '{"a":', "finally"),
)
_SEEDS = (
    "<|channel|>analysis<|message|>We need to look.<|end|><|start|>assistant<|channel|>analysis to=container.exec code"
    '<|message|>{"cmd":["ls"]}<|call|>',
    "<|channel|>analysis<|message|>Naïve 👋🏾 so far.<|end|><|start|>assistant<|channel|>commentary to=functions.f "
    '<|constrain|>json<|message|>{"a": 1}<|call|>',
    "<|channel|>analysis<|message|>It is 4.<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>",
    " to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
    "<|channel|>repo_browser.search<|channel|>analysis code<|message|>{}<|call|>",
    "<|channel|>assistant to=repo_browser.open_file<|channel|>analysis code<|message|>{}<|call|>",
    "analysisWe need to think.assistantfinalHello<|return|>",
    "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>analysis to=python code<|message|>"
    "print(1)<|call|><|start|>python to=assistant<|channel|>analysis<|message|>1<|end|>",
    "<|channel|>commentary Hello<|end|><|start|>assistant<|channel|>final<|message|>Hi<|endoftext|>",
)


def seeds(folder: Path | None = None) -> list[list[int]]:
    """The completions that are mutated: generated ones, and the recorded ones of a folder (`*.response.txt`)."""
    texts = list(_SEEDS)
    if folder is not None:
        texts += [path.read_text() for path in sorted(folder.glob("*.response.txt"))]
    return [harmony.encoding().encode(text, special=True) for text in texts]


def mutate(ids: Sequence[int], corpus: Sequence[Sequence[int]], rng: random.Random) -> list[int]:
    """A copy with up to six changes: delete, swap, cut, insert a control token, a word, any ids, a part of another; one
    in fifty repeats a few tokens up to a thousand times, as a model does that has lost its way."""
    out = list(ids[:400])
    for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(7):
            case 0:
                del out[at : at + rng.randrange(1, 4)]
            case 1:
                out.insert(at, rng.choice(_SPECIALS))
            case 2:
                out[at:at] = harmony.encoding().encode(rng.choice(_WORDS))
            case 3:
                out[at:at] = [rng.randrange(-2, harmony.VOCABULARY + 20) for _ in range(rng.randrange(1, 4))]
            case 4 if len(out) > 1:
                a, b = rng.randrange(len(out)), rng.randrange(len(out))
                out[a], out[b] = out[b], out[a]
            case 5:
                del out[at:]
            case _:
                other = rng.choice(corpus)
                begin = rng.randrange(len(other) + 1)
                out[at:at] = other[begin : begin + 40]
    if rng.random() < 0.02:
        at = rng.randrange(len(out) + 1)
        out[at:at] = out[at : at + rng.randrange(1, 5)] * rng.randrange(1_000)
    return out


def check(ids: Sequence[int]) -> harmony.Completion:
    """Parse `ids` in one piece and one by one. Raises `AssertionError` where a promise is broken."""
    completion = harmony.parse_completion(ids, RECIPIENTS)
    spans = [(m.start, m.stop) for m in completion.messages]
    spans += [(d.start, d.stop) for d in completion.discarded]
    at = 0
    for start, stop in sorted(spans):
        assert start == at, f"tokens {at} to {start} are unaccounted for, or counted twice"
        assert stop >= start
        at = stop
    assert at == len(ids) == completion.tokens, f"tokens from {at} on are unaccounted for"
    parser = harmony.CompletionParser(RECIPIENTS)
    events = [event for i in ids for event in parser.feed((i,))] + parser.close()
    assert parser.finish() == completion, "fed one by one it gives something else"
    assert [e.message for e in events if isinstance(e, harmony.MessageEnd)] == completion.messages
    assert [e.repair for e in events if isinstance(e, harmony.RepairMade)] == completion.repairs
    return completion


def run(tokens: int, seed: int, folder: Path | None) -> None:
    """Fuzz `tokens` tokens and print what came of them."""
    rng, corpus = random.Random(seed), seeds(folder)
    done = completions = 0
    slowest = 0.0
    repairs: collections.Counter[str] = collections.Counter()
    discarded: collections.Counter[str] = collections.Counter()
    began = time.perf_counter()
    while done < tokens:
        ids = mutate(rng.choice(corpus), corpus, rng)
        started = time.process_time()
        completion = check(ids)
        slowest = max(slowest, time.process_time() - started)
        assert slowest < 1, f"a completion of {len(ids)} tokens took {slowest:.1f} s"
        done, completions = done + len(ids), completions + 1
        repairs.update({r.kind for r in completion.repairs})
        discarded.update({d.reason for d in completion.discarded})
    seconds = time.perf_counter() - began
    print(f"{done:,} tokens in {completions:,} completions, each parsed twice and checked, in {seconds:.0f} s")
    print(f"exceptions 0, hangs 0 (slowest {slowest * 1e3:.0f} ms), tokens unaccounted for 0")
    print("completions with a repair: " + ", ".join(f"{kind} {n:,}" for kind, n in repairs.most_common()))
    print("completions with discarded tokens: " + ", ".join(f"{kind} {n:,}" for kind, n in discarded.most_common()))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the completion parser.")
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    run(arguments.tokens, arguments.seed, arguments.folder)


if __name__ == "__main__":
    main()
