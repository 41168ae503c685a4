r"""Conditions behind an answer: ``2n, n \in \mathbb{N}``, ``x^2 \text{ for } x > 0``. They are not part of it."""

from __future__ import annotations

from collections.abc import Sequence

from prorl_envs.answers.inequalities import region_of
from prorl_envs.answers.lexer import Token, tokenize
from prorl_envs.answers.regions import regions_equal
from prorl_envs.answers.shapes import Region
from prorl_envs.answers.splitting import cut, depths, is_word
from prorl_envs.answers.syntax import Unreadable, words

__all__ = ["conditions_clash", "without_conditions"]

_CONDITION_SIGNS = frozenset({"<", ">", "le", "ge", "ne", "in"})
_COUNTERS = frozenset("nkm")
"""Of whole numbers, ``n > 0`` and ``n \\ge 1`` say the same."""
_EQUATION_AND_CONDITION = 2
_CONDITIONS = words("for where when with if such provided assuming")


def without_conditions(tokens: list[Token]) -> list[Token]:
    """Without ``, k \\in \\mathbb{Z}`` and ``for all x > 0`` at the end: they restrict, they are not the answer."""
    for place, (token, depth) in enumerate(zip(tokens, depths(tokens), strict=True)):
        said = token.text.lower().split() if place and depth == 0 and token.kind == "text" else []
        if said and said[0].strip(",.(") in _CONDITIONS:
            following = _next_alternative(tokens, place)
            if not following:
                tokens = tokens[:place]
                break
            return without_conditions(tokens[:place] + tokens[following:])
    parts, marks = cut(tokens, lambda t: t.kind == "op" and t.text in ",;")
    while len(parts) > 1 and _is_membership(parts[-1]):
        parts, marks = parts[:-1], marks[:-1]
    if len(parts) == _EQUATION_AND_CONDITION and _is_equation(parts[0]) and _compares(parts[1]):
        parts, marks = parts[:1], []
    while len(parts) > 1 and _is_membership(parts[0]):
        parts, marks = parts[1:], marks[1:]
    kept = list(parts[0])
    for mark, part in zip(marks, parts[1:], strict=False):
        kept += [mark, *part]
    while kept and (
        is_word(kept[-1], "and", "where", "") or (kept[-1].kind == "op" and kept[-1].text in ",;.")
    ):
        kept.pop()
    if kept and kept[-1].text == ")" and (bracket := _trailing_condition(kept)):
        kept = kept[:bracket]
    return kept


def _next_alternative(tokens: Sequence[Token], place: int) -> int:
    """Where behind the condition at `place` the next answer begins: ``f(x)=0 for all x or f(x)=1 for all x``."""
    for after in range(place + 1, len(tokens) - 2):
        if (is_word(tokens[after], "or", "and") or tokens[after].text in ",;") and (
            tokens[after + 1].text == tokens[0].text
            and any(t.text == "=" for t in tokens[after + 1 : after + 8])
        ):
            return after
    return 0


def conditions_clash(gold: str, answer: str) -> bool:
    """Whether two cleaned texts restrict the same variable to different numbers: ``y = x^2, x > 0`` and ``x < 0``."""
    try:
        first, second = _restriction(tokenize(gold)), _restriction(tokenize(answer))
        return (
            first is not None
            and second is not None
            and first.variable == second.variable
            and first.variable not in _COUNTERS
            and regions_equal(first, second) is False
        )
    except Unreadable:
        return False


def _restriction(tokens: list[Token]) -> Region | None:
    """The inequality behind an equation, in a bracket or after a comma."""
    parts, _ = cut(tokens, lambda t: t.kind == "op" and t.text in ",;")
    if len(parts) == _EQUATION_AND_CONDITION and _is_equation(parts[0]) and _compares(parts[1]):
        return region_of(parts[1])
    if tokens and tokens[-1].text == ")" and (bracket := _trailing_condition(tokens)):
        return region_of(tokens[bracket + 1 : -1]) if _is_equation(tokens[:bracket]) else None
    return None


def _is_equation(part: Sequence[Token]) -> bool:
    """``y = x^2``: an unknown in terms of another."""
    sides, marks = cut(part, lambda t: t.kind == "op" and t.text == "=")
    return len(marks) == 1 and not _compares(part) and any(t.kind == "let" for t in sides[1])


def _compares(part: Sequence[Token]) -> bool:
    return any(t.kind in ("op", "cmd") and t.text in _CONDITION_SIGNS - {"in"} for t in part)


def _is_membership(part: Sequence[Token]) -> bool:
    r"""``k \in \mathbb{Z}``, ``k = 0, 1, 2, ...`` is not told apart here."""
    return (
        any(t.kind == "cmd" and t.text == "in" for t in part)
        and any(t.text == "mathbb" or (t.kind == "let" and t.text in "ZNRQ") for t in part[-4:])
        and len(part) < 12
        and not any(t.text in ("setminus", "cup") for t in part)
    )


def _trailing_condition(tokens: Sequence[Token]) -> int:
    """Where a last bracket ``(k \\in \\mathbb{Z})`` or ``(x > 0)`` starts, else 0."""
    depth = 0
    for place in range(len(tokens) - 1, 0, -1):
        depth += (tokens[place].text == ")") - (tokens[place].text == "(")
        if depth == 0:
            inside = tokens[place + 1 : -1]
            compares = any(t.text in _CONDITION_SIGNS and t.kind in ("op", "cmd") for t in inside)
            return place if compares and not any(t.text in ("cup", "(", ")") for t in inside) else 0
    return 0
