"""The parser on the completions of `parser_rows`, whole and token by token."""

from typing import get_args

import pytest

from ossia import harmony
from tests.harmony.parser_rows import NO_MESSAGE_TOKEN, ROWS, C, M, Row
from tests.harmony.tokens import RECIPIENTS, check_conserved, ids, parse


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row) -> None:
    completion = parse(row.text)
    found = [M(m.channel, m.recipient, m.content_type, m.text) for m in completion.messages]
    assert found == row.messages
    assert [r.kind for r in completion.repairs] == row.repairs
    assert [d.reason for d in completion.discarded] == row.discarded
    assert completion.stop == row.stop
    assert completion.truncated == row.truncated
    assert any(not m.declared for m in completion.messages) == row.undeclared
    check_conserved(completion)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_does_not_depend_on_how_it_arrives(row: Row) -> None:
    tokens = ids(row.text)
    whole = harmony.parse_completion(tokens, RECIPIENTS)
    parser = harmony.CompletionParser(RECIPIENTS)
    events = [event for token in tokens for event in parser.feed([token])]
    events += parser.close()
    assert parser.finish() == whole
    assert [e.message for e in events if isinstance(e, harmony.MessageEnd)] == whole.messages
    assert [e.repair for e in events if isinstance(e, harmony.RepairMade)] == whole.repairs


def test_names_of_rows_are_their_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


def test_every_repair_has_a_row() -> None:
    assert {kind for row in ROWS for kind in row.repairs} == set(get_args(harmony.RepairKind))


def test_every_reason_to_discard_has_a_row() -> None:
    assert {reason for row in ROWS for reason in row.discarded} == set(get_args(harmony.DiscardReason))


@pytest.mark.parametrize("row", NO_MESSAGE_TOKEN, ids=lambda row: row.name)
def test_without_plain_text_no_final_is_made_of_words(row: Row) -> None:
    completion = parse(row.text, plain_text=False)
    assert "plain_text" not in [r.kind for r in completion.repairs]
    if f"{C}final" not in row.text:
        assert completion.final is None
    check_conserved(completion)
