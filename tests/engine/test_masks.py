"""Grammars as token masks: what a matcher allows, and what a model of random weights writes under one."""

import asyncio
import json
from collections.abc import Iterator

import numpy as np
import pytest

from ossia import harmony
from ossia.engine import Sampling
from ossia.engine.batching import sample
from ossia.engine.masks import VOCABULARY, compile_grammar
from ossia.engine.nano import NanoEngine
from ossia.errors import EngineError, GrammarError
from ossia.types import FunctionSpec, Grammar, JsonValue, ToolNamespace
from tests.engine.models import random_model

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (
    ToolNamespace("python", "Runs code."),
    ToolNamespace("functions", "", (FunctionSpec("weather", "", SCHEMA), FunctionSpec("now")), "developer"),
)
RECIPIENTS = [recipient for tool in TOOLS for recipient in tool.recipients]


def ids(text: str) -> list[int]:
    return harmony.encoding().encode(text, special=True)


def test_a_refused_token_changes_nothing() -> None:
    matcher = compile_grammar(harmony.call_grammar(TOOLS))
    assert not matcher.take(harmony.RETURN)
    assert all(matcher.take(i) for i in ids("<|channel|>final<|message|>Hi<|return|>"))


def test_the_mask_holds_exactly_what_can_be_taken() -> None:
    random = np.random.default_rng(0)
    grammar = harmony.call_grammar(TOOLS)
    written: list[int] = []
    for token in ids('<|channel|>commentary to=functions.weather json<|message|>{"city": "Ulm", "days": 3}<|call|>'):
        matcher = compile_grammar(grammar)
        assert all(matcher.take(i) for i in written)
        mask = matcher.allowed()
        assert mask.shape == (VOCABULARY,)
        assert mask[token]
        for candidate in random.integers(0, VOCABULARY, 20).tolist() + harmony_controls():
            fresh = compile_grammar(grammar)
            assert all(fresh.take(i) for i in written)
            assert fresh.take(candidate) == mask[candidate]
        written.append(token)


def harmony_controls() -> list[int]:
    return [harmony.RETURN, harmony.CALL, harmony.END, harmony.CHANNEL, harmony.MESSAGE, harmony.ENDOFTEXT]


def test_sampling_first_and_asking_draws_from_the_masked_distribution() -> None:
    grammar = Grammar('start: ("a" | "b" | "c") <|return|>')
    a, b, c = (ids(letter)[0] for letter in "abc")
    logits = np.full(VOCABULARY, -20, dtype=np.float32)
    logits[[a, b, c, *(ids(letter)[0] for letter in "xyz")]] = np.log([0.1, 0.2, 0.1, 0.3, 0.2, 0.1])
    random, count = np.random.default_rng(1), 1500
    drawn = [sample(logits, Sampling(), random, compile_grammar(grammar))[0] for _ in range(count)]
    for token, share in ((a, 0.25), (b, 0.5), (c, 0.25)):
        assert abs(drawn.count(token) - share * count) < 4.5 * (share * (1 - share) * count) ** 0.5
    assert {*drawn} == {a, b, c}
    assert sample(logits, Sampling(temperature=0), random, compile_grammar(grammar))[0] == b


def test_log_probabilities_are_those_of_the_model_itself() -> None:
    logits = np.zeros(VOCABULARY, dtype=np.float32)
    matcher = compile_grammar(Grammar('start: "a" <|return|>'))
    token, logprob = sample(logits, Sampling(logprobs=True), np.random.default_rng(0), matcher)
    assert token == ids("a")[0]
    assert logprob == pytest.approx(-np.log(VOCABULARY))


@pytest.mark.parametrize("lark", ["start: /(/", "start: nothing", "", "start: <|no such token|>"])
def test_what_is_no_grammar_is_refused_in_one_line(lark: str) -> None:
    with pytest.raises(GrammarError, match="can't be compiled") as caught:
        compile_grammar(Grammar(lark))
    assert "\n" not in str(caught.value)


def test_a_grammar_that_becomes_too_much_is_an_engine_error() -> None:
    matcher = compile_grammar(Grammar('start: "a" <|return|>'))
    matcher._matcher.consume_token(0)
    with pytest.raises(EngineError, match="held to its grammar"):
        matcher.allowed()


@pytest.fixture(scope="module")
def babbler() -> Iterator[NanoEngine]:
    """Random weights, in which the ids that end something are likely enough for completions to end."""
    model = random_model(seed=3, vocab_size=VOCABULARY)
    ends = [harmony.END, harmony.CALL, harmony.RETURN, harmony.MESSAGE, harmony.CHANNEL, harmony.CONSTRAIN]
    model._unembed[:, [*ends, *ids('"'), *ids('"}')]] *= 16
    engine = NanoEngine(model)
    yield engine
    asyncio.run(engine.aclose())


async def complete(engine: NanoEngine, seed: int, grammar: Grammar | None, prefix: str = "") -> list[int]:
    prompt = [*harmony.render_user(f"Question {seed}"), *ids("<|start|>assistant" + prefix)]
    sampling = Sampling(max_tokens=300, seed=seed)
    chunks = engine.generate(prompt, sampling, key=str(seed), grammar=grammar)
    return [token async for chunk in chunks for token in chunk.token_ids]


@pytest.mark.parametrize("require", ["any", "call", "final"])
async def test_whatever_a_random_model_ends_is_well_formed(babbler: NanoEngine, require: harmony.Require) -> None:
    grammar = harmony.call_grammar(TOOLS, require=require)
    ends = {"any": (harmony.CALL, harmony.RETURN), "call": (harmony.CALL,), "final": (harmony.RETURN,)}[require]
    for sampled in await asyncio.gather(*(complete(babbler, i, grammar) for i in range(5))):
        completion = harmony.parse_completion(sampled, recipients=RECIPIENTS)
        assert harmony.diagnose(completion) == "well_formed", harmony.encoding().decode(sampled)
        assert sampled[-1] in ends
        for call in completion.calls:
            if call.recipient == "functions.weather":
                assert "city" in json.loads(call.text)


async def test_without_the_grammar_it_writes_nothing_that_can_be_used(babbler: NanoEngine) -> None:
    for sampled in await asyncio.gather(*(complete(babbler, i, None) for i in range(4))):
        completion = harmony.parse_completion(sampled, recipients=RECIPIENTS)
        assert harmony.diagnose(completion) not in ("well_formed", "repaired")


async def test_what_follows_a_forced_final_fits_its_schema(babbler: NanoEngine) -> None:
    grammar = harmony.json_grammar(SCHEMA)
    for seed in range(2):
        sampled = await complete(babbler, seed, grammar, "<|channel|>final<|message|>")
        assert sampled[-1] == harmony.RETURN
        assert {*json.loads(harmony.encoding().decode(sampled[:-1]))} <= {"city", "days"}


async def test_held_and_free_completions_share_a_batch(babbler: NanoEngine) -> None:
    grammar = harmony.call_grammar(TOOLS, require="final")
    free = await complete(babbler, 1, None)
    together = await asyncio.gather(complete(babbler, 1, None), complete(babbler, 2, grammar))
    assert together[0] == free
    assert harmony.diagnose(harmony.parse_completion(together[1])) == "well_formed"


async def test_a_grammar_that_cannot_be_compiled_leaves_the_engine_as_it_was(babbler: NanoEngine) -> None:
    with pytest.raises(GrammarError):
        await complete(babbler, 0, Grammar("start: nothing"))
    assert await complete(babbler, 0, harmony.call_grammar(TOOLS))


async def test_the_event_loop_goes_on_while_masks_are_computed(babbler: NanoEngine) -> None:
    task = asyncio.create_task(complete(babbler, 5, harmony.call_grammar(TOOLS, require="call")))
    longest, last = 0.0, asyncio.get_running_loop().time()
    while not task.done():
        await asyncio.sleep(0.001)
        now = asyncio.get_running_loop().time()
        longest, last = max(longest, now - last), now
    assert longest < 0.5
