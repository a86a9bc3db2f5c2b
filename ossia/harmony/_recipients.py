"""Which declared tool a recipient means, as the model wrote it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ossia.harmony._completion import RepairKind

NOT_TOOLS = frozenset({"assistant", "user", "system", "developer", "all"})
"""Recipients that call nothing: the roles, and the library's word for everyone."""

_GLUED = re.compile(r"(.+?)(json|code|analysis|commentary|final)")
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


@dataclass(frozen=True, slots=True)
class Found:
    """A declared recipient, and what was wrong with the way it was written."""

    name: str
    repair: RepairKind | None = None


class Recipients:
    """The declared recipients."""

    def __init__(self, declared: Iterable[str]) -> None:
        self._names = frozenset(declared)
        self._bare: dict[str, str | None] = {}
        for name in self._names:
            bare = name.rpartition(".")[2]
            self._bare[bare] = None if bare in self._bare else name

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def find(self, written: str) -> Found | None:
        """The declared recipient that `written` means: exactly, with something glued to it, under a namespace that
        isn't its own, or by its bare name where only one tool has it."""
        if written in self._names:
            return Found(written)
        cleaned = clean(written)
        glued = _GLUED.fullmatch(cleaned)
        forms = (cleaned, clean(glued[1])) if glued else (cleaned,)
        for form in forms:
            if form in self._names:
                return Found(form, "recipient_garbled")
        for form in forms:
            if (rest := form.removeprefix("functions.")) != form and (rest in self._names):
                return Found(rest, "recipient_prefixed")
            if (bare := self._bare.get(form)) is not None:
                return Found(bare, "recipient_bare")
        return None


def clean(written: str) -> str:
    """A recipient without what leaked into it: a marker, an argument list, quotes, punctuation."""
    name = written.partition("<|")[0]
    name = re.split(r"[({\[]", name, maxsplit=1)[0]
    return name.strip("\"'`,;:. ")


def is_dotted_name(word: str) -> bool:
    """Whether a word has the form `namespace.function`."""
    return "." in word and _IDENTIFIER.fullmatch(word) is not None
