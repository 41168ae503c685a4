"""Gold against answer in the sciences: the gold is typed first, then compared by its type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from prorl_envs.answers.chemistry import compare_chemistry, parse_formula
from prorl_envs.answers.choices import compare_choices, gold_choices
from prorl_envs.answers.compare import compare, longest_answer
from prorl_envs.answers.equality import equal
from prorl_envs.answers.latex import clean, plain_words
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.parts import compare_ranges, split_parts
from prorl_envs.answers.phrases import compare_phrases, meaning
from prorl_envs.answers.quantities import MissingUnit, compare_quantities, parse_quantity
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.response import unboxed
from prorl_envs.answers.shapes import Scalar
from prorl_envs.answers.syntax import Node, Unreadable, number, symbols
from prorl_envs.answers.terms import compare_sequences, compare_terms

__all__ = ["Terms", "compare_science"]

_MAX_PARTS = 20
_SIGN_GROUP = re.compile(r"\{([+-])\}")
_UNCERTAIN = re.compile(r"(\d++(?:\.\d++)?)\s*+\\pm\s*+(\d++(?:\.\d++)?)")
_UNCERTAINTY_TOLERANCE = Fraction(1, 10)
_TOWARDS = (
    r"(?:(?:towards?|to) the |due )?((?:north|south)-?(?:east|west)?|east|west|left|right|up|down)"
    r"(?:wards?)?(?![A-Za-z-])"
)
_DIRECTION = re.compile(
    rf",?\s*+(?:\\text\s*+\{{\s*+{_TOWARDS}\s*+\}}|(?<![A-Za-z\\]){_TOWARDS})", re.IGNORECASE
)
_BLANKS = re.compile(r"\s++")


@dataclass(frozen=True)
class Terms:
    """How an answer is to be compared: the task's `unit`, `choices` and `rel_tol`, the verifier's `missing_unit`."""

    unit: str | None = None
    choices: Sequence[str] = ()
    rel_tol: float | None = None
    missing_unit: MissingUnit = "accept"


def compare_science(gold: str, answer: str, terms: Terms) -> Outcome:
    """Whether `answer` is `gold`; undecided when only a reader could tell."""
    if len(answer) > longest_answer(gold):
        return differ("too long")
    gold, answer = unboxed(gold), unboxed(answer)
    if gold_choices(gold) is not None and (terms.choices or len(clean(gold)) < 40):
        outcome = compare_choices(gold, answer, terms.choices)
        if outcome.decided or terms.choices:
            return outcome if outcome.decided else differ("choice")
    if _spelling(gold) == _spelling(answer) and not terms.unit:
        return same("text")
    for rule in (_sequences, _chemistry, _direction, _quantity, _range, _parts, _expression, _words):
        outcome = rule(gold, answer, terms)
        if outcome.decided:
            return outcome
    return UNDECIDED


def _spelling(text: str) -> str:
    """The text without blanks and without braces around a sign."""
    return _SIGN_GROUP.sub(r"\1", _BLANKS.sub("", clean(text)))


def _sequences(gold: str, answer: str, _terms: Terms) -> Outcome:
    """Genotypes, strands, hybridisations: letters in which case or direction is meaning."""
    return compare_sequences(gold, answer)


def _chemistry(gold: str, answer: str, terms: Terms) -> Outcome:
    if terms.unit or meaning(clean(gold)).startswith("("):
        return UNDECIDED
    return compare_chemistry(gold, answer)


def _quantity(gold: str, answer: str, terms: Terms) -> Outcome:
    wanted = parse_quantity(gold, terms.unit)
    if wanted is None:
        return UNDECIDED
    given = parse_quantity(answer)
    if given is None:
        return UNDECIDED
    outcome = compare_quantities(wanted, given, rel_tol=terms.rel_tol, missing_unit=terms.missing_unit)
    if outcome.equal and _uncertainties_clash(clean(gold), clean(answer)):
        return differ("uncertainty")
    plain = wanted.value != 0 and not any(
        mark in clean(gold) + clean(answer) for mark in ("\\text", "\\degree", "%")
    )
    if not outcome.equal and not terms.unit and plain and _expression(gold, answer, terms).equal:
        return same("expression")  # "2 m g" is a product of variables as much as a quantity.
    return outcome


def _uncertainties_clash(gold: str, answer: str) -> bool:
    """``5.0 \\pm 0.1`` against ``5.0 \\pm 0.5``: by their relative size, which no unit changes."""
    first, second = _UNCERTAIN.search(gold), _UNCERTAIN.search(answer)
    if first is None or second is None:
        return False
    (value, error), (other, others_error) = ([Fraction(n) for n in m.groups()] for m in (first, second))
    return abs(error * other - others_error * value) > _UNCERTAINTY_TOLERANCE * abs(error * other)


def _direction(gold: str, answer: str, terms: Terms) -> Outcome:
    """``10 N east`` against ``10 N to the east``: the same direction, and the same without it."""
    (wanted, first), (given, second) = _undirected(gold), _undirected(answer)
    if not first or not second or not re.search(r"\d", wanted + given):
        return UNDECIDED
    return differ("direction") if first != second else compare_science(wanted, given, terms)


def _undirected(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its words of direction, and these."""
    found = tuple((match[1] or match[2]).lower() for match in _DIRECTION.finditer(text))
    return _DIRECTION.sub(" ", text).strip(" ,."), found


def _range(gold: str, answer: str, terms: Terms) -> Outcome:
    return compare_ranges(gold, answer, rel_tol=terms.rel_tol, missing_unit=terms.missing_unit)


def _parts(gold: str, answer: str, terms: Terms) -> Outcome:
    """Several parts: by label where both sides label them, otherwise in order."""
    wanted, labels = split_parts(gold)
    if not 1 < len(wanted) <= _MAX_PARTS:
        return UNDECIDED
    given, others = split_parts(answer)
    if len(given) != len(wanted):
        return UNDECIDED
    if labels[0] and sorted(labels) == sorted(others) and len(set(labels)) == len(labels):
        given = [given[others.index(label)] for label in labels]
    inner = replace(terms, choices=())
    outcomes = [compare_science(g, a, inner) for g, a in zip(wanted, given, strict=True)]
    if all(outcome.equal for outcome in outcomes):
        return same("parts")
    undecided = any(not outcome.decided for outcome in outcomes) and all(
        o.equal is not False for o in outcomes
    )
    return UNDECIDED if undecided or not labels[0] else differ("parts")


def _expression(gold: str, answer: str, _terms: Terms) -> Outcome:
    """Formulas in symbols: equal for positive values of the symbols, whatever they are named equal to."""
    try:
        wanted, given = read_shape(clean(gold)), read_shape(clean(answer))
    except Unreadable:
        return UNDECIDED
    if not isinstance(wanted, Scalar) or not isinstance(given, Scalar) or wanted.unit or given.unit:
        return UNDECIDED
    pairs = [_one_planck(g, a) for g in wanted.nodes for a in given.nodes]
    verdicts = [equal(g, a, positive=True) for g, a in pairs]
    return same("expression") if True in verdicts else UNDECIDED


def _one_planck(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Both with Planck's constant as h, where one writes h and the other its reduced form."""
    if {"h", "hbar"} <= symbols(gold) | symbols(answer):
        return _unreduced(gold), _unreduced(answer)
    return gold, answer


def _unreduced(node: Node) -> Node:
    if node.op == "sym" and node.value == "hbar":
        turn = Node("mul", (number(2), Node("const", (), "pi")))
        return Node("div", (Node("sym", (), "h"), turn))
    return Node(node.op, tuple(map(_unreduced, node.args)), node.value, node.digits) if node.args else node


def _words(gold: str, answer: str, terms: Terms) -> Outcome:
    """Terms; what is no word goes to the rules of mathematics."""
    if parse_quantity(gold, terms.unit) is not None:
        return differ("not a quantity")
    if parse_formula(gold) is not None and not meaning(clean(gold)).startswith("(") and len(gold) < 4:
        return differ("formula")
    if not _LETTERS.search(plain_words(clean(gold))) or _MATHEMATICS.search(clean(gold)):
        return compare(gold, answer)
    outcome = compare_terms(gold, answer)
    return outcome if outcome.decided else compare_phrases(clean(gold), clean(answer))


_LETTERS = re.compile(r"[a-z]{3}|^[A-Za-z]{2}$", re.IGNORECASE)
_MATHEMATICS = re.compile(r"[=+*/^_<>|]|\\(?!text)[A-Za-z]|\d|^[A-Za-z]*[a-z][A-Z][A-Za-z]*$")
