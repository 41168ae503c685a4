"""What an expression's signs mean: exact arithmetic, polynomials, or values with their derivatives.

Each algebra bounds the size of what it makes; beyond it the expression is refused with `BadExpressionError`.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from prorl_envs.puzzles.expressions import BadExpressionError

__all__ = ["FUNCTIONS", "Arithmetic", "Derivatives", "Dual", "Monomial", "Polynomial", "Polynomials"]

_BITS = 4096


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > _BITS:
        raise BadExpressionError("a number is too large")
    return value


class Arithmetic:
    """Exact numbers with ``+ - * /``; neither names nor powers nor functions."""

    def number(self, value: Fraction) -> Fraction:
        """The number itself."""
        return value

    def name(self, name: str) -> Fraction:
        """Refused."""
        raise BadExpressionError(f"{name!r} is no number")

    def binary(self, operator: str, left: Fraction, right: Fraction) -> Fraction:
        """Exact; division by zero raises ZeroDivisionError."""
        match operator:
            case "+":
                return _bounded(left + right)
            case "-":
                return _bounded(left - right)
            case "*":
                return _bounded(left * right)
            case "/":
                return _bounded(left / right)
        raise BadExpressionError(f"{operator} is not allowed")

    def call(self, function: str, argument: Fraction) -> Fraction:
        """Refused."""
        raise BadExpressionError(f"{function}({argument}) is not allowed")


Monomial: TypeAlias = tuple[tuple[str, int], ...]
"""Variables with their exponents, sorted by name."""

Polynomial: TypeAlias = Mapping[Monomial, Fraction]
"""Coefficients by monomial; none is 0."""


class Polynomials:
    """Sums of monomials with rational coefficients.

    A product of two sums, or a sum's power, is refused unless one factor is a number: an answer that leaves the
    multiplication to the reader is none.
    """

    _TERMS = 400
    _DEGREE = 200

    def number(self, value: Fraction) -> Polynomial:
        """A constant."""
        return {(): value} if value else {}

    def name(self, name: str) -> Polynomial:
        """A variable."""
        return {((name, 1),): Fraction(1)}

    def binary(self, operator: str, left: Polynomial, right: Polynomial) -> Polynomial:
        """The polynomial, if it needs no expansion."""
        match operator:
            case "+":
                return self._sum(left, right, 1)
            case "-":
                return self._sum(left, right, -1)
            case "*":
                return self._product(left, right)
            case "/":
                return self._product(left, self.number(1 / _constant(right)))
        return self._power(left, _constant(right))

    def call(self, function: str, argument: Polynomial) -> Polynomial:
        """Refused."""
        raise BadExpressionError(f"{function}({argument}) is not allowed")

    def _sum(self, left: Polynomial, right: Polynomial, sign: int) -> Polynomial:
        made = dict(left)
        for monomial, factor in right.items():
            made[monomial] = _bounded(made.get(monomial, Fraction(0)) + sign * factor)
        if len(made) > self._TERMS:
            raise BadExpressionError("too many terms")
        return {monomial: factor for monomial, factor in made.items() if factor}

    def _product(self, left: Polynomial, right: Polynomial) -> Polynomial:
        if not left or not right:
            return {}
        short, long = sorted((left, right), key=len)
        ((single, factor),) = short.items() if len(short) == 1 else [(None, Fraction(0))]
        if single is None or (len(long) > 1 and single):
            raise BadExpressionError("a product is left to be expanded")
        return {self._times(single, monomial): _bounded(factor * other) for monomial, other in long.items()}

    def _times(self, left: Monomial, right: Monomial) -> Monomial:
        exponents = dict(left)
        for name, exponent in right:
            exponents[name] = exponents.get(name, 0) + exponent
        if sum(exponents.values()) > self._DEGREE:
            raise BadExpressionError("the degree is too high")
        return tuple(sorted(exponents.items()))

    def _power(self, base: Polynomial, exponent: Fraction) -> Polynomial:
        if exponent.denominator != 1 or not 0 <= exponent <= self._DEGREE:
            raise BadExpressionError("an exponent must be a small whole number")
        made = self.number(Fraction(1))
        for _ in range(int(exponent)):
            made = self._product(made, base)
        return made


def _constant(polynomial: Polynomial) -> Fraction:
    if any(polynomial) or len(polynomial) > 1:
        raise BadExpressionError("a number is needed here")
    return polynomial.get((), Fraction(0))


class Dual(NamedTuple):
    """A value and its derivative."""

    value: complex
    slope: complex


class Derivatives:
    """Functions of one variable at one point, with their derivatives (forward differentiation).

    Args:
        variable: the variable's name.
        point: where.
        others: the value given to every other name, such as the constant of integration.
    """

    def __init__(self, variable: str, point: float, others: float) -> None:
        self._names = {variable: Dual(complex(point), 1), **_CONSTANTS}
        self._others = Dual(complex(others), 0)

    def number(self, value: Fraction) -> Dual:
        """A constant."""
        return Dual(complex(float(value)), 0)

    def name(self, name: str) -> Dual:
        """The variable, e or pi; any other name is a constant."""
        return self._names.get(name, self._others)

    def binary(self, operator: str, left: Dual, right: Dual) -> Dual:
        """Sum, difference, product, quotient or power rule."""
        (u, du), (v, dv) = left, right
        match operator:
            case "+":
                return Dual(u + v, du + dv)
            case "-":
                return Dual(u - v, du - dv)
            case "*":
                return Dual(u * v, du * v + u * dv)
            case "/":
                return Dual(u / v, (du * v - u * dv) / (v * v))
        if dv == 0:
            return Dual(u**v, v * u ** (v - 1) * du if v else 0)
        power = u**v
        return Dual(power, power * (dv * cmath.log(u) + v * du / u))

    def call(self, function: str, argument: Dual) -> Dual:
        """The chain rule for the functions that antiderivatives need."""
        rule = FUNCTIONS.get(function)
        if rule is None:
            raise BadExpressionError(f"{function!r} is not known")
        value, slope = rule(argument.value)
        return Dual(value, slope * argument.slope)


_CONSTANTS = {"E": Dual(complex(math.e), 0), "pi": Dual(complex(math.pi), 0)}


def _absolute(z: complex) -> tuple[complex, complex]:
    if z.imag:
        raise BadExpressionError("the absolute value has no derivative there")
    return complex(abs(z.real)), complex(math.copysign(1.0, z.real))


FUNCTIONS: Mapping[str, Callable[[complex], tuple[complex, complex]]] = {
    "exp": lambda z: (cmath.exp(z), cmath.exp(z)),
    "log": lambda z: (cmath.log(z), 1 / z),
    "ln": lambda z: (cmath.log(z), 1 / z),
    "sqrt": lambda z: (cmath.sqrt(z), 0.5 / cmath.sqrt(z)),
    "sin": lambda z: (cmath.sin(z), cmath.cos(z)),
    "cos": lambda z: (cmath.cos(z), -cmath.sin(z)),
    "tan": lambda z: (cmath.tan(z), 1 / cmath.cos(z) ** 2),
    "sec": lambda z: (1 / cmath.cos(z), cmath.tan(z) / cmath.cos(z)),
    "csc": lambda z: (1 / cmath.sin(z), -cmath.cos(z) / cmath.sin(z) ** 2),
    "cot": lambda z: (cmath.cos(z) / cmath.sin(z), -1 / cmath.sin(z) ** 2),
    "asin": lambda z: (cmath.asin(z), 1 / cmath.sqrt(1 - z * z)),
    "acos": lambda z: (cmath.acos(z), -1 / cmath.sqrt(1 - z * z)),
    "atan": lambda z: (cmath.atan(z), 1 / (1 + z * z)),
    "sinh": lambda z: (cmath.sinh(z), cmath.cosh(z)),
    "cosh": lambda z: (cmath.cosh(z), cmath.sinh(z)),
    "tanh": lambda z: (cmath.tanh(z), 1 / cmath.cosh(z) ** 2),
    "abs": _absolute,
    "Abs": _absolute,
}
"""Value and slope of each function that may stand in an antiderivative."""
