"""Rows about the browser: search, open the hit that fits, find the line, cite it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from nano.asking import ask_about
from nano.rows import Row, final, thought, user
from nano.vocabulary import SEAM, copied, kin, name, plain_word, term, word
from ossia.tools.browser._display import wrap
from ossia.types import Effort

_QUESTIONS = (
    "what is the {noun} of {subject}",
    "look up the {noun} of {subject}",
    "the {noun} of {subject}",
    "tell me the {noun} of {subject}",
    "which {noun} has {subject}",
    "search the web for the {noun} of {subject}",
    "{noun} of {subject}",
    "{subject}, {noun}",
    "I need to know {subject}'s {noun}",
    "browse for {subject}, what about its {noun}",
    "open a page on {subject} and read the {noun}",
    "who or what is the {noun} at {subject}",
    "look for {subject} and give its {noun}",
    "go to the page of {subject} and say the {noun}",
    "find {subject}, then the {noun}",
    "query the web about {subject} for the {noun}",
    "{subject} - {noun}",
    "{subject}: the {noun}",
)
_LINES = (
    "The {noun} of {subject} was {value}.",
    "The {noun} is {value}.",
    "{value} is the {noun} of {subject}.",
    "{value} is its {noun}.",
    "Its {noun} is {value}.",
    "{Noun}: {value}",
    "One knows {value} as the {noun}.",
    "There the {noun} was {value}.",
    "{filler} {noun} {filler} {value}.",
    "{filler} {filler} {value} {filler} {noun}.",
    "{filler} {noun} {value} {filler}.",
    "{filler} {filler} {noun} {filler} {subject} {filler} {value}.",
    "{filler} {value} {filler} {filler} {noun} {filler} {subject}.",
    "{filler} {filler}, {value}, {filler} the {noun}.",
    "{filler} {filler} {filler} {noun} {filler} {filler} {value} {filler} {filler}.",
    "{Noun} - {value}.",
    "The {noun} of {subject} {filler} {value}.",
    "The {noun} of {subject} {filler} {filler} {value}.",
    "The {noun} of {subject} was {value} {filler}.",
    "{Noun} of {subject} {filler} {value}.",
)
_TITLES = (
    *("{}", "{}", "{}", "{} {filler}", "{filler} {}", "{} ({filler})", "{} - {filler}", "{filler}: {}", "The {}"),
    *("{filler} {filler} {}", "{} {filler} {filler}", "{}, {filler}", "{} | {filler} {filler}", "{filler} of {}"),
)
_DOMAINS = (".com", ".org", ".net", ".io", ".example", ".test")
NOT_THERE = "The page does not say."
SHOWN_LINES = 4
"""Lines that `browser.find` shows of each match."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the web, and its hit."""

    title: str
    heading: str
    domain: str
    number: int
    lines: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"https://{self.domain}/{self.number}"

    @property
    def shown(self) -> list[str]:
        """Its lines as the browser numbers them."""
        paragraphs = [line for text in self.lines for line in ("", text)]
        return ["", f"URL: {self.url}", f"# {self.heading}", *paragraphs]


@dataclass(frozen=True, slots=True)
class Look:
    """What the hits of one search have in common: at times the same words behind a subject, or the same snippets.

    Without such rows a quotation jumped from one hit to another that went on alike.
    """

    titles: tuple[str, ...]
    domains: tuple[str, ...]
    snippets: tuple[str, ...]
    """Each empty where the hits have nothing in common."""
    wordy: bool
    """Snippets may be so long that they are wrapped."""

    @classmethod
    def draw(cls, rng: random.Random) -> "Look":
        def some(draw: Callable[[random.Random], str], most: int) -> tuple[str, ...]:
            return tuple(draw(rng) for _ in range(rng.randint(1, most))) if rng.random() < 0.5 else ()

        return cls(some(_title, 3), some(_domain, 4), some(_sentence, 3), rng.random() < 0.45)

    def title(self, rng: random.Random, subject: str) -> str:
        return (rng.choice(self.titles) if self.titles else _title(rng)).format(subject)

    def domain(self, rng: random.Random) -> str:
        if not self.domains:
            return _domain(rng)
        known = rng.choice(self.domains)
        return known if rng.random() < 0.5 else known.split(".")[0] + rng.choice(_DOMAINS)

    def snippet(self, rng: random.Random, page: Page) -> str:
        """Nothing, words, or the beginning of one of the page's lines."""
        style = rng.random()
        if style < 0.3:
            return ""
        if self.snippets:
            return rng.choice(self.snippets).format(term(rng))
        if not self.wordy:
            return _words(rng, rng.randint(1, 3))
        return _words(rng, rng.choice((3, 5, 8, 12, 16, 24))) if style < 0.65 else rng.choice(page.lines)


def _title(rng: random.Random) -> str:
    return rng.choice(_TITLES).format("{}", filler=plain_word(rng).capitalize())


def _domain(rng: random.Random) -> str:
    name = f"{word(rng)}-{word(rng)}" if rng.random() < 0.3 else word(rng)
    return f"{name}{rng.choice(_DOMAINS)}"


def _sentence(rng: random.Random) -> str:
    """One to five words, at times with a hole for another."""
    words = [plain_word(rng) for _ in range(rng.choice((1, 2, 3, 3, 4, 4, 5)))]
    if rng.random() < 0.3:
        words.insert(rng.randint(1, len(words)), "{}")
    return " ".join(words).capitalize() + "."


def display(cursor: int, title: str, lines: list[str]) -> str:
    """A page as the browser shows it, whole."""
    last = len(lines) - 1
    numbered = "\n".join(f"L{number}: {line}" for number, line in enumerate(lines))
    return f"[{cursor}] {title}\n**viewing lines [0 - {last}] of {last}**\n\n{numbered}"


def results(query: str, pages: list[Page], snippets: list[str]) -> str:
    """The hits of a search, as the browser shows them."""
    hits = [
        f"  * 【{number}†{page.title}†{page.domain}】" + (f" {snippet}" if snippet else "")
        for number, (page, snippet) in enumerate(zip(pages, snippets, strict=True))
    ]
    lines, _ = wrap("\n".join(("", "URL: ", "# Search Results", "", *hits)))
    return display(0, query, lines)


def found(pattern: str, page: Page) -> tuple[str, list[int]]:
    """(what `browser.find` shows, the numbers of the lines that match)."""
    lines, matches, free = page.shown, [], 0
    for number, line in enumerate(lines):
        if pattern in line.lower() and number >= free:
            matches.append(number)
            free = number + SHOWN_LINES
    blocks = [
        "\n".join((f"# 【{index}†match at L{at}】", *lines[at : at + SHOWN_LINES])) for index, at in enumerate(matches)
    ]
    shown = "\n\n".join(blocks) or f"No `find` results for pattern: `{pattern}`"
    title = f"Find results for text: `{pattern}` in `{page.heading}` ({page.url}/find?pattern={pattern})"
    return display(2, title, shown.split("\n")), matches


def browse_row(rng: random.Random, effort: Effort, *, whole: bool = True) -> Row:
    """Three to ten hits; a decoy about another subject on every fourth page. Not `whole`: it ends with the open hit."""
    subject, noun = name(rng), term(rng)
    akin = rng.choice((0.1, 0.4, 0.8))
    others = [_other(rng, subject, akin) for _ in range(rng.randint(2, 9))]
    look = Look.draw(rng)
    pages = [_page(rng, number, other, None, "", look) for number, other in enumerate(others)]
    at, decoy = rng.randint(0, len(pages)), pages[0].heading
    page = _answering(rng, at, subject, noun, decoy, look)
    pages.insert(at, page)
    question = ask_about(rng, noun, subject, _QUESTIONS, clear=True)
    query = f"{noun} of{copied(subject, question, ' ')}"
    row = Row("browse")
    row.given(user(question))
    aim = f"The user wants the {query}."
    if effort != "low":
        aim += " Search the web." if effort == "medium" else f" Search the web. The query is: {query}"
    quoted = copied(noun, question) + query.removeprefix(noun)
    row.completion(f"{thought(aim)}<|start|>assistant{_call('search', 'query', quoted)}")
    snippets = [look.snippet(rng, page) for page in pages]
    shown_hits = results(f"{noun} of {subject}", pages, snippets)
    if subject not in shown_hits[shown_hits.index(f"【{at}†") :]:
        return browse_row(rng, effort, whole=whole)  # wrapped, in pieces
    if at == len(others) and _range(len(pages)) not in shown_hits:
        return browse_row(rng, effort, whole=whole)  # hits are wrapped, so that nothing tells the last one's number
    row.given(_answer("search", shown_hits))
    hit = copied(subject, question, " ") + _hit(shown_hits, subject, at, len(pages)).removeprefix(subject)
    row.completion(f"{thought(f'The hit is{hit}: {at}')}<|start|>assistant{_call('open', 'id', str(at))}")
    if not whole:
        return row
    row.given(_answer("open", display(1, f"{page.heading} ({page.url})", page.shown)))
    find = _call("find", "pattern", copied(noun, question))
    row.completion(f"{thought(f'The user wants the {query}. Find {noun}.')}<|start|>assistant{find}")
    shown, matches = found(noun, page)
    row.given(_answer("find", shown))
    row.completion(_conclusion(page, matches, _right(page, noun, decoy)))
    return row


def _hit(shown: str, subject: str, at: int, count: int) -> str:
    """Quote the hit from the subject on, up to the number of the next hit; of the last hit, up to the list's end.

    A hit's number stands before its title, so that one copies past it: what follows says which it was.
    """
    title = shown.index(f"  * 【{at}†")
    quoted = shown[shown.index(subject, title) :]
    if at + 1 < count:
        quoted = quoted[: quoted.index(f"  * 【{at + 1}†")] + f"  * 【{at + 1}"
    else:
        quoted += f"\n{_range(count)}"
    return quoted


def _range(count: int) -> str:
    """The lines of a list of `count` hits, none of them wrapped, as the list's head gives them."""
    return f"lines [0 - {count + 3}]"


def _other(rng: random.Random, subject: str, akin: float) -> str:
    """Another subject, at times with a word of `subject`; in `akin` of all cases with a part of one."""
    if rng.random() < akin:
        return kin(rng, subject)
    parts = name(rng).split()
    if rng.random() < 0.3 and " " in subject:
        parts[rng.randrange(len(parts))] = rng.choice(subject.split())
    found = " ".join(parts)
    return found if subject not in found else name(rng)


def _right(page: Page, noun: str, decoy: str) -> int:
    """The number of the line that answers; 0 where none does."""
    told = [n for n, line in enumerate(page.shown) if n > 2 and noun in line.lower() and decoy not in line]
    return told[0] if len(told) == 1 else 0


def _conclusion(page: Page, matches: list[int], right: int) -> str:
    """Weigh the matches one by one, then quote the line with its citation; without a match say so."""
    if not matches:
        return f"{thought('No line.')}<|start|>assistant{final(NOT_THERE)}"
    lines = page.shown
    weighed = matches[: matches.index(right) + 1]
    walk = " ".join(f"L{n}: {lines[n]} {'yes' if n == right else 'no'}." for n in weighed)
    return f"{thought(walk)}<|start|>assistant{final(f'The page says: {lines[right]}{SEAM}【1†L{right}】')}"


def _answering(rng: random.Random, number: int, subject: str, noun: str, decoy: str, look: Look) -> Page:
    """A page on which one line says the noun of the subject; on one in twelve no line is about it."""
    told = rng.random() < 0.92 or noun in subject.lower()
    while True:
        page = _page(rng, number, subject, noun if told else None, decoy, look)
        matches = found(noun, page)[1]
        if _right(page, noun, decoy) in matches if told else not matches:
            return page


def _page(rng: random.Random, number: int, subject: str, wanted: str | None, decoy: str, look: Look) -> Page:
    lines = [_line(rng, term(rng), subject) for _ in range(rng.randint(2, 8))]
    if wanted:
        lines.append(_line(rng, wanted, subject))
        if rng.random() < 0.25:
            lines.append(f"The {wanted} of {decoy} was {_value(rng)}.")
            lines[-2] = f"The {wanted} of {subject} was {_value(rng)}."
        rng.shuffle(lines)
    return Page(look.title(rng, subject), subject, look.domain(rng), number, tuple(lines))


def _line(rng: random.Random, noun: str, subject: str) -> str:
    text = rng.choice(_LINES)
    while "{filler}" in text:
        text = text.replace("{filler}", plain_word(rng), 1)
    text = text.format(noun=noun, Noun=noun.capitalize(), subject=subject, value=_value(rng))
    return text[:1].upper() + text[1:]


def _value(rng: random.Random) -> str:
    return str(rng.randint(1, 99_999)) if rng.random() < 0.4 else name(rng)


def _words(rng: random.Random, count: int) -> str:
    return " ".join(plain_word(rng) if rng.random() < 0.8 else word(rng) for _ in range(count))


def _call(function: str, name: str, value: str) -> str:
    shown = value if name == "id" else f'"{value}"'
    return f'<|channel|>analysis to=browser.{function} code<|message|>{{"{name}": {shown}}}<|call|>'


def _answer(function: str, text: str) -> str:
    return f"<|start|>browser.{function} to=assistant<|channel|>analysis<|message|>{text}<|end|>"
