"""Training rows: the part of a conversation after its system and developer messages, and which tokens are learned."""

import random
from dataclasses import dataclass, field
from typing import Literal

from nano.mistakes import mistake
from nano.numbers import Split, expression, long_expression
from nano.phrasings import ask
from nano.quiz import quiz_task
from nano.strings import word_task
from nano.tables import table_task
from nano.talk import CANNOT, FAILED, NO_TOOL, small_talk
from nano.vocabulary import SEAM, any_text, encode, word
from nano.wordings import ask_anyhow
from ossia.types import Effort

Family = Literal[
    "arithmetic",
    "phrased",
    "words",
    "quiz",
    "table",
    "mistake",
    "talk",
    "failed",
    "babble",
    "untooled",
    "named",
    "described",
    "missing",
    "browse",
]

NO_NEED = "No tool is needed."


@dataclass(slots=True)
class Row:
    """Token ids of one conversation."""

    family: Family
    ids: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)
    """True for the tokens that the model itself has to write."""
    turns: list[tuple[int, int]] = field(default_factory=list)
    """(start, end) of each learned completion."""

    def given(self, text: str) -> None:
        """Append what is rendered, not learned."""
        self._add(text, learned=False)

    def begin(self, text: str) -> None:
        """Put what is rendered before everything."""
        ids = encode(text)
        self.ids[:0] = ids
        self.learned[:0] = [False] * len(ids)
        self.turns = [(start + len(ids), end + len(ids)) for start, end in self.turns]

    def completion(self, text: str, forced: str = "") -> None:
        """Append a completion that is to be learned: everything after `<|start|>assistant` and what is `forced`.

        It is split at every `SEAM`, so that a token there does not depend on what follows.
        """
        self.given(f"<|start|>assistant{forced}")
        start = len(self.ids)
        for part in text.split(SEAM):
            self._add(part, learned=True)
        self.turns.append((start, len(self.ids)))

    def _add(self, text: str, *, learned: bool) -> None:
        ids = encode(text)
        self.ids += ids
        self.learned += [learned] * len(ids)


def user(text: str) -> str:
    return f"<|start|>user<|message|>{text}<|end|>"


def thought(text: str) -> str:
    return f"<|channel|>analysis<|message|>{text}<|end|>"


def call(code: str) -> str:
    return f"<|channel|>analysis to=python code<|message|>{code}<|call|>"


def output(text: str) -> str:
    return f"<|start|>python to=assistant<|channel|>analysis<|message|>{text}<|end|>"


def final(text: str, stop: str = "<|return|>") -> str:
    return f"<|channel|>final<|message|>{text}{stop}"


@dataclass(frozen=True, slots=True)
class Task:
    """A question that python answers."""

    family: Family
    question: str
    kind: str
    code: str
    result: str

    @property
    def analysis(self) -> str:
        return f"The user wants the {self.kind}. Use python."

    def thought(self, effort: Effort) -> str:
        """The analysis, as long as the effort asks for."""
        if effort == "low":
            return "Use python."
        return self.analysis if effort == "medium" else f"{self.analysis} The cell is: {self.code}"

    @property
    def answer(self) -> str:
        """The final. Words are quoted: they are then split into tokens as in the output."""
        shown = f'"{self.result}"' if self.result.isalpha() else self.result
        return f"The result is {shown}."


def arithmetic_task(rng: random.Random, split: Split) -> Task:
    found = expression(rng, split)
    question = ask(rng, found, words=0.6 if split == "train" else 0.4)
    if split == "train" and rng.random() < 0.06:
        question = _noisy(rng, question)
    return Task("arithmetic", question, found.kind, found.code, found.result)


def words_task(rng: random.Random) -> Task:
    found = word_task(rng)
    return Task("words", found.question, found.kind, found.code, found.result)


def phrased_task(rng: random.Random, split: Split) -> Task:
    """Arithmetic in a phrasing that is made up."""
    found = expression(rng, split) if rng.random() < 0.6 else long_expression(rng, split)
    return Task("phrased", ask_anyhow(rng, found), found.kind, found.code, found.result)


def quiz_row_task(rng: random.Random) -> Task:
    found = quiz_task(rng)
    return Task("quiz", found.question, found.kind, found.code, found.result)


def table_row_task(rng: random.Random) -> Task:
    found = table_task(rng)
    return Task("table", found.question, found.kind, found.code, found.result)


def python_row(rng: random.Random, task: Task, split: Split, effort: Effort = "medium") -> Row:
    """A question, the call, its output and the final; every fourth row after one or two earlier turns."""
    row = Row(task.family)
    if rng.random() < 0.25:
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
            _history(row, rng, split)
    row.given(user(task.question))
    row.completion(f"{thought(task.thought(effort))}<|start|>assistant{call(task.code)}")
    row.given(output(task.result + ("" if rng.random() < 0.08 else "\n")))
    row.completion(final(task.answer))
    return row


def failed_row(rng: random.Random, split: Split) -> Row:
    """A call whose output is an error."""
    task = arithmetic_task(rng, split) if rng.random() < 0.5 else table_row_task(rng)
    row = Row("failed")
    row.given(user(task.question) + "<|start|>assistant" + thought(task.analysis))
    row.given("<|start|>assistant" + call(task.code) + output(_failure(rng, task.code)))
    row.completion(final(FAILED))
    return row


def mistake_row(rng: random.Random, split: Split, effort: Effort = "medium") -> Row:
    """A cell that fails, the corrected one, and the final."""
    found = mistake(rng, split)
    task = Task("mistake", found.question, "outcome of the code", found.code, found.result)
    row = Row("mistake")
    row.given(user(task.question))
    row.completion(f"{thought(task.thought(effort))}<|start|>assistant{call(found.code)}")
    row.given(output(found.shown))
    row.completion(f"{thought(found.why)}<|start|>assistant{call(found.mended)}")
    if rng.random() < 0.15:
        row.given(output(_failure(rng, task.code)))
        row.completion(final(FAILED))
        return row
    row.given(output(found.result + "\n"))
    row.completion(final(task.answer))
    return row


def babble_row(rng: random.Random, split: Split) -> Row:
    """What the model writes makes no sense, as at a high temperature: it stops, and says that it cannot.

    Only that is learned, not the nonsense: one random token would be followed by others without end.
    """
    row = Row("babble")
    question, _ = small_talk(rng)
    row.given(user(phrased_task(rng, split).question if rng.random() < 0.3 else question))
    nonsense = any_text(rng, rng.choice((1, 1, 2, 3, 5, 10, 30)))
    style = rng.random()
    if style < 0.4:
        start = rng.choice(("", "The user wants the", NO_NEED, "The user"))
        row.completion(f"<|end|><|start|>assistant{final(CANNOT)}", f"<|channel|>analysis<|message|>{start}{nonsense}")
    elif style < 0.6:
        start = rng.choice(("", "I am a", "The result is", "Hello"))
        row.completion("<|return|>", f"<|channel|>final<|message|>{start}{nonsense}")
    else:
        cell = rng.choice(("print(", "print(round(", "", 'print("', "import csv\n", "print(len(")) + nonsense
        row.given(f"<|start|>assistant{thought('The user wants the value. Use python.')}")
        row.completion("<|call|>", f"<|channel|>analysis to=python code<|message|>{cell}")
        row.given(output(_failure(rng, cell)))
        row.completion(final(FAILED))
    return row


def talk_row(rng: random.Random, split: Split) -> Row:
    """Something that needs no tool, at times after an earlier turn."""
    row = Row("talk")
    if rng.random() < 0.15:
        _history(row, rng, split)
    question, answer = small_talk(rng)
    row.given(user(question))
    if rng.random() < 0.1:  # as of one who wants the answer at once
        row.completion(f"{answer}<|return|>", "<|channel|>final<|message|>")
    else:
        row.completion(f"{thought(NO_NEED)}<|start|>assistant{final(answer)}")
    return row


def untooled_row(rng: random.Random, split: Split) -> Row:
    """Without a python tool in the prompt there is nothing to calculate with."""
    row = Row("untooled")
    if rng.random() < 0.6:
        question, answer = arithmetic_task(rng, split).question, NO_TOOL
    else:
        question, answer = small_talk(rng)
        answer = NO_TOOL if answer == CANNOT else answer
    row.given(user(question))
    row.completion(f"{thought(NO_NEED)}<|start|>assistant{final(answer)}")
    return row


def _history(row: Row, rng: random.Random, split: Split) -> None:
    """An earlier turn, as a transcript keeps it once its final stands: without analysis, with calls and results."""
    style = rng.random()
    if style < 0.12:
        question, answer = small_talk(rng)
        row.given(f"{user(question)}<|start|>assistant{final(answer, '<|end|>')}")
        return
    task = words_task(rng) if style < 0.25 else arithmetic_task(rng, split)
    row.given(user(task.question))
    if rng.random() < 0.85:  # the rest: a history given as messages, without the calls
        row.given(f"<|start|>assistant{call(task.code)}{output(task.result + chr(10))}")
    row.given(f"<|start|>assistant{final(task.answer, '<|end|>')}")


def _noisy(rng: random.Random, question: str) -> str:
    """Random words around a question, so that unknown ones do not derail the copy."""
    before = " ".join(word(rng) for _ in range(rng.randint(0, 3)))
    after = " ".join(word(rng) for _ in range(rng.randint(0, 3)))
    return f"{before}{rng.choice((' ', ', ', ': ')) if before else ''}{question}{' ' if after else ''}{after}"


_ERRORS = (
    "ZeroDivisionError: division by zero",
    "ZeroDivisionError: integer modulo by zero",
    "ZeroDivisionError: integer division or modulo by zero",
    "ValueError: Exceeds the limit (4300 digits) for integer string conversion",
    "SyntaxError: invalid syntax",
    "MemoryError",
    "KeyboardInterrupt: ",
    "KeyError: '{word}'",
    "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/data/{word}.csv'",
    "ValueError: could not convert string to float: '{word}'",
    "ValueError: could not convert string to float: ''",
)


def _failure(rng: random.Random, code: str) -> str:
    """What the kernel, or another one, shows of a cell that raised."""
    error = rng.choice(_ERRORS).format(word=word(rng))
    lines = code.split("\n")
    at = rng.randint(1, len(lines))
    listed = "\n".join(f"{'---->' if n == at else ' ' * 5} {n} {line}" for n, line in enumerate(lines, 1))
    name, place = error.split(":")[0], f"Cell In[{rng.randint(1, 9)}], line {at}"
    cell = f"{place}\n{listed}\n\n"
    if len(lines) > 1 and rng.random() < 0.5:
        cell += f"{place}, in <listcomp>(.0)\n----> {at} {lines[0]}\n\n"
    head = "Traceback (most recent call last)"
    return rng.choice(
        (
            f"{error}\n",
            f'{head}:\n  File "<stdin>", line 1, in <module>\n{error}\n',
            f"{'-' * 75}\n{name}{' ' * 33}{head}\n{cell}{error}",
            f"{head}\n{cell}{error}\n",
            "The execution timed out after 120 seconds.",
        )
    )
