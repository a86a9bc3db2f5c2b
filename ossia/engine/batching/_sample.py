"""Choosing a token id from logits."""

import numpy as np
from numpy.typing import NDArray

from ossia.engine.batching._sequences import Floats
from ossia.engine.masks import TokenMatcher
from ossia.engine.protocol import Sampling

_HEAD = 1024
"""Candidates looked at first for top_p: sorting a whole vocabulary of 201,088 takes longer than the forward pass."""


def sample(
    logits: Floats, sampling: Sampling, random: np.random.Generator, matcher: TokenMatcher | None = None
) -> tuple[int, float | None]:
    """A token id from logits [V], and its log probability where asked for.

    Temperature 0 takes the largest (the lowest id among equals) and draws nothing from `random`; else exactly one
    number is drawn, so that a seed gives the same draws whatever else is in the batch; and one more where `matcher`
    refuses what came of it. With top_k or top_p, what they leave is drawn from first, and what they leave of the
    allowed ids then. Raises `EngineError` when the matcher's parser can't go on.
    """
    token = _choose(logits, sampling, random)
    if matcher is not None and not matcher.take(token):
        candidates = np.flatnonzero(matcher.allowed())
        token = int(candidates[_choose(logits[candidates], sampling, random)])
        matcher.take(token)
    return token, log_probability(logits, token) if sampling.logprobs else None


def log_probability(logits: Floats, token: int) -> float:
    """Natural log of the softmax of logits [V] at one token id."""
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top).sum(dtype=np.float64)))


def _choose(logits: Floats, sampling: Sampling, random: np.random.Generator) -> int:
    return int(logits.argmax()) if sampling.temperature == 0 else _draw(logits, sampling, random.random())


def _draw(logits: Floats, sampling: Sampling, uniform: float) -> int:
    scaled = (logits - logits.max()) / np.float32(sampling.temperature)
    weights = np.exp(scaled)
    if sampling.top_k or sampling.top_p < 1:
        candidates = _most_likely(weights, sampling.top_k, sampling.top_p)
        return int(candidates[_invert(weights[candidates], uniform)])
    return _invert(weights, uniform)


def _invert(weights: Floats, uniform: float) -> int:
    """The index at which the cumulative weight passes `uniform` in [0, 1) of the total."""
    cumulative = np.cumsum(weights, dtype=np.float64)
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))


def _most_likely(weights: Floats, top_k: int, top_p: float) -> NDArray[np.int64]:
    """The candidates left by top_k and then top_p, the most likely first: the fewest whose share reaches top_p.

    The share is that of what top_k leaves.
    """
    order = _largest(weights, min(top_k or _HEAD, len(weights)))
    cumulative = np.cumsum(weights[order], dtype=np.float64)
    wanted = top_p * (cumulative[-1] if top_k else weights.sum(dtype=np.float64))
    if cumulative[-1] < wanted:
        order = _largest(weights, len(weights))
        cumulative = np.cumsum(weights[order], dtype=np.float64)
    return order[: int(np.searchsorted(cumulative, wanted)) + 1]


def _largest(weights: Floats, count: int) -> NDArray[np.int64]:
    """Indices of the `count` largest weights, in falling order, equal ones by index."""
    if count == len(weights):
        return np.argsort(-weights, kind="stable")
    least = np.partition(weights, -count)[-count]
    above, equal = np.nonzero(weights > least)[0], np.nonzero(weights == least)[0]
    part = np.sort(np.concatenate((above, equal[: count - len(above)])))
    return part[np.argsort(-weights[part], kind="stable")]
