"""The yardstick is frozen, and training knows nothing of it."""

import ast
import calendar
import hashlib
import json
import random
import re
from pathlib import Path

import pytest

from nano import asking, browsing, declared, operations, phrasings, quiz, strings, tables, vocabulary
from nano.numbers import Expression
from nano.yardstick import arithmetic, browser, functions, nothing, words

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "ossia" / "evals" / "nano" / "data"
NOT_TRAINING = {"yardstick"}


def bare(text: str) -> str:
    """Words and braces alone, in small letters."""
    kept = "".join(c if c.isalnum() or c in "{}" else " " for c in text.lower())
    return " ".join(kept.split())


@pytest.mark.parametrize("file", ["python", "functions", "browser"])
def test_a_file_has_the_hash_of_the_model_card(file: str) -> None:
    digest = hashlib.sha256((DATA / f"{file}.jsonl").read_bytes()).hexdigest()
    assert f"| `{file}.jsonl` | `{digest}` |" in (ROOT / "nano" / "README.md").read_text()


def test_what_makes_training_rows_imports_nothing_of_it() -> None:
    for path in (ROOT / "nano").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any("yardstick" in name or name.startswith("ossia.evals.nano") for name in names), path


def test_its_phrasings_are_in_no_list_of_training() -> None:
    trained = {bare(text) for text in (*phrasings.CARRIERS, *browsing._QUESTIONS, *browsing._LINES)}
    trained |= {bare(text) for text in (*declared._NAMED, *declared._DESCRIBED, *declared._DESCRIPTIONS)}
    own = [*arithmetic.CARRIERS_UNSEEN, *browser._QUESTIONS, *browser._LINES, *functions._NAMED]
    own += [*functions._DESCRIBED, *functions._DESCRIPTIONS, *nothing._CANNOT]
    assert not {bare(text) for text in own} & trained

    lists = (phrasings.NOUNS, phrasings.COMMANDS, operations.LISTED, operations.COMPOSED)
    operation = {bare(form) for forms_of in lists for forms in forms_of.values() for form in forms}
    unseen = [bare(form) for forms in arithmetic.WORDINGS_UNSEEN.values() for form in forms]
    assert not [(form, known) for form in unseen for known in operation if form in known]


def test_training_never_draws_its_words() -> None:
    kept = {*words.NOUNS, *words.THINGS, *words.PLAIN, *words.NAMES}
    assert len(kept) > 150
    rng = random.Random(1)
    for draw in (vocabulary.word, vocabulary.plain_word):
        drawn = {draw(rng) for _ in range(3000)}
        assert not any(vocabulary.kept_out(word) for word in drawn)
        assert not drawn & kept


def test_its_expressions_are_those_of_the_test_set() -> None:
    rng = random.Random(1)
    for operands in (2, 3, 4):
        assert arithmetic.expression(rng, operands).split == "test"
    for line in (DATA / "python.jsonl").read_text().splitlines():
        row = json.loads(line)
        text = row["question"].removeprefix("what is ").removesuffix("?")
        if row["family"] == "documented" and text.replace(" ", "").isdigit() is False and text[0].isdigit():
            operators = tuple(part for part in text.split() if not part.isalnum())
            if len(operators) == 1 and text.count(" ") == 2 and operators[0] in "+-*/%":
                a, operator, b = text.split()
                if a.isdigit() and b.isdigit():
                    assert Expression((int(a), int(b)), (operator,), text).split == "test"


def test_tables_and_lists_are_asked_in_other_words() -> None:
    trained = {form for forms, *_ in (*tables._FORMS, *quiz._LISTS) for form in forms}
    text = (DATA / "python.jsonl").read_text()
    assert not any(f'"{form.split("{")[0].strip()} ' in text for form in trained if len(form.split("{")[0]) > 12)


def test_questions_that_are_put_together_hold_none_of_its_own() -> None:
    rng = random.Random(3)
    noun, subject, label, file = "nnn", "Sss", "fff", "xxx"
    asked = {asking.ask_about(rng, noun, subject, declared._DESCRIBED, clear=n % 2 == 0) for n in range(20_000)}
    own = {form.format(noun=noun, subject=subject) for form in browser._QUESTIONS}
    own |= {form.format(noun=noun, v=subject) for form in functions._DESCRIBED}
    assert not [(mine, text) for mine in map(bare, own) for text in map(bare, asked) if mine in text]

    called = {asking.ask_to_call(rng, label, subject, ("get",), plain=n % 2 == 0) for n in range(20_000)}
    own = {form.format(f=label, v=subject) for form in functions._NAMED}
    assert not [(mine, text) for mine in map(bare, own) for text in map(bare, called) if mine in text]

    tabled = {tables._question(rng, n % 5, noun, file) for n in range(20_000)}
    rows = [
        row
        for line in (DATA / "python.jsonl").read_text().splitlines()
        if (row := json.loads(line))["family"] == "file"
    ]
    own = set()
    for row in rows:
        ((name, table),) = row["setting"]["files"].items()
        words_of = {**dict.fromkeys(table.split("\n")[0].split(","), noun), name: file}
        question = row["question"]
        for known, placeholder in words_of.items():
            question = question.replace(known, placeholder)
        own.add(question.removesuffix(", please"))
    assert len(own) == 10
    assert not [(mine, text) for mine in map(bare, own) for text in map(bare, tabled) if mine in text]


def placeheld(text: str) -> str:
    """`bare`, with one placeholder for all numbers, lists and dates, one for units, one for letters."""
    units = "|".join({unit for source, target, _ in quiz._UNITS for unit in (source, target)} | {*quiz._SHORT.values()})
    months = "|".join(calendar.month_name[1:])
    for pattern, name in (
        (rf"\d+ (?:{months}) \d+", "0"),
        (rf"\b(?:{units})\b", "uuu"),
        (r"\d[\d/.-]*(?:(?:,| and|) \d[\d/.-]*)*", "0"),
        (r"\b(every|letter|character|sign) [a-z]\b", r"\1 c"),
    ):
        text = re.sub(pattern, name, text)
    return bare(text)


def test_nor_do_questions_about_words_lists_dates_units_and_percentages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "word", lambda rng: "www")
    for module in (strings, quiz):
        monkeypatch.setattr(module, "among_words", lambda rng, text, share: text)
    rng = random.Random(3)
    asked = {placeheld(quiz.quiz_task(rng).question) for _ in range(40_000)}
    asked |= {placeheld(strings.word_task(rng).question) for _ in range(20_000)}
    own = set()
    for line in (DATA / "python.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["family"] == "questions":
            kept = [word for word in (*words.PLAIN, *words.NAMES) if re.search(rf"\b{word}\b", row["question"])]
            question = re.sub(rf"\b{max(kept, key=len)}\b", "www", row["question"]) if kept else row["question"]
            own.add(placeheld(question))
    assert len(own) < 40
    assert not {mine for mine in own for text in asked if mine in text}
