"""Calls meant and calls parsed over a folder of recorded completions.

    python -m bench.harmony_recorded FOLDER [--recipients python,container.exec,...]

The folder holds `N.response.txt` (the text of a completion, control tokens spelled out, its stop token left out) and
`N.finish.txt` (`stop` or `length`). A call is meant where the text of the last header names, anywhere, a recipient, or
any `namespace.function`. Beside ours: openai_harmony's parser, strict and not, on the same ids. Exits with 1 when a
call that was meant was not parsed.
"""

import argparse
import collections
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import openai_harmony

from ossia import harmony

RECIPIENTS = (
    "python",
    "browser.search",
    "browser.open",
    "browser.find",
    "container.exec",
    "repo_browser.print_tree",
    "repo_browser.search",
    "repo_browser.open_file",
    "repo_browser.list_dir",
    "repo_browser.apply_patch",
)
_REFERENCE = openai_harmony.load_harmony_encoding("HarmonyGptOss")


@dataclass(frozen=True)
class Recorded:
    """One recorded completion."""

    name: str
    text: str
    finish: str

    def meant(self, recipients: tuple[str, ...]) -> str | None:
        """The recipient that the last header names, read by eye rather than by a parser of headers."""
        header = self.text.rpartition("<|message|>")[0].rpartition("<|start|>")[2]
        named = [r for r in recipients if re.search(rf"(?<![\w.]){re.escape(r)}(?![\w.])", header)]
        return named[0] if named else next(iter(re.findall(r"[a-z_]+\.[a-z_]+", header)), None)

    @property
    def order(self) -> str:
        """The form of the last header."""
        header = self.text.rpartition("<|message|>")[0].rpartition("<|start|>assistant")[2]
        if re.fullmatch(r"<\|channel\|>\w+( to=[^\s<]+)?( \w+)?", header):
            return "channel first"
        return "recipient first" if re.fullmatch(r" to=[^\s<]+<\|channel\|>\w+( \w+)?", header) else "malformed"

    @property
    def ids(self) -> list[int]:
        """The token ids, with the stop token that the recorder left out where the completion was not cut off."""
        final = "<|channel|>final" in self.text.rpartition("<|start|>")[2]
        end = "" if self.finish == "length" else "<|return|>" if final else "<|call|>"
        return harmony.encoding().encode(self.text + end, special=True)


def load(folder: Path) -> list[Recorded]:
    """The completions of a folder, in the order of their numbers."""
    found = []
    for path in sorted(folder.glob("*.response.txt"), key=lambda p: (len(p.name), p.name)):
        finish = path.with_name(path.name.replace(".response.", ".finish."))
        found.append(Recorded(path.name, path.read_text(), finish.read_text().strip() if finish.exists() else "stop"))
    return found


def reference_call(ids: list[int], strict: bool) -> str | None:
    """The recipient of the last call that openai_harmony finds, or the name of its error."""
    try:
        messages = _REFERENCE.parse_messages_from_completion_tokens(ids, openai_harmony.Role.ASSISTANT, strict=strict)
    except openai_harmony.HarmonyError:
        return "HarmonyError"
    last = messages[-1] if messages else None
    return last.recipient if last is not None and last.author.role == openai_harmony.Role.ASSISTANT else None


def run(folder: Path, recipients: tuple[str, ...]) -> bool:
    """Print what was meant and what was parsed; whether every call that was meant was parsed."""
    recorded = load(folder)
    meant = ours = strict = lenient = finals = 0
    repairs: collections.Counter[str] = collections.Counter()
    for one in recorded:
        completion = harmony.parse_completion(one.ids, recipients)
        repairs.update(r.kind for r in completion.repairs)
        finals += completion.final is not None
        wanted = one.meant(recipients)
        if wanted is None:
            continue
        meant += 1
        found = completion.calls[-1].recipient if completion.calls else None
        ours += found == wanted
        strict += reference_call(one.ids, True) == wanted
        lenient += reference_call(one.ids, False) == wanted
        if found != wanted:
            print(f"{one.name}: meant {wanted}, parsed {found}")
    print(f"completions {len(recorded)}, calls meant {meant}, finals {finals}")
    orders = collections.Counter(one.order for one in recorded)
    print("last headers: " + ", ".join(f"{order} {n}" for order, n in orders.most_common()))
    print(f"calls parsed: ossia {ours}, openai_harmony {strict} strict, {lenient} not strict")
    print("repairs: " + (", ".join(f"{kind} {n}" for kind, n in repairs.most_common()) or "none"))
    return ours == meant


def main() -> None:
    parser = argparse.ArgumentParser(description="Count calls over recorded completions.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipients", default=",".join(RECIPIENTS))
    arguments = parser.parse_args()
    sys.exit(0 if run(arguments.folder, tuple(arguments.recipients.split(","))) else 1)


if __name__ == "__main__":
    main()
