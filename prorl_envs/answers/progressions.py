r"""Whole solution families: ``2k+1, k \in \mathbb{Z}``, ``6m \pm 1``, ``n \equiv 1 \pmod 3``, ``(t, 2t, 3t)``.

A parameter's letter is nobody's answer, so families are compared as what they run over: residue classes where each
value is linear in one integer parameter, else by giving both parameters one name. Numbers and multiples of pi are
kept apart. Families over the naturals have a first element and are compared by name only.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TypeAlias

from prorl_envs.answers.equality import equal
from prorl_envs.answers.exact import exact
from prorl_envs.answers.families import linear_parts, put, rename
from prorl_envs.answers.matching import compare_shapes
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.residues import residues
from prorl_envs.answers.shapes import Items, Scalar, Shape
from prorl_envs.answers.syntax import Node, Unreadable, number, symbols, walk, words

__all__ = ["compare_families"]

_LETTERS = words("k m n l j t s r u p q N lambda mu")
_DECLARED = re.compile(
    r"(?<![A-Za-z\\])(?P<letter>[A-Za-z]|\\lambda|\\mu)\s*+(?:,\s*+[a-z]\s*+)?\\in\s*+"
    r"(?:\\mathbb\s*+\{?\s*+|\\text\s*+\{\s*+)?(?P<set>[ZNRQC])(?![A-Za-z])"
)
_WHOLE = re.compile(
    r"(?P<sort>positive |non-?negative |natural )?(?:\binteger|\bnatural number|\bwhole number)"
)
_MAX_MODULUS = 2_000

Classes: TypeAlias = "tuple[bool, frozenset[tuple[Fraction, Fraction]]]"
"""Multiples of pi or not, and the classes (start, step)."""


def compare_families(gold: str, answer: str) -> Outcome:
    """Two cleaned texts of which the gold runs over a parameter; undecided where it does not."""
    mine, theirs = _domain(gold), _domain(answer)
    if mine and theirs and mine != theirs:
        return (
            differ("integer parameter")
            if {mine, theirs} == {"Z", "N"} and _same_step(gold, answer)
            else UNDECIDED
        )
    first, second = residues(gold), residues(answer)
    one, other = _shape(gold) if first is None else None, _shape(answer) if second is None else None
    told = bool(first or second) or theirs == "Z" or "\\pm" in gold + answer
    if "N" not in (mine, theirs) and _is_solution_set(gold, one, told=told):
        left = _of_residues(first) if first else _classes(one)
        right = _of_residues(second) if second else _classes(other)
        if left and right and not (first and second) and not _trivial(left):
            return Outcome(_expanded(left) == _expanded(right), "integer parameter")
    if one is not None and other is not None:
        return _renamed(one, other, declared=bool(mine))
    return UNDECIDED


def _is_solution_set(gold: str, shape: Shape | None, *, told: bool) -> bool:
    """Whether a gold runs over its parameter, rather than being a function of it such as ``f(n) = 2n + 1``."""
    if _DECLARED.search(gold):
        return True
    values = (_values(shape) or []) if shape else []
    if values and all(_angular(value.nodes[0]) for value in values):
        return len(values) > 1 or told
    named = shape is None or any(_labels(shape))
    return named and (told or bool(_domain(gold)) or len(values) > 1)


def _domain(text: str) -> str:
    """The set a parameter was said to run over, "" where nothing is said."""
    if declared := _DECLARED.search(text):
        return str(declared["set"])
    if whole := _WHOLE.search(text):
        return "N" if whole["sort"] or "natural" in whole.group() or "whole" in whole.group() else "Z"
    return ""


def _shape(text: str) -> Shape | None:
    try:
        return read_shape(text)
    except Unreadable:
        return None


def _same_step(gold: str, answer: str) -> bool:
    """Whether both are families of progressions: then the naturals are too few, or the integers too many."""
    return _classes(_shape(gold)) is not None and _classes(_shape(answer)) is not None


# --- residue classes ---
def _values(shape: Shape | None) -> list[Scalar] | None:
    items = shape.items if isinstance(shape, Items) and shape.kind in ("list", "set") else (shape,)
    scalars = [item for item in items if isinstance(item, Scalar) and not item.unit]
    return scalars if len(scalars) == len(items) else None


def _classes(shape: Shape | None) -> Classes | None:
    """What the values run over, when each is linear in one parameter with rational (or rational times pi) parts."""
    values = _values(shape)
    labels = set(_labels(shape)) - {""} if shape else set()
    if not values or len(labels) > 1:
        return None
    found = set()
    angular = {_angular(value.nodes[0]) for value in values}
    for node in (half for value in values for half in _halves(value.nodes[0])):
        names = symbols(node)
        if len(names) != 1 or not names <= _LETTERS or any(not _is_unknown(label, names) for label in labels):
            return None
        parts = linear_parts(node, next(iter(names)))
        rational = [_rational(part, angular=True in angular) if part else None for part in parts]
        if rational[0] is None or not rational[1]:
            return None
        step = abs(rational[1])
        found.add((rational[0] % step, step))
    return (True in angular, frozenset(found))


def _labels(shape: Shape) -> list[str]:
    whole = shape.label if isinstance(shape, Items) else ""
    return [whole, *(value.label for value in _values(shape) or ())]


def _halves(node: Node) -> tuple[Node, ...]:
    """``(-1)^k`` has one sign for even k and one for odd k: the two families it stands for."""
    names = symbols(node)
    if len(names) != 1 or not any(n.op == "pow" and symbols(n.args[1]) for n in walk(node)):
        return (node,)
    (name,) = names
    twice = Node("mul", (number(2), Node("sym", (), name)))
    return put(node, {name: twice}), put(node, {name: Node("add", (twice, number(1)))})


def _is_unknown(label: str, names: frozenset[str]) -> bool:
    """A letter that is solved for; ``f(n)`` and ``a_n`` are functions of the parameter."""
    return label not in names and "(" not in label and not any(label.endswith(f"_{name}") for name in names)


def _trivial(classes: Classes) -> bool:
    """Whether they hold every integer: ``n + 1`` is then a value that depends on n."""
    angular, found = classes
    return not angular and any(step == 1 for _, step in found)


def _angular(node: Node) -> bool:
    return any((n.op == "const" and n.value == "pi") or n.op == "degree" for n in walk(node))


def _rational(node: Node, *, angular: bool) -> Fraction | None:
    """The exact value, in units of pi for angles; None when it is not rational."""
    try:
        value = exact(_in_half_turns(node) if angular else node, {})
    except Unreadable:
        return None
    if value is None or not angular:
        return value
    return value if equal(Node("mul", (number(value), Node("const", (), "pi"))), node) else None


def _in_half_turns(node: Node) -> Node:
    if node.op == "const" and node.value == "pi":
        return number(1)
    inner = tuple(_in_half_turns(argument) for argument in node.args)
    if node.op == "degree":
        return Node("div", (inner[0], number(180)))
    return Node(node.op, inner, node.value, node.digits) if inner else node


def _of_residues(found: tuple[int, frozenset[int]]) -> Classes:
    modulus, starts = found
    return (False, frozenset((Fraction(start), Fraction(modulus)) for start in starts))


def _expanded(classes: Classes) -> tuple[bool, Fraction, frozenset[Fraction]] | Classes:
    """All classes to one modulus, the least that tells them; as they are when that would be too many."""
    angular, found = classes
    scale = math.lcm(*(part.denominator for pair in found for part in pair))
    modulus = math.lcm(*(int(step * scale) for _, step in found))
    if sum(modulus // int(step * scale) for _, step in found) > _MAX_MODULUS:
        return classes
    starts = {
        (int(start * scale) + n * int(step * scale)) % modulus
        for start, step in found
        for n in range(modulus // int(step * scale))
    }
    for period in sorted(n for n in range(1, len(starts) + 1) if len(starts) % n == 0):
        step = modulus * period // len(starts)
        if modulus * period % len(starts) == 0 and {(s + step) % modulus for s in starts} == starts:
            modulus = step
            break
    return angular, Fraction(modulus, scale), frozenset(Fraction(s % modulus, scale) for s in starts)


# --- one name for both parameters ---
def _renamed(gold: Shape, answer: Shape, *, declared: bool) -> Outcome:
    """``(t, 2t)`` and ``(s, 2s)``; a single value only where the gold says that its letter is a parameter."""
    if isinstance(gold, Scalar) and not declared:
        return UNDECIDED
    mine, theirs = _free(gold), _free(answer)
    old, new = theirs - mine, mine - theirs
    if len(old) != 1 or len(new) != 1 or not old | new <= _LETTERS:
        return UNDECIDED
    if isinstance(gold, Items) and gold.kind == "list" and not declared and not _tuples(gold):
        return UNDECIDED
    shape = _with_names(answer, {next(iter(old)): next(iter(new))})
    return same("integer parameter") if compare_shapes(gold, shape).equal else UNDECIDED


def _tuples(items: Items) -> bool:
    return all(isinstance(item, Items) and item.kind == "tuple" for item in items.items)


def _free(shape: Shape) -> frozenset[str]:
    if isinstance(shape, Scalar):
        return symbols(shape.nodes[0])
    if isinstance(shape, Items):
        return frozenset[str]().union(*(_free(item) for item in shape.items))
    return frozenset()


def _with_names(shape: Shape, names: dict[str, str]) -> Shape:
    if isinstance(shape, Scalar):
        nodes = tuple(rename(node, names) for node in shape.nodes)
        return Scalar(nodes, shape.label, shape.name, shape.unit, shape.approx, shape.names)
    if isinstance(shape, Items):
        items = tuple(_with_names(item, names) for item in shape.items)
        return Items(shape.kind, items, shape.brackets, shape.label)
    return shape
