"""What the model asks, as a query of SQLite's FTS5."""

import re

_WORD = re.compile(r"\w+")
_STOP = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my
    of on or our should so than that the their them then there these they this those to us was we were what when
    where which who whom whose why will with would you your about use used using
    """.split()  # noqa: SIM905 (words read better than a list of strings)
)
_MAX_WORDS = 24


def match_expression(query: str) -> str | None:
    """An expression that matches passages with any word of `query`; None: there is no word in it.

    Every word is quoted, so that nothing in it is taken for FTS5 syntax. Stop words count only when nothing else is
    there.
    """
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))
    wanted = [word for word in words if word not in _STOP] or words
    if not wanted:
        return None
    terms = [f'"{word}"' for word in wanted[:_MAX_WORDS]]
    # `asyncio.create_task` is one name to the reader: as a phrase its parts count more together.
    phrases = [f'"{" ".join(_WORD.findall(name))}"' for name in re.findall(r"\w+(?:[._\-]\w+)+", query)]
    return " OR ".join(dict.fromkeys(terms + phrases[:_MAX_WORDS]))


def words_of(query: str) -> list[str]:
    """The words that a snippet should show, longest first."""
    words = {word.lower() for word in _WORD.findall(query)}
    return sorted(words - _STOP or words, key=lambda word: (-len(word), word))
