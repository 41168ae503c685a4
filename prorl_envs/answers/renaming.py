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

_CONSTANT = re.compile(r"[abcdCDkKmAB]|[cCkK]_\d")
_INDEXED = re.compile(r"[cCkK]_\d")
_MOST_CONSTANTS = 3


def another_argument(gold: Scalar, answer: Scalar) -> bool:
    """``f(x) = x`` against ``f(t) = x``: the answer names its argument otherwise, so its letters mean otherwise."""
    mine, theirs = _arguments(gold.name), _arguments(answer.name)
    if not mine or len(mine) != len(theirs) or mine == theirs:
        return False
    return bool(set(mine) & symbols(answer.nodes[0]) or set(theirs) & symbols(gold.nodes[0]))


def bound_variable(gold: Scalar, answer: Scalar) -> Outcome:
    """``f(x) = 2x`` against ``f(z) = 2z``, or against ``2z``: the argument's name does not matter."""
    mine, theirs = _arguments(gold.name), _arguments(answer.name)
    if len(mine or theirs) == 1 and not (mine and theirs):
        free = (symbols(answer.nodes[0]) ^ symbols(gold.nodes[0])) - {*mine, *theirs}
        mine = mine or theirs
        theirs = tuple(free) if len(free) == 1 and mine[0] not in symbols(answer.nodes[0]) else ()
    if not mine or len(mine) != len(theirs) or mine == theirs:
        return UNDECIDED
    names = dict(zip(mine, theirs, strict=True)) | dict(zip(theirs, mine, strict=True))
    renamed = tuple(rename(node, names) for node in answer.nodes)
    return same("bound variable") if nodes_equal(gold.nodes, renamed) else UNDECIDED


def arbitrary_constants(gold: Scalar, answer: Scalar) -> Outcome:
    """``f(x) = cx`` against ``f(x) = kx``, ``C_1 e^x + C_2`` against ``A + B e^x``: constants may have any letter."""
    bound = _arguments(gold.name) or _arguments(answer.name)
    rest = frozenset(bound) if bound else _shared(gold, answer)
    mine, theirs = (sorted(symbols(shape.nodes[0]) - rest) for shape in (gold, answer))
    if not 0 < len(mine) == len(theirs) <= _MOST_CONSTANTS or not all(
        map(_CONSTANT.fullmatch, mine + theirs)
    ):
        return UNDECIDED
    if not _are_arbitrary(gold, mine, theirs, bound=bool(bound)):
        return UNDECIDED
    for order in itertools.permutations(mine):
        renamed = tuple(rename(node, dict(zip(theirs, order, strict=True))) for node in answer.nodes)
        if nodes_equal(gold.nodes, renamed):
            return same("arbitrary constant")
    return UNDECIDED


def _are_arbitrary(gold: Scalar, mine: list[str], theirs: list[str], *, bound: bool) -> bool:
    """Whether letters are constants that nobody gave: ``C_1``, others in a function, C in ``y = C e^x``."""
    if bound and len(mine) == 1:
        return True
    solved = gold.name is not None and gold.name.value in ("y", "x", "u", "z")
    told = any(map(_INDEXED.fullmatch, mine + theirs)) or (solved and mine == ["C"])
    return (told or (bound and not set(mine) & set(theirs))) and _is_affine(gold.nodes[0], mine)


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


def _arguments(name: Node | None) -> tuple[str, ...]:
    """The letters of ``f(x, y)``, () where the name is no such thing."""
    if name is None or name.op != "apply" or any(argument.op != "sym" for argument in name.args):
        return ()
    return tuple(str(argument.value) for argument in name.args)
