"""The frozen vocabulary table is the same everywhere and exact in half precision."""

import hashlib
from itertools import islice

import numpy as np

from ossia import harmony
from ossia.engine.nano import table


def test_the_first_rows_are_pinned() -> None:
    first = next(table.blocks(128))
    assert first.shape == (table.BLOCK, 128)
    assert first.dtype == np.float32
    assert hashlib.sha256(first.tobytes()).hexdigest() == FIRST_BLOCK


def test_rows_have_unit_length() -> None:
    norms = np.linalg.norm(next(table.blocks(128)), axis=1)
    assert np.abs(norms - 1).max() < 0.005


def test_values_are_exact_in_bfloat16_and_float16() -> None:
    first = next(table.blocks(128))
    assert not (first.view(np.uint32) & 0xFFFF).any()
    assert (first.astype(np.float16).astype(np.float32) == first).all()


def test_another_seed_is_another_table() -> None:
    assert not np.allclose(next(table.blocks(16)), next(table.blocks(16, "another")))


def test_blocks_cover_the_vocabulary_once() -> None:
    sizes = [min(table.BLOCK, table.VOCABULARY - start) for start in range(0, table.VOCABULARY, table.BLOCK)]
    assert sum(sizes) == table.VOCABULARY == harmony.encoding().vocabulary
    assert [len(block) for block in islice(table.blocks(8), 2)] == sizes[:2]


def test_tokens_that_differ_in_their_leading_character_are_near() -> None:
    rows = next(table.blocks(128))
    encode = harmony.encoding().encode
    spaced, bare, other = (encode(text)[0] for text in (" is", "is", " on"))
    assert rows[spaced] @ rows[bare] > 0.6
    assert rows[spaced] @ rows[bare] > rows[spaced] @ rows[other] + 0.2


def test_a_token_whose_letters_are_none_is_near_what_spells_it() -> None:
    rows = table.build(128)
    encode = harmony.encoding().encode
    (spaced, _), (first, second, _) = encode(" Birchby"), encode("Birchby")
    assert rows[spaced] @ rows[first] > 0.5
    turned = np.roll(rows[spaced], -1)[::-1]
    assert turned @ rows[second] > 0.4
    assert abs(turned @ rows[encode(" on")[0]]) < 0.3


def test_a_token_splits_into_leading_character_and_stem() -> None:
    assert table.split_token(" Paris") == (" ", "Paris")
    assert table.split_token(".Paris") == (".", "Paris")
    assert table.split_token(" *") == (" ", "*")
    assert table.split_token("((") == ("", "((")
    assert table.split_token("777") == ("", "777")


FIRST_BLOCK = "e0088f6a6da0d0de22fef3b3e42fe22ca4a7a4a6d500a8487028d31958d7603b"
