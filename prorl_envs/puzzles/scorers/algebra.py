"""Puzzles whose answer is an expression: countdown, 24, polynomials, equations, antiderivatives.

Upstream hands these answers to ``sympy.parse_expr``, which evaluates them as Python. Here they are parsed.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction

from prorl_envs.puzzles.algebras import Arithmetic, Derivatives, Polynomials
from prorl_envs.puzzles.expressions import BadExpressionError, Node, evaluate, parse
from prorl_envs.puzzles.reading import bare, decimal_number
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_INTEGERS = re.compile(r"[0-9.]+", re.ASCII)
_POINTS = (0.7310585, 1.3591409, 2.1931471, -0.8414709, -1.6180339, 0.2915026, 3.3166247, -2.4494897)
_ENOUGH = 3
_TOLERANCE = 1e-7


def countdown(answer: str, entry: Entry) -> float:
    """An expression of all the given numbers, each once, that is worth exactly the target."""
    return _reaches(answer, entry.metadata["numbers"], Fraction(entry.metadata["target"]))


def twenty_four(answer: str, entry: Entry) -> float:
    """An expression of the four given numbers, each once, that is worth exactly 24."""
    return _reaches(answer, entry.metadata["numbers"], Fraction(24))


def _reaches(text: str, numbers: list[int], target: Fraction) -> float:
    answer = bare(text)
    if sorted(_INTEGERS.findall(answer)) != sorted(str(number) for number in numbers):
        return 0.0
    try:
        return float(evaluate(parse(answer), Arithmetic()) == target)
    except (BadExpressionError, ArithmeticError):
        return 0.0


def expanded_polynomial(answer: str, entry: Entry) -> float:
    """The right polynomial as a sum of terms, in any order."""
    algebra = Polynomials()
    try:
        return float(evaluate(parse(answer), algebra) == evaluate(parse(entry.answer), algebra))
    except (BadExpressionError, ArithmeticError):
        return 0.0


def real_roots(answer: str, entry: Entry) -> float:
    """All roots and nothing else, each within 0.0001; no answer when there is none."""
    right = sorted(Decimal(part.strip()) for part in entry.answer.split(",") if part.strip())
    read = [decimal_number(part.strip()) for part in answer.split(",")] if answer else []
    found = sorted(root for root in read if root is not None)
    if len(found) != len(read) or len(found) != len(right):
        return 0.0
    return float(all(abs(a - b) <= Decimal("0.0001") for a, b in zip(found, right, strict=True)))


def antiderivative(answer: str, entry: Entry) -> float:
    """Any expression whose derivative is the integrand, whatever its constant of integration.

    Both are compared as numbers at several points, which no simplifier's failure can spoil. The stored answer is
    right even where upstream stored an integral sign (`prorl_envs.puzzles.repairs` replaces those when generating).
    """
    if answer == entry.answer.strip():
        return 1.0
    variable = str(entry.metadata["variable"])
    try:
        primitive, integrand = parse(answer), parse(str(entry.metadata["integrand"]))
        verdicts = [_agrees(primitive, integrand, variable, point) for point in _POINTS]
    except BadExpressionError:
        return 0.0
    seen = [verdict for verdict in verdicts if verdict is not None]
    return float(len(seen) >= _ENOUGH and all(seen))


def _agrees(primitive: Node, integrand: Node, variable: str, point: float) -> bool | None:
    """Whether the slope is the integrand at a point; None where one of them has no value."""
    try:
        first, second = (
            evaluate(primitive, Derivatives(variable, point, other)).slope for other in (0.618, -1.732)
        )
        wanted = evaluate(integrand, Derivatives(variable, point, 0.0)).value
    except ArithmeticError:
        return None
    if not all(math.isfinite(abs(z)) and abs(z) < 1e60 for z in (first, second, wanted)):
        return None
    scale = _TOLERANCE * max(1.0, abs(wanted))
    return abs(first - wanted) <= scale and abs(second - wanted) <= scale


_EVALUATES = "evaluates the answer as Python through sympy"
_INTEGRAL = f"{_EVALUATES}; accepts integrate(f, x) and Integral(f, x) as answers"

RULES: dict[str, Rule] = {
    "countdown": Rule(
        countdown,
        "an expression of all the numbers, each once, worth exactly the target",
        f"{_EVALUATES}; within 0.001 %; 0.05 for any expression, 0.01 for any text or None",
        "code execution; free floors",
    ),
    "puzzle24": Rule(
        twenty_four,
        "an expression of the four given numbers, each once, worth exactly 24",
        f"{_EVALUATES}; any four numbers in range will do, and the value is cut to an integer",
        'code execution; "6+6+6+6" earns 1.0 on every item',
    ),
    "polynomial_multiplication": Rule(
        expanded_polynomial, "the right polynomial, multiplied out", _EVALUATES, "code execution"
    ),
    "polynomial_equations": Rule(
        real_roots,
        "all the roots and nothing else, each within 0.0001",
        "exp(-10 x distance), less penalties; parts that are no number are skipped",
        "closeness; text counts as 'no roots'",
    ),
    "simple_integration": Rule(
        antiderivative, "any antiderivative", _INTEGRAL, "code execution; the task handed back"
    ),
    "intermediate_integration": Rule(
        antiderivative, "any antiderivative", _INTEGRAL, "code execution; the task handed back"
    ),
}
