"""Questions about something of a subject, for functions and for the web: known wordings, and ones made up for a row."""

import random
from collections.abc import Sequence

from nano.phrasings import OPENINGS, dress
from nano.vocabulary import among_words, encode, plain_word

_BEFORE = (
    *("what is", "what are", "what was", "which is", "tell me", "give me", "show", "find", "get", "fetch", "look up"),
    *("I need", "I want", "I seek", "we want", "they asked for", "my friend wants", "do you know", "could you find"),
    *("can you say", "how about", "any idea of", "say", "name", "list", "check", "report", "return", "let me have"),
    *("is there", "where is", "when was", "who is", "how much is", "how many are", "please say", "help me with", ""),
)
_LINKS = (
    *("of", "of", "of", "of", "for", "for", "for", "in", "at", "by", "on", "about", "from", "with", "to", "has", "is"),
    *("near", "inside", "within", "under", "behind", "around", "over", "beside", "across", "per", "via", "among"),
    *("relating to", "with respect to", "belonging to", "to do with", "that belongs to", "known for", "given for"),
)
_LEADS = (
    *("for", "of", "at", "in", "about", "on", "with", "take", "as for", "as to", "given", "considering", "look at"),
    *("re", "speaking of", "with regard to", "when it comes to", "think of", "I mean", "it is about", "consider"),
    *("see", "by", "following", "inside", "within", "under", "behind", "from", "near", "per", "via", "after", "open"),
    *("go to", "here is"),
)
"""What leads to a subject that stands first."""
_ASKED = ("what", "what", "what", "which", "which", "whose", "how much", "how many", "what kind of", "which kind of")
_AUXILIARIES = (
    *("does", "does", "does", "did", "will", "would", "can", "could", "might", "should", "do", "shall", "must"),
)
_HOLDS = (
    *("get", "show", "hold", "use", "need", "keep", "give", "own", "want", "know", "carry", "offer", "list", "take"),
    *("bear", "report", "state", "possess", "wear", "run on", "go by", "come with", "stand for", "run", "make", ""),
)
_ARTICLES = ("the", "the", "the", "a", "his", "their", "any", "this", "that", "")
_AFTER = (
    *("now", "today", "again", "at once", "if you can", "in short", "for a friend", "and say so", "right away"),
    *("please do", "will you", "is what I need", "would help", "tonight", "as far as known", "thanks a lot"),
)


_SENTENCES = (
    *("Quote the source.", "Say where it stands.", "Keep it short.", "One line will do.", "Name the page too."),
    *("Be exact.", "Give proof.", "Show me where.", "That is all.", "It matters.", "With a source.", "Hurry up."),
    "Thanks!",
)
_REQUESTS = (
    *("please", "could you", "can you", "would you", "I want you to", "let us", "we should", "now", "go ahead and"),
    *("your task is to", "time to", "next,", "I would like you to", "you may", "you have to", "be so kind and", ""),
)
_VERBS = (
    *("call", "use", "run", "invoke", "execute", "apply", "start", "launch", "query", "ask", "try", "do"),
    *("employ", "take", "make use of", "send a request to", "hand it to", "perform"),
)
_KINDS_OF_TOOLS = ("", "", "", "the function", "the tool", "function", "my", "this", "the")
_THROUGH = ("through", "via", "by means of", "by way of", "with the help of", "over", "with", "by", "using")
_MOVES = (
    *("work", "look", "pass", "try", "reach out", "ask", "send it", "get there", "solve it", "answer", "do it"),
    *("move",),
)
_GIVEN_AS = ("its input", "the argument", "the value", "its value", "the parameter", "my input", "what it needs")
_GIVING = (
    *("with", "with", "for", "on", "using", "passing", "given", "and give it", "and pass", "taking", "to", "about", ""),
    *("whose argument is", "and say", "over", "setting", "providing", "where", "it gets"),
)
_PURPOSES = (
    *("find", "get", "show", "fetch", "open", "list", "check", "read", "send", "make", "look up", "count", "set", "do"),
    *("compute", "update", "create", "search", "book", "track", "describe", "see", "learn", "know", "settle"),
)
"""What one wants of a call: verbs with which the names of functions begin, too."""
_FOR_WHOM = ("us", "us", "it for", "them", "things on", "what is at", "for", "", "something on", "her", "all of")


def ask_about(rng: random.Random, noun: str, subject: str, forms: Sequence[str], *, clear: bool = False) -> str:
    """A question for `noun` of `subject`: one of `forms`, or of pieces that are put together anew.

    `clear`: known words stand beside the noun, so that the question alone says where it begins and ends.
    """
    plain = subject.islower()  # among random words nobody could tell it
    known = plain or rng.random() < 0.35
    text = rng.choice(forms).format(noun=noun, subject=subject) if known else _made_up(rng, noun, subject, clear=clear)
    if text.startswith(noun) and (clear or len(encode(noun)) > 1):
        text = f"the {text}"  # with a capital its tokens would be others
    if clear and text.endswith(noun):
        text += rng.choice(("?", ".", ";", ", please", " please", " - now"))  # what follows is no part of the noun
    asked = dress(rng, text if plain else among_words(rng, text, 0.3))
    if rng.random() >= 0.15:
        return asked
    mark = "" if asked[-1] in "?.!" else rng.choice("?.!")
    return f"{asked}{mark} {_sentence(rng)}"


def _sentence(rng: random.Random) -> str:
    """One that says nothing of what is asked for, and begins with a capital as a name does."""
    if rng.random() < 0.5:
        return rng.choice(_SENTENCES)
    return " ".join(plain_word(rng) for _ in range(rng.randint(1, 4))).capitalize() + rng.choice(".!?")


def ask_for(rng: random.Random, noun: str) -> str:
    """A question for `noun` that does not say of what."""
    return dress(rng, f"{rng.choice(_BEFORE)} {rng.choice(_ARTICLES[:3])} {noun}".strip())


def ask_to_call(rng: random.Random, name: str, given: str, decoys: Sequence[str], *, plain: bool) -> str:
    """A request to call the function `name`, put together anew; `given` says its arguments, and may be empty.

    `decoys`: verbs beside those that are known, as the names of the functions that are declared begin with. `plain`:
    without random words, among which nobody could tell the arguments.
    """
    if not given and rng.random() < 0.5:
        return _among_known(rng, [name], decoys)
    if given and not plain and rng.random() < 0.4:
        return _among_known(rng, [name, given] if rng.random() < 0.75 else [given, name], decoys)
    request, after = _piece(rng, _REQUESTS, 0 if plain else 2), rng.choice(_AFTER) if rng.random() < 0.3 else ""
    kind = rng.choice(_KINDS_OF_TOOLS)
    if rng.random() < 0.2:
        call = (
            f"{rng.choice(decoys) if rng.random() < 0.3 else rng.choice(_MOVES)} {rng.choice(_THROUGH)} {kind} {name}"
        )
    else:
        call = f"{_piece(rng, _VERBS, 0 if plain else 1)} {kind} {name}"
    giving = (_piece(rng, _GIVING, 0 if plain else 2) or "with") if given else ""
    mark = rng.choice((":", ",", " -", ".", ";"))
    if given and rng.random() < 0.35:
        purpose = rng.choice(decoys) if rng.random() < 0.5 else rng.choice(_PURPOSES)
        giving = f"to {purpose} {_piece(rng, _FOR_WHOM, 0 if plain else 1)}"
    style = rng.random()
    if not given or style < 0.6:
        text = f"{request} {call} {giving} {given} {after}"
    elif style < 0.72:
        text = f"{giving} {given}{rng.choice(('', ','))} {request} {call} {after}"
    elif style < 0.85:
        text = f"{request} {call}{mark} {rng.choice(_GIVEN_AS)} {rng.choice(('is', 'is', 'being', 'will be'))} {given}"
    else:
        text = f"{request} {call}{mark} {given} {after}"
    return " ".join(text.split()).replace(" ,", ",")


def _among_known(rng: random.Random, parts: Sequence[str], others: Sequence[str] = ()) -> str:
    """`parts` in their order among known words in any place: from what stands beside them nobody can tell them."""
    pools = (_VERBS, _VERBS, _PURPOSES, _BEFORE, _REQUESTS, _GIVING, _AFTER, _MOVES, _HOLDS, _LEADS, _FOR_WHOM, others)

    def some(most: int) -> str:
        drawn = (
            rng.choice(rng.choice(pools) or _VERBS) if rng.random() < 0.65 else plain_word(rng) for _ in range(most)
        )
        return " ".join(drawn)

    text = some(rng.randint(0, 4))
    for part in parts:
        text += f"{rng.choice(('', '', '', ',', ':'))} {part} {some(rng.choice((0, 1, 1, 2, 3)))}"
    return " ".join(text.split()).replace(" ,", ",").replace(" :", ":").strip(",: ")


def _made_up(rng: random.Random, noun: str, subject: str, *, clear: bool) -> str:
    if not clear and rng.random() < 0.25:
        return _among_known(rng, [noun, subject] if rng.random() < 0.6 else [subject, noun])
    before = _piece(rng, _BEFORE, 3)
    link = rng.choice(_LINKS) if clear or rng.random() < 0.8 else plain_word(rng)
    article = rng.choice([article for article in _ARTICLES if article] if clear else _ARTICLES)
    after = _piece(rng, _AFTER, 0 if clear else 3) if rng.random() < 0.35 else ""
    style = rng.random()
    if style < 0.48:
        text = f"{before} {article} {noun} {link} {subject} {after}"
    elif style < 0.56:
        text = f"{before} {subject}'s {noun} {after}"
    elif style < 0.76:
        lead = (
            rng.choice(_LEADS)
            if rng.random() < 0.5
            else " ".join(plain_word(rng) for _ in range(rng.choice((1, 1, 2, 3))))
        )
        text = f"{lead} {subject}{rng.choice(('', ',', ':', ' -', '.', '?'))} {before} {article} {noun} {after}"
    elif style < 0.86:
        text = f"{rng.choice(_ASKED)} {noun} {rng.choice(_AUXILIARIES)} {subject} {_piece(rng, _HOLDS, 1)} {after}"
    elif style < 0.92:
        text = f"{before} {subject} {link} {article} {noun} {after}"
    else:
        mark = rng.choice((":", " -", ".", ",", "?"))
        text = f"{subject}{mark} {before} {article} {noun} {after}"
    if rng.random() < 0.1:
        text = rng.choice(OPENINGS) + text
    return " ".join(text.split())


def _piece(rng: random.Random, known: tuple[str, ...], longest: int) -> str:
    """Words that are known, or up to `longest` random ones."""
    if not longest or rng.random() < 0.6:
        return rng.choice(known)
    return " ".join(plain_word(rng) for _ in range(rng.randint(0, longest)))
