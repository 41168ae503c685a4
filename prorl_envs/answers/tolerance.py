"""Numbers within a tolerance that a task states itself (OlympiadBench's ``error``)."""

from __future__ import annotations

from fractions import Fraction

from prorl_envs.answers.equality import constant_value
from prorl_envs.answers.latex import clean
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.response import unboxed
from prorl_envs.answers.shapes import Scalar
from prorl_envs.answers.syntax import Node, Unreadable, number

__all__ = ["within"]


def within(gold: str, answer: str, tolerance: float) -> bool:
    """Whether two real constants differ by at most `tolerance`; a percent sign on either may be left out."""
    first, second = _constants(gold), _constants(answer)
    return any(_near(g, a, Fraction(tolerance)) for g in first for a in second)


def _constants(text: str) -> list[Node]:
    try:
        shape = read_shape(clean(unboxed(text)))
    except Unreadable:
        return []
    if not isinstance(shape, Scalar):
        return []
    node = shape.nodes[0]
    return [node.args[0]] if node.op == "percent" else [node]


def _near(gold: Node, answer: Node, tolerance: Fraction) -> bool:
    difference = Node("add", (gold, Node("neg", (answer,))))
    try:
        value = constant_value(Node("add", (Node("abs", (difference,)), Node("neg", (number(tolerance),)))))
    except Unreadable:
        return False
    return bool(value <= 0) if isinstance(value, Fraction) else bool(value.imag == 0 and value.real <= 0)
