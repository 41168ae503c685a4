"""Gold against answer in mathematics: the strict mode's rules, cheapest first, each with its name."""

from __future__ import annotations

import functools
import re

from prorl_envs.answers import mathverify
from prorl_envs.answers.choices import chosen, compare_choices, gold_choices
from prorl_envs.answers.conditions import conditions_clash
from prorl_envs.answers.latex import clean
from prorl_envs.answers.matching import compare_shapes
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.phrases import compare_phrases, is_phrase, meaning
from prorl_envs.answers.progressions import compare_families
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.residues import compare_residues
from prorl_envs.answers.response import unboxed
from prorl_envs.answers.shapes import Shape
from prorl_envs.answers.syntax import Unreadable
from prorl_envs.answers.times import compare_times

__all__ = ["compare", "compare_read", "longest_answer"]

_GROUPED = re.compile(r"(?<=\d),(?=[1-9]\d\d(?!\d))")
_REFUSED = re.compile(
    r"\\bmod|\\pmod|\\text\s*\{[^{}]*\b(?:or|maybe|perhaps|not|guess)\b|[?]|\bmaybe\b|\bor\b"
)
_RISKY = re.compile(
    r"\^[^^]{0,20}\^|!\s*!|\d{5}!|\)!|\^\s*\{?\s*-?\d{4}|\d[eE]\d{3}|\\(?:sum|prod|int|lim)(?![A-Za-z])|\*\*.{0,20}\*\*"
)
"""What makes math-verify compute for minutes; it is not asked unless the gold has such a thing as well."""
_LONGEST_FOR_MATH_VERIFY = 300
_BASED = re.compile(r"\d\s*+_\s*+\{?\s*+-?\d")
_LABELLED = re.compile(r"^\\text\s*\{\s*\(([A-J])\)\s*\}(?:\s|\\ )*(.+)$", re.DOTALL)
REALS = r"\mathbb{R}"
_REMEMBERED = 1_000
"""Characters up to which a gold and an answer together are worth remembering."""
_BLANKS = re.compile(r"\s++|\\ ")


def longest_answer(gold: str) -> int:
    """The length beyond which an answer to `gold` is not read: nobody writes 3 in ten thousand characters."""
    return 2_000 + 4 * len(gold)


def compare(gold: str, answer: str) -> Outcome:
    """Whether `answer` is `gold`, both as they stood in their boxes.

    Short pairs are remembered: the responses of one group give the same few answers.
    """
    if len(gold) + len(answer) <= _REMEMBERED:
        return _remembered(gold, answer)
    return _compare(gold, answer)


def _compare(gold: str, answer: str) -> Outcome:
    if len(answer) > longest_answer(gold):
        return differ("too long")
    a, b = clean(unboxed(gold)), clean(unboxed(answer))
    if not b:
        return differ("empty")
    a, b = (REALS if meaning(text) == "(reals)" else text for text in (a, b))
    if (outcome := _compare_in_full(unboxed(gold), unboxed(answer))).equal:
        return outcome
    a, b = _floored(a, b), _floored(b, a)
    if _BLANKS.sub("", a) == _BLANKS.sub("", b):
        return same("text")
    if gold_choices(gold) is not None and (outcome := compare_choices(gold, answer)).decided:
        return outcome
    if (labelled := _LABELLED.match(a)) and chosen(gold) is not None:
        if (outcome := compare_choices(labelled[1], answer)).decided:
            return outcome
        return compare(labelled[2], answer)
    if conditions_clash(a, b):
        return differ("condition")
    for rule in (compare_times, compare_families, compare_read, compare_residues):
        if (outcome := rule(a, b)).decided:
            return outcome
    return _compare_words(a, b) or _by_math_verify(gold, answer)


def _compare_words(a: str, b: str) -> Outcome | None:
    outcome = compare_phrases(a, b)
    if (
        not outcome.decided
        and (meaning(a).startswith("(") != meaning(b).startswith("("))
        and (_reads(a) or _reads(b))
    ):
        return differ("words")
    return outcome if outcome.decided else None


_remembered = functools.lru_cache(maxsize=8192)(_compare)


_RECURRING = re.compile(r"(?<=\d)(\.\d*?)(\d)\2{2,20}\s*+(?:\\l?dots|\.\.\.|…)[\s$]*+$")
_LARGE = re.compile(
    r"(?<=\d)\s*+(?:\\text\s*+\{\s*+)?\b(thousand|million|billion|trillion)\b(?:\s*+\})?", re.I
)
_POWERS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}


def _compare_in_full(gold: str, answer: str) -> Outcome:
    """By value where one side writes ``8 million`` or ``0.333...``; else undecided."""
    if not any(pattern.search(text) for pattern in (_LARGE, _RECURRING) for text in (gold, answer)):
        return UNDECIDED
    return compare_read(_in_full(gold), _in_full(answer))


def _in_full(text: str) -> str:
    """A text, cleaned, in which ``8 million`` has its zeros and ``0.333...`` its bar."""
    return _LARGE.sub(_in_figures, clean(_RECURRING.sub(r"\1\\overline{\2}", text)))


def _in_figures(match: re.Match[str]) -> str:
    """``8 million`` as ``8 * 10^6``."""
    return f"\\cdot 10^{{{_POWERS[match[1].lower()]}}}"


_GAUSS_BRACKET = re.compile(r"\[([^\[\](),;]{1,60})\]")


def _floored(gold: str, answer: str) -> str:
    """``[n/2]`` as a floor, where the other side writes one."""
    if "\\lfloor" not in answer:
        return gold
    return _GAUSS_BRACKET.sub(r"\\lfloor \1 \\rfloor ", gold)


def compare_read(gold: str, answer: str) -> Outcome:
    """Two cleaned texts by their shapes; a comma between digits is read both ways where that matters."""
    outcome = _compare_shapes_of(gold, answer)
    if outcome.equal or not (_GROUPED.search(gold) or _GROUPED.search(answer)):
        return outcome
    for first in dict.fromkeys((gold, _GROUPED.sub(", ", gold))):
        for second in dict.fromkeys((answer, _GROUPED.sub(", ", answer))):
            if _compare_shapes_of(first, second).equal:
                return same("separators")
    return outcome


def _reads(text: str) -> bool:
    try:
        read_shape(text)
    except Unreadable:
        return False
    return True


def _compare_shapes_of(gold: str, answer: str) -> Outcome:
    shapes: list[Shape] = []
    for text in (gold, answer):
        try:
            shapes.append(read_shape(text))
        except Unreadable:
            return UNDECIDED
    try:
        return compare_shapes(shapes[0], shapes[1])
    except Unreadable:
        return UNDECIDED


def _by_math_verify(gold: str, answer: str) -> Outcome:
    """What our reader does not know goes to math-verify, but for forms it is known to accept wrongly."""
    if _REFUSED.search(answer) and not _REFUSED.search(gold):
        return differ("hedged or modular")
    if len(answer) > _LONGEST_FOR_MATH_VERIFY + 2 * len(gold):
        return UNDECIDED
    if _reads(clean(gold)) and _reads(clean(answer)):
        return UNDECIDED
    if "\\text" in clean(gold) + clean(answer) or is_phrase(clean(gold)) or is_phrase(clean(answer)):
        return UNDECIDED  # math-verify drops words: to it 5:30 p.m. is 5:31 p.m.
    if _RISKY.search(answer) and not _RISKY.search(gold):
        return UNDECIDED
    if _BASED.search(gold) or _BASED.search(answer):
        return UNDECIDED
    if mathverify.boxed_equal(gold, answer, relations=True, plain=False, rounding=15):
        return same("math-verify")
    return UNDECIDED
