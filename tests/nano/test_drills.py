"""What the drills ask for."""

import random

from nano.drills import copy_batch, spell_batch
from nano.vocabulary import SEAM, copied, decode, encode


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


def test_what_is_copied_keeps_its_tokens() -> None:
    def tokens(text: str) -> list[str]:
        return [decode([i]) for part in text.split(SEAM) for i in encode(part)]

    assert tokens(copied("Birchby", "Where is Birchby?")) == ["Bir", "ch", "by"]
    assert tokens(copied("Birchby", "Where is Birchby?", " ")) == [" Birch", "by"]
    assert tokens(copied("Birchby", "Birchby: where?", " ")) == [" Bir", "ch", "by"]
