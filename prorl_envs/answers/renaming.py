"""Letters that are nobody's answer: a function's argument, arbitrary constants, constants of integration."""

from __future__ import annotations

import itertools
import re

from prorl_envs.answers.equality import equal, nodes_equal
from prorl_envs.answers.families import rename, scaled
from prorl_envs.answers.outcome import UNDECIDED, Outcome, same
from prorl_envs.answers.shapes import Scalar
from prorl_envs.answers.syntax import Node, number, symbols

__all__ = ["another_argument", "arbitrary_constants", "bound_variable", "integration_constant"]

_CONSTANT = re.compile(r"[abcCkKmAB]|[cCkK]_\d")
_INDEXED = re.compile(r"[cCkK]_\d")
_MOST_CONSTANTS = 3


def another_argument(gold: Scalar, answer: Scalar) -> bool:
    """``f(x) = x`` against ``f(t) = x``: the answer names its argument otherwise, so its letters mean otherwise."""
    mine, theirs = _argument(gold.name), _argument(answer.name)
    return mine is not None and theirs is not None and mine != theirs and mine in symbols(answer.nodes[0])


def bound_variable(gold: Scalar, answer: Scalar) -> Outcome:
    """``f(x) = 2x`` against ``f(z) = 2z``, or against ``2z``: the argument's name does not matter."""
    bound = _argument(gold.name) or _argument(answer.name)
    if bound is None:
        return UNDECIDED
    other = _argument(answer.name)
    if other is None or _argument(gold.name) is None:
        free = (symbols(answer.nodes[0]) ^ symbols(gold.nodes[0])) - {bound}
        other = next(iter(free)) if len(free) == 1 and bound not in symbols(answer.nodes[0]) else None
    if other is None or other == bound:
        return UNDECIDED
    renamed = tuple(rename(node, {other: bound, bound: other}) for node in answer.nodes)
    return same("bound variable") if nodes_equal(gold.nodes, renamed) else UNDECIDED


def arbitrary_constants(gold: Scalar, answer: Scalar) -> Outcome:
    """``f(x) = cx`` against ``f(x) = kx``, ``C_1 e^x + C_2`` against ``A + B e^x``: constants may have any letter."""
    bound = _argument(gold.name) or _argument(answer.name)
    rest = frozenset({bound}) if bound else _shared(gold, answer)
    mine, theirs = (sorted(symbols(shape.nodes[0]) - rest) for shape in (gold, answer))
    if not 0 < len(mine) == len(theirs) <= _MOST_CONSTANTS or not all(
        map(_CONSTANT.fullmatch, mine + theirs)
    ):
        return UNDECIDED
    several = len(mine) > 1 or not bound
    if several and not (any(map(_INDEXED.fullmatch, mine + theirs)) and _is_affine(gold.nodes[0], mine)):
        return UNDECIDED
    for order in itertools.permutations(mine):
        renamed = tuple(rename(node, dict(zip(theirs, order, strict=True))) for node in answer.nodes)
        if nodes_equal(gold.nodes, renamed):
            return same("arbitrary constant")
    return UNDECIDED


def _shared(gold: Scalar, answer: Scalar) -> frozenset[str]:
    """The variables of an equation's solution, which gold and answer must both have."""
    mine, theirs = (symbols(shape.nodes[0]) for shape in (gold, answer))
    return frozenset(name for name in mine & theirs if not _CONSTANT.fullmatch(name))


def _is_affine(node: Node, names: list[str]) -> bool:
    """Whether a solution is linear in its constants: ``C_1/(C_1 + C_2)`` is about two capacitors."""
    at = [scaled(node, frozenset(names), factor) for factor in (0, 1, 2)]
    return bool(equal(Node("add", (at[0], at[2])), Node("mul", (number(2), at[1]))))


def integration_constant(gold: Scalar, answer: Scalar) -> Outcome:
    """``+ C`` against ``+ c``: the constant of integration may have any letter."""
    mine, theirs = _constant_letter(gold.nodes[0]), _constant_letter(answer.nodes[0])
    if not mine or not theirs or mine == theirs or mine in symbols(answer.nodes[0]):
        return UNDECIDED
    renamed = tuple(rename(node, {theirs: mine}) for node in answer.nodes)
    return same("constant of integration") if nodes_equal(gold.nodes, renamed) else UNDECIDED


def _constant_letter(node: Node) -> str:
    if node.op != "add":
        return ""
    return next((str(n.value) for n in node.args if n.op == "sym" and n.value in ("C", "c", "K", "k")), "")


def _argument(name: Node | None) -> str | None:
    if name is None:
        return None
    if name.op == "apply" and len(name.args) == 1 and name.args[0].op == "sym":
        return str(name.args[0].value)
    return None
