"""Asking the person at the terminal about a call."""

from ossia.cli._view import printable
from ossia.tools import PendingCall


def ask(call: PendingCall) -> bool | str:
    """Show the whole call and read the answer: y; n; or a text, which is no, and why."""
    print(f"\nThe model wants to call {printable(call.recipient)} with:\n\n{printable(call.arguments)}\n")
    try:
        answer = input("Allow it? [y/N, or why not] ").strip()
    except EOFError:
        return False
    if answer.lower() in ("y", "yes"):
        return True
    return False if answer.lower() in ("", "n", "no") else answer
