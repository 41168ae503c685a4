"""Propositional logic by truth tables held as integers: one bit per assignment of the variables."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["Formula", "Negation", "conclusion", "entails", "follows", "read"]

_TOKEN = re.compile(r"\s*+([A-Z]|[∧∨→↔¬()])")
_RANK = {"↔": 0, "→": 1, "∨": 2, "∧": 3}
_DEPTH = 50
_LENGTH = 400

Formula: TypeAlias = "str | Negation | Compound"


class Negation(NamedTuple):
    """Not."""

    operand: Formula


class Compound(NamedTuple):
    """Two formulas and what joins them."""

    operator: str
    left: Formula
    right: Formula


def read(text: str) -> Formula | None:
    """The formula, or None when `text` is none. ¬ binds tightest, then ∧, ∨, → and ↔; equals to the left."""
    tokens: list[str] = []
    position, text = 0, text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match or len(tokens) >= _LENGTH:
            return None
        tokens.append(match.group(1))
        position = match.end()
    formula, rest = _read(tokens, 0, 0, 0)
    return formula if rest == len(tokens) else None


def _read(tokens: Sequence[str], position: int, rank: int, depth: int) -> tuple[Formula | None, int]:
    """Operators of at least `rank` from `position`: the formula and where it ends (None where there is none)."""
    left, position = _operand(tokens, position, depth)
    while left is not None and position < len(tokens) and _RANK.get(tokens[position], -1) >= rank:
        operator = tokens[position]
        right, position = _read(tokens, position + 1, _RANK[operator] + 1, depth + 1)
        left = Compound(operator, left, right) if right is not None else None
    return left, position


def _operand(tokens: Sequence[str], position: int, depth: int) -> tuple[Formula | None, int]:
    token = tokens[position] if position < len(tokens) else ""
    if depth > _DEPTH:
        return None, position
    if token == "¬":
        operand, position = _operand(tokens, position + 1, depth + 1)
        return (Negation(operand) if operand is not None else None), position
    if token == "(":
        inner, position = _read(tokens, position + 1, 0, depth + 1)
        closed = position < len(tokens) and tokens[position] == ")"
        return (inner if closed else None), position + 1
    return (token if token.isalpha() else None), position + 1


def follows(premises: Sequence[Formula], candidate: Formula, variables: Sequence[str]) -> bool:
    """Whether `candidate` is a conclusion worth the name.

    It must hold wherever all premises hold, and be no tautology. It must also need more than one premise, or be
    a variable or its negation; a premise handed back, weakened, or joined to others as it stands is no conclusion.
    Where one premise says it all, no conclusion can need two: then the whole of it, put otherwise, will do. Where
    the premises say nothing, any tautology that is not a premise will do.
    """
    if not _variables(candidate) <= set(variables):
        return False
    names, everything = tuple(sorted(variables)), (1 << (1 << len(variables))) - 1
    tables = [_table(premise, names) for premise in premises]
    together = functools.reduce(int.__and__, tables, everything)
    claimed = _table(candidate, names)
    if together & ~claimed or candidate in premises:
        return False
    if together == everything:
        return True
    if claimed == everything:
        return False
    if _is_literal(candidate):
        return True
    joint = claimed == together if together in tables else all(table & ~claimed for table in tables)
    return joint and not _parts(candidate) & _compounds(premises)


def entails(premises: Sequence[Formula], candidate: Formula, variables: Sequence[str]) -> bool:
    """Whether `candidate` holds wherever all premises hold."""
    names = tuple(sorted(variables))
    everything = (1 << (1 << len(names))) - 1
    together = functools.reduce(int.__and__, (_table(premise, names) for premise in premises), everything)
    return not together & ~_table(candidate, names)


def conclusion(premises: Sequence[Formula], variables: Sequence[str]) -> str | None:
    """A conclusion that `follows`, as text: the shortest kind that does. Never a lone variable."""
    negations: list[Formula] = [Negation(variable) for variable in variables]
    literals = [*variables, *negations]
    pairs: list[Formula] = [Compound(o, a, b) for o in "∧∨→↔" for a in literals for b in literals]
    for candidate in [*negations, *pairs, *_normal_form(premises, variables)]:
        if follows(premises, candidate, variables):
            return _text(candidate)
    return None


def _normal_form(premises: Sequence[Formula], variables: Sequence[str]) -> list[Formula]:
    """What the premises say together, as a conjunction of clauses over all variables; also each clause alone."""
    names = tuple(sorted(variables))
    together = functools.reduce(int.__and__, (_table(p, names) for p in premises), -1)
    clauses: list[Formula] = []
    for row in range(1 << len(names)):
        if not together >> row & 1:
            clauses.append(_joined("∨", [Negation(n) if row >> i & 1 else n for i, n in enumerate(names)]))
    return [*clauses, *([_joined("∧", clauses)] if clauses else [])]


def _joined(operator: str, formulas: Sequence[Formula]) -> Formula:
    first, *rest = formulas
    made = first
    for formula in rest:
        made = Compound(operator, made, formula)
    return made


def _table(formula: Formula, names: tuple[str, ...]) -> int:
    """The truth table: bit `row` is the value where variable i is true when bit i of `row` is set."""
    match formula:
        case str():
            return _column(names.index(formula), len(names))
        case Negation(operand):
            return ~_table(operand, names) & ((1 << (1 << len(names))) - 1)
        case Compound(operator, left, right):
            a, b = _table(left, names), _table(right, names)
            full = (1 << (1 << len(names))) - 1
            return {"∧": a & b, "∨": a | b, "→": (~a & full) | b, "↔": ~(a ^ b) & full}[operator]


@functools.cache
def _column(index: int, count: int) -> int:
    return sum(1 << row for row in range(1 << count) if row >> index & 1)


def _variables(formula: Formula) -> set[str]:
    return {part for part in _parts(formula) if isinstance(part, str)}


def _parts(formula: Formula) -> set[Formula]:
    """The formula and all formulas inside it."""
    match formula:
        case Negation(operand):
            return {formula, *_parts(operand)}
        case Compound(_, left, right):
            return {formula, *_parts(left), *_parts(right)}
    return {formula}


def _compounds(premises: Sequence[Formula]) -> set[Formula]:
    return {premise for premise in premises if not _is_literal(premise)}


def _is_literal(formula: Formula) -> bool:
    return isinstance(formula, str) or (isinstance(formula, Negation) and isinstance(formula.operand, str))


def _text(formula: Formula) -> str:
    match formula:
        case Negation(operand):
            return f"¬{_text(operand)}"
        case Compound(operator, left, right):
            return f"({_text(left)} {operator} {_text(right)})"
    return str(formula)
