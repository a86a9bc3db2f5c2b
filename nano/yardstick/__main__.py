"""Write the yardstick: `python -m nano.yardstick`. Its files are frozen since it was run; a test holds them."""

from nano.yardstick import arithmetic, browser, functions, nothing, questions
from nano.yardstick.item import Draw, draw_family, write

FILES: dict[str, dict[str, Draw]] = {
    "python": {
        "documented": arithmetic.documented,
        "unseen": arithmetic.unseen,
        "turns": arithmetic.turns,
        "questions": questions.questions,
        "mistake": questions.mistake,
        "file": questions.file,
        "neither": nothing.neither,
    },
    "functions": {"named": functions.named, "described": functions.described, "missing": functions.missing},
    "browser": {"browse": browser.browse},
}

if __name__ == "__main__":
    for name, families in FILES.items():
        write(name, [row for family, draw in families.items() for row in draw_family(family, draw)])
