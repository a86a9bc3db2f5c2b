"""Wordings of one operation, beyond the documented ones: some that are listed, and many that are composed.

A model of this size knows no word that no row has, so rows hold the verbs and nouns of arithmetic in all their places:
what stands where ("from", "by") says which operand is which, whatever the verb.
"""

from itertools import product

LISTED: dict[str, tuple[str, ...]] = {
    "+": (
        "{a} and {b} summed",
        "the total of {a} and {b}",
        "{a} together with {b}",
        "{a} with {b} added",
        "{a} and also {b}",
        "{a} raised by {b}",
        "{b} on top of {a}",
        "increase {a} by {b}",
        "combine {a} and {b}",
        "{a} plus another {b}",
        "{b} summed onto {a}",
        "summing {a} and {b}",
        "sum up {a} and {b}",
        "total {a} and {b}",
        "{a} combined with {b}",
        "{a} grown by {b}",
        "raise {a} by {b}",
        "{a} boosted by {b}",
        "{b} greater than {a}",
        "{b} above {a}",
        "an increase of {a} by {b}",
        "{a} joined with {b}",
        "put {a} and {b} together",
        "{a} augmented by {b}",
        "{a} and {b} more",
    ),
    "-": (
        "{a} take away {b}",
        "{a} reduced by {b}",
        "{b} subtracted from {a}",
        "{b} taken from {a}",
        "{a} without {b}",
        "{a} decreased by {b}",
        "reduce {a} by {b}",
        "deduct {b} from {a}",
        "take {b} off {a}",
        "how much more is {a} than {b}",
        "what remains of {a} after {b} is removed",
        "{a} lessened by {b}",
        "lower {a} by {b}",
        "{b} below {a}",
        "{b} fewer than {a}",
        "{a} diminished by {b}",
        "{a} after taking off {b}",
        "{b} off {a}",
        "{a} cut by {b}",
        "drop {a} by {b}",
        "remove {b} from {a}",
        "{b} smaller than {a}",
        "{a} but {b} less",
        "the gap from {b} to {a}",
        "withdraw {b} from {a}",
        "{a} down by {b}",
    ),
    "*": (
        "{a} by {b} multiplied",
        "{b} times as much as {a}",
        "{a} groups of {b}",
        "{a} and {b} multiplied",
        "{a} repeated {b} times",
        "{b} copies of {a}",
        "multiply {a} with {b}",
        "scale {a} by {b}",
        "multiplying {a} by {b}",
        "{a} multiplied {b} times",
        "{b} sets of {a}",
        "scaling {a} by {b}",
        "{b} lots, each of {a}",
        "{a} scaled up {b} times",
        "{b}-fold {a}",
        "the product from {a} with {b}",
        "{a} taken {b} times",
        "{b} rows of {a}",
        "{b} piles with {a} in each",
        "{a} apiece for {b}",
    ),
    "/": (
        "the fraction {a} over {b}",
        "{a} shared equally by {b}",
        "{a} parted into {b}",
        "the quotient {a} by {b}",
        "dividing {a} by {b}",
        "split {a} into {b}",
        "{a} divided into {b}",
        "how often does {b} go into {a}",
        "{a} cut into {b} parts",
        "{a} split evenly over {b}",
        "{a} distributed among {b}",
        "{a} per {b}",
        "the ratio {a} over {b}",
        "{a} in {b} equal shares",
        "share {a} between {b}",
        "one of {b} equal parts of {a}",
        "how many times does {b} fit into {a}",
        "part {a} into {b}",
        "the quotient when {a} is divided by {b}",
    ),
    "//": ("{a} floor-divided by {b}", "{a} div {b}", "the whole part of {a} divided by {b}"),
    "%": (
        "the rest of {a} divided by {b}",
        "the remainder when {a} is divided by {b}",
        "{a} modulus {b}",
        "what remains when dividing {a} by {b}",
        "{a} modulo by {b}",
        "the leftover of {a} divided by {b}",
        "what is left when {a} is split by {b}",
        "reduce {a} modulo {b}",
        "the residue of {a} modulo {b}",
        "{a} shared by {b} leaves what",
        "the remainder of {a} over {b}",
    ),
    "**": (
        "{a} to the {b}th power",
        "the {b}th power of {a}",
        "{a} raised to {b}",
        "base {a}, power {b}",
        "{a} to the {b}",
        "the power {b} of {a}",
        "{a} to the exponent {b}",
        "{a} raised to exponent {b}",
        "raise {a} to the power {b}",
        "the exponent {b} applied to {a}",
        "{b} as the exponent of {a}",
        "take {a} to the power of {b}",
    ),
}

_JOIN = (
    *(("add", "added", "adding"), ("sum", "", "summing"), ("join", "joined", "joining"), ("total", "totalled", "")),
    *(("combine", "combined", "combining"), ("pool", "pooled", "pooling"), ("merge", "merged", "merging")),
    *(("lump", "lumped", "lumping"), ("tally", "tallied", "tallying"), ("unite", "united", "uniting")),
)
"""(base form, participle, gerund) of what is done to two operands alike. An empty form stays out of training."""
_UP = (
    *(("increase", "", "increasing"), ("raise", "raised", "raising"), ("grow", "grown", "growing")),
    *(("boost", "boosted", "boosting"), ("lift", "lifted", "lifting"), ("extend", "extended", "extending")),
    *(("enlarge", "enlarged", "enlarging"), ("bump up", "bumped up", "bumping up")),
)
_DOWN = (
    *(("decrease", "decreased", "decreasing"), ("reduce", "reduced", "reducing"), ("lower", "", "lowering")),
    *(("cut", "cut", "cutting"), ("shrink", "shrunk", "shrinking"), ("lessen", "lessened", "lessening")),
    *(("trim", "trimmed", "trimming"), ("diminish", "diminished", "diminishing")),
)
_AWAY = (
    *(("subtract", "subtracted", "subtracting"), ("deduct", "deducted", "deducting"), ("take", "taken", "taking")),
    *(("remove", "removed", "removing"), ("withdraw", "withdrawn", "withdrawing"), ("strip", "stripped", "stripping")),
    *(("discount", "discounted", "discounting"), ("take away", "taken away", "taking away")),
)
_SCALE = (
    *(("multiply", "multiplied", "multiplying"), ("scale", "", "scaling"), ("magnify", "magnified", "magnifying")),
    *(("scale up", "scaled up", "scaling up"), ("amplify", "amplified", "amplifying")),
)
_SHARE = (
    *(("divide", "divided", "dividing"), ("split", "split", "splitting"), ("share", "shared", "sharing")),
    *(("part", "parted", "parting"), ("partition", "partitioned", "partitioning"), ("break", "broken", "breaking")),
    *(("cut", "cut", "cutting"), ("distribute", "distributed", "distributing"), ("spread", "spread", "spreading")),
)
_PILES = ("copies", "groups", "sets", "rows", "packs", "batches", "heaps", "bags", "times", "rounds", "boxes")
_LEFT = ("remainder", "rest", "residue", "leftover", "modulus", "remaining part")
_POWERS = ("power", "exponent", "index")


def _composed(
    forms: tuple[str, ...], verbs: tuple[tuple[str, str, str], ...], words: tuple[str, ...] = ("",)
) -> tuple[str, ...]:
    """`forms` with each verb (`{v}` base form, `{p}` participle, `{g}` gerund) and each of `words` (`{w}`)."""
    out = []
    for form, (base, participle, gerund), extra in product(forms, verbs, words):
        needs = {"{v}": base, "{p}": participle, "{g}": gerund, "{w}": extra}
        if all(value for hole, value in needs.items() if hole in form):
            for hole, value in needs.items():
                form = form.replace(hole, value)
            out.append(form)
    return tuple(dict.fromkeys(out))


_NO_VERB = (("", "", ""),)
COMPOSED: dict[str, tuple[str, ...]] = {
    "+": (
        *_composed(("{v} {a} and {b}", "{v} {a} with {b}", "{g} {a} and {b}", "{g} {a} to {b}"), _JOIN),
        *_composed(("{a} {p} with {b}", "{a} and {b} {p}", "{b} {p} onto {a}", "if {a} is {p} to {b}"), _JOIN),
        *_composed(("{v} {a} by {b}", "{g} {a} by {b}", "{a} {p} by {b}", "{a} when {p} by {b}"), _UP),
        *_composed(("the {w} of {a} and {b}", "the {w} from {a} and {b}"), _NO_VERB, ("total", "whole", "aggregate")),
        *_composed(("{b} {w} {a}",), _NO_VERB, ("above", "beyond", "on top of", "higher than", "greater than")),
    ),
    "-": (
        *_composed(("{v} {a} by {b}", "{g} {a} by {b}", "{a} {p} by {b}", "{a} when {p} by {b}"), _DOWN),
        *_composed(("{v} {b} from {a}", "{g} {b} from {a}", "{b} {p} from {a}", "{a} once {b} is {p}"), _AWAY),
        *_composed(("{a} after {g} {b}", "{a} with {b} {p}"), _AWAY),
        *_composed(("{b} {w} than {a}",), _NO_VERB, ("fewer", "smaller", "lower", "shorter")),
        *_composed(("{b} {w} {a}",), _NO_VERB, ("below", "under", "short of", "beneath")),
        *_composed(("the {w} from {b} to {a}", "the {w} between {a} and {b}"), _NO_VERB, ("gap", "distance", "margin")),
    ),
    "*": (
        *_composed(("{v} {a} by {b}", "{g} {a} by {b}", "{a} {p} by {b}", "{a} when {p} by {b}"), _SCALE),
        *_composed(("{b} {w} of {a}", "{b} {w}, each of {a}", "{b} {w} with {a} in each"), _NO_VERB, _PILES),
        *_composed(("the {w} from {a} with {b}", "the {w} of {a} with {b}"), _NO_VERB, ("product", "multiple")),
    ),
    "/": (
        *_composed(("{v} {a} {w} {b}", "{g} {a} {w} {b}", "{a} {p} {w} {b}"), _SHARE, ("by", "into", "over")),
        *_composed(("{v} {a} {w} {b}", "{a} {p} {w} {b}"), _SHARE, ("among", "between", "across")),
        *_composed(("{v} {a} into {b} {w}", "{a} {p} into {b} {w}"), _SHARE, ("parts", "shares", "pieces", "portions")),
        *_composed(("the {w} of {a} over {b}", "the {w} of {a} by {b}"), _NO_VERB, ("quotient", "ratio", "proportion")),
    ),
    "//": (
        "{a} floor-divided by {b}",
        "{a} div {b}",
        "{a} divided by {b}, floored",
        "the whole quotient of {a} by {b}",
    ),
    "%": (
        *_composed(("the {w} of {a} by {b}", "the {w} after {g} {a} by {b}"), _SHARE, _LEFT),
        *_composed(("the {w} when {a} is {p} into {b}", "the {w} once {a} is {p} by {b}"), _SHARE, _LEFT),
        *_composed(("what {w} after {g} {a} by {b}",), _SHARE, ("remains", "is left", "stays", "is over")),
        *_composed(("reduce {a} {w} {b}", "reducing {a} {w} {b}"), _NO_VERB, ("modulo", "mod")),
        *_composed(("{a} {w} {b}", "{a} taken {w} {b}"), _NO_VERB, ("modulo", "modulus")),
    ),
    "**": (
        *_composed(("{a} to the {w} {b}", "{a} to the {w} of {b}", "{a} raised to the {w} {b}"), _NO_VERB, _POWERS),
        *_composed(("{a} with the {w} {b}", "{a} under the {w} {b}", "{w} {b} of {a}"), _NO_VERB, _POWERS),
        *_composed(("base {a}, {w} {b}", "base {a} to the {w} {b}", "{w} {b} of base {a}"), _NO_VERB, _POWERS),
    ),
}
"""Forms with holes for the operands {a} and {b}, by operator; none holds one of the yardstick's (a test sees to it)."""
