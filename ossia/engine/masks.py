"""Which token ids a grammar allows next: `ossia.types.Grammar` compiled by llguidance over o200k_harmony.

Asking whether one id is allowed takes microseconds, a mask over the vocabulary a hundred times as long. An engine that
samples first, asks, and needs a mask only where the sampled id is refused draws from the same distribution as one that
masks first: an allowed id t has p(t) + (1 - P) p(t) / P = p(t) / P, where P is the probability of all that is allowed.
"""

import functools
import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ossia.errors import EngineError, GrammarError
from ossia.types import Grammar

# Imported where the first grammar is compiled: it takes a twentieth of a second, and most runs need none.
if TYPE_CHECKING:
    import llguidance

VOCABULARY = 201_088
"""Token ids that masks cover; a model with another vocabulary cannot use them."""

_FIRST_SPECIAL = 199_998
_STARTOFTEXT = 199_998
_ENDOFTEXT = 199_999
_COMPILED = 64
"""Grammars that are kept compiled: one for each set of tools in use."""

_tokenizer_lock = threading.Lock()


class TokenMatcher:
    """Where one completion stands in its grammar. Not to be used by two threads at once."""

    def __init__(self, matcher: "llguidance.LLMatcher") -> None:
        """`matcher`: at the start of its grammar, and this object's own."""
        self._matcher = matcher
        self._bits: NDArray[np.uint8] = np.empty(4 * -(-VOCABULARY // 32), dtype=np.uint8)

    def take(self, token: int) -> bool:
        """Go on behind `token` if the grammar allows it next. False: it does not, and nothing has changed.

        Raises `EngineError` when the text has become too much for the grammar's parser.
        """
        taken: int = self._matcher.try_consume_tokens([token])
        if not taken:
            self._check()
        return bool(taken)

    def allowed(self) -> NDArray[np.bool_]:
        """What may come next, shape [201_088]: never nothing, unless a stop id has been taken.

        Raises `EngineError` like `take`.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        self._check()
        return np.unpackbits(self._bits, count=VOCABULARY, bitorder="little").view(np.bool_)

    def _check(self) -> None:
        if self._matcher.is_error():
            raise EngineError(f"the completion could not be held to its grammar: {_line(self._matcher.get_error())}")


def compile_grammar(grammar: Grammar) -> TokenMatcher:
    """A matcher at the start of `grammar`.

    The first call in a process reads the vocabulary (about a second); a grammar that was compiled before costs
    microseconds, a new one milliseconds. To be called off the event loop. Raises `GrammarError` when it can't be
    compiled.
    """
    return TokenMatcher(_compiled(grammar.lark).deep_copy())


@functools.lru_cache(maxsize=_COMPILED)
def _compiled(lark: str) -> "llguidance.LLMatcher":
    import llguidance

    matcher = llguidance.LLMatcher(_tokenizer(), lark)
    if matcher.is_error():
        raise GrammarError(f"the grammar can't be compiled: {_line(matcher.get_error())}")
    return matcher


class _Vocabulary:
    """o200k_harmony, as llguidance asks for it."""

    eos_token_id = _ENDOFTEXT
    bos_token_id = _STARTOFTEXT
    special_token_ids = tuple(range(_FIRST_SPECIAL, VOCABULARY))

    def __init__(self) -> None:
        import openai_harmony

        self._encoding = openai_harmony.load_harmony_encoding("HarmonyGptOss")
        texts = (self._encoding.decode([i], errors="surrogateescape") for i in range(VOCABULARY))
        self.tokens = [text.encode("utf-8", "surrogateescape") for text in texts]

    def __call__(self, text: bytes) -> list[int]:
        ids: list[int] = self._encoding.encode(
            text.decode("utf-8", "replace"), allowed_special=(), disallowed_special=()
        )
        return ids


def _tokenizer() -> "llguidance.LLTokenizer":
    # Without the lock, runs that start together would each build it.
    with _tokenizer_lock:
        return _built_tokenizer()


@functools.cache
def _built_tokenizer() -> "llguidance.LLTokenizer":
    import llguidance

    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Vocabulary()), eos_token=[_ENDOFTEXT])


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
