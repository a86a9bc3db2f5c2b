"""Which token id is drawn from given logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossia.engine import Sampling
from ossia.engine.batching import Floats, log_probability, sample
from ossia.engine.batching._sample import _most_likely


def logits_of(seed: int, size: int, spread: float = 3.0) -> Floats:
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.float32)


def shares(logits: Floats, temperature: float = 1.0) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    weights = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    return np.asarray(weights / weights.sum())


def test_temperature_zero_takes_the_largest_and_draws_nothing() -> None:
    random = np.random.default_rng(0)
    assert sample(np.array([1, 5, 5, 2], dtype=np.float32), Sampling(temperature=0), random) == (1, None)
    assert random.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    logits, random, count = logits_of(1, 40), np.random.default_rng(2), 20_000
    sampling = Sampling(temperature=temperature)
    drawn = np.bincount([sample(logits, sampling, random)[0] for _ in range(count)], minlength=40)
    expected = shares(logits, temperature)
    deviation = np.sqrt(expected * (1 - expected) * count)
    assert (np.abs(drawn - expected * count) < 5 * deviation + 3).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 5000),
    spread=st.floats(0.0, 10.0),
    top_k=st.integers(0, 6000),
    top_p=st.floats(0.001, 1.0),
)
def test_top_k_and_top_p_leave_what_a_full_sort_leaves(
    seed: int, size: int, spread: float, top_k: int, top_p: float
) -> None:
    weights = np.exp(logits_of(seed, size, spread))
    kept = np.argsort(-weights, kind="stable")[: top_k or size]
    before = np.concatenate(([0.0], np.cumsum(weights[kept].astype(np.float64))[:-1]))
    total = weights[kept].astype(np.float64).sum()
    left = set(_most_likely(weights, top_k, top_p).tolist())
    # Where the share is within rounding of top_p, either side is right.
    surely = set(kept[before < (top_p - 1e-6) * total].tolist())
    perhaps = set(kept[before <= (top_p + 1e-6) * total].tolist())
    assert surely <= left <= perhaps


def test_top_k_of_one_is_greedy() -> None:
    logits, random = logits_of(3, 1000), np.random.default_rng(0)
    assert {sample(logits, Sampling(top_k=1), random)[0] for _ in range(50)} == {int(logits.argmax())}


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 1e4))
def test_any_logits_give_an_id_of_the_vocabulary(seed: int, scale: float) -> None:
    logits = logits_of(seed, 300, scale)
    token, logprob = sample(logits, Sampling(top_p=0.9, logprobs=True), np.random.default_rng(seed))
    assert 0 <= token < 300
    assert logprob is not None
    assert logprob <= 1e-6


def test_one_number_is_drawn_for_each_token() -> None:
    random, other = np.random.default_rng(5), np.random.default_rng(5)
    sample(logits_of(4, 3000), Sampling(top_p=0.5), random)
    other.random()
    assert random.random() == other.random()


def test_log_probability_is_that_of_the_softmax() -> None:
    logits = logits_of(6, 5000)
    assert log_probability(logits, 17) == pytest.approx(np.log(shares(logits)[17]), abs=1e-5)
