"""What the drills ask for."""

import random
from itertools import pairwise

from nano.drills import copy_batch, fields_batch, spell_batch
from nano.vocabulary import SEAM, begins_spelled, copied, decode, encode, kept_out, kin, name, unspelled_word


def test_a_value_is_spelled_without_what_leads_it() -> None:
    rng = random.Random(2)
    for _ in range(5):
        batch = spell_batch(rng)
        assert batch.ids.shape == batch.learned.shape
        for ids, learned in zip(batch.ids.tolist(), batch.learned.tolist(), strict=True):
            first = learned.index(True)
            value = decode(ids[first : learned.index(False, first)])
            assert ids[first - 1] == encode(' "')[0]
            assert value.endswith(('"}', '",'))
            assert f" {value[:-2]}" in decode(ids[:first])


def test_half_of_a_copy_is_learned_at_most() -> None:
    rng = random.Random(2)
    for _ in range(10):
        batch = copy_batch(rng)
        assert 0 < batch.learned.float().mean() < 0.6


def test_what_follows_a_parameter_is_told_by_the_function_alone() -> None:
    batch = fields_batch(random.Random(2))
    several = 0
    for ids, learned in zip(batch.ids.tolist(), batch.learned.tolist(), strict=True):
        declared, *quoted = decode(ids).split("The user calls ")
        assert quoted
        followed: dict[str, set[str]] = {}
        for quote in quoted:
            declaration = quote.split("\n", 1)[1].split(" => any")[0]
            assert declaration in declared
            for first, second in pairwise(declaration.split("\n")[1:]):
                followed.setdefault(first, set()).add(second)
        several += any(len(found) > 1 for found in followed.values())
        assert not any(learned[: len(encode(declared))])
    assert several > len(batch.ids) / 2


def test_what_is_copied_keeps_its_tokens() -> None:
    def tokens(text: str) -> list[str]:
        return [decode([i]) for part in text.split(SEAM) for i in encode(part)]

    assert tokens(copied("Birchby", "Where is Birchby?")) == ["Bir", "ch", "by"]
    assert tokens(copied("Birchby", "Where is Birchby?", " ")) == [" Birch", "by"]
    assert tokens(copied("Birchby", "Birchby: where?", " ")) == [" Bir", "ch", "by"]


def test_many_names_have_to_be_spelled() -> None:
    rng = random.Random(4)
    for _ in range(50):
        found = unspelled_word(rng, capital=True)
        assert found[0].isupper()
        assert begins_spelled(found)
        assert not kept_out(found)
    assert 80 < sum(begins_spelled(name(rng)) for _ in range(200)) < 140


def test_kin_begin_or_end_alike_and_neither_holds_the_other() -> None:
    rng = random.Random(5)
    for _ in range(50):
        first = name(rng)
        other = kin(rng, first)
        pieces = encode(f" {first}")
        begin, end = (decode([pieces[i]]).strip() for i in (0, -1))
        assert len(pieces) == 1 or other.startswith(begin) or other.endswith(end)
        assert other not in first
        assert first not in other
        assert not any(map(kept_out, other.split()))
