"""Asking the person at the terminal about a call."""

from ossia.cli._lines import stdin
from ossia.cli._view import printable
from ossia.tools import PendingCall


async def ask(call: PendingCall) -> bool | str:
    """Show the whole call and read the answer: y; n; or a text, which is no, and why."""
    print(f"\nThe model wants to call {printable(call.recipient)} with:\n\n{printable(call.arguments)}\n")
    answer = (await stdin().read("Allow it? [y/N, or why not] ") or "").strip()
    if answer.lower() in ("y", "yes"):
        return True
    return False if answer.lower() in ("", "n", "no") else answer
