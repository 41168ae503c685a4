"""Proportions: ``2:3``, ``4:6`` and, of two parts, ``2/3`` are one; ``10:30`` is a time."""

from __future__ import annotations

import math
from fractions import Fraction

from prorl_envs.answers.equality import equal
from prorl_envs.answers.exact import exact
from prorl_envs.answers.outcome import Outcome, differ, same
from prorl_envs.answers.shapes import Ratio, Scalar, Shape
from prorl_envs.answers.syntax import Node, symbols

__all__ = ["compare_ratios"]


def compare_ratios(gold: Shape, answer: Shape) -> Outcome:
    """``2:3`` against ``4:6`` or, of two parts, against ``2/3``."""
    first, second = _ratio_parts(gold), _ratio_parts(answer)
    if first is None or second is None or len(first) != len(second):
        return differ("ratio")
    if isinstance(answer, Ratio) and _unreduced(first):
        return Outcome(all(equal(a, b) for a, b in zip(first, second, strict=True)), "ratio")
    for a, b in zip(first[1:], second[1:], strict=True):
        cross = (Node("mul", (first[0], b)), Node("mul", (second[0], a)))
        if not equal(*cross):
            return differ("ratio")
    return same("ratio")


def _unreduced(parts: tuple[Node, ...]) -> bool:
    """``10:30`` or ``5:00``: a time or a score rather than a proportion."""
    values = [exact(part, {}) if not symbols(part) else None for part in parts]
    whole = [int(v) for v in values if v is not None and v.denominator == 1]
    return len(whole) == len(parts) and (0 in whole or math.gcd(*whole) > 1)


def _ratio_parts(shape: Shape) -> tuple[Node, ...] | None:
    if isinstance(shape, Ratio):
        return shape.parts
    if isinstance(shape, Scalar):
        return (shape.nodes[0], Node("num", (), Fraction(1)))
    return None
