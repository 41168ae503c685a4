"""Exact values: fractions all the way, or nothing. Every size is guarded before any work is done on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from prorl_envs.answers.syntax import Node, Unreadable, walk

__all__ = ["TooLarge", "Undefined", "exact", "limit_terms"]

_EXACT_BITS = 80_000
_MAX_FACTORIAL = 3_000
_MAX_TERMS = 500
_MAX_NESTED_TERMS = 12


class TooLarge(Unreadable):
    """The value exists, but is beyond what is worth computing."""


class Undefined(Unreadable):
    """No value at this point: a division by zero, a pole, infinity."""


def exact(node: Node, values: Mapping[str, Fraction]) -> Fraction | None:
    """The exact value, or None when it is irrational or may be.

    Raises:
        Undefined: division by zero.
        TooLarge: beyond the limits of exact arithmetic.
    """
    if node.op == "num":
        return node.value if isinstance(node.value, Fraction) else None
    if node.op == "sym":
        return values.get(str(node.value))
    if node.op in ("sum", "prod"):
        return _exact_series(node, values)
    rule = _EXACT.get(node.op)
    if rule is None:
        return None
    arguments = []
    for argument in node.args:
        value = exact(argument, values)
        if value is None:
            return None
        arguments.append(value)
    result = rule(*arguments)
    if result is not None and _bits(result) > _EXACT_BITS:
        raise TooLarge("a number too long")
    return result


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _divide(a: Fraction, b: Fraction) -> Fraction:
    if b == 0:
        raise Undefined("division by zero")
    return a / b


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator != 1:
        root = _exact_root(base, exponent.denominator)
        return None if root is None else _power(root, Fraction(exponent.numerator))
    if base == 0 and exponent < 0:
        raise Undefined("division by zero")
    if base in (0, 1, -1) or exponent == 0:
        return base ** (exponent.numerator % 2 + 2) if base == -1 else (base if exponent else Fraction(1))
    if abs(exponent) * _bits(base) > _EXACT_BITS:
        return None
    return base**exponent.numerator


def _exact_root(base: Fraction, degree: int) -> Fraction | None:
    if degree > 64 or (base < 0 and degree % 2 == 0):
        return None
    sign = -1 if base < 0 else 1
    parts = [_integer_root(abs(part), degree) for part in (base.numerator, base.denominator)]
    return None if None in parts else Fraction(sign * int(parts[0] or 0), int(parts[1] or 1))


def _integer_root(value: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(value)
    else:
        low, high = 0, 1 << (value.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
        root = low
    return root if root**degree == value else None


def _factorial(value: Fraction) -> Fraction | None:
    if value.denominator != 1:
        return None
    if value < 0:
        raise Undefined("factorial of a negative number")
    return Fraction(math.factorial(value.numerator)) if value <= _MAX_FACTORIAL else None


def _binomial(upper: Fraction, lower: Fraction) -> Fraction | None:
    if upper.denominator != 1 or lower.denominator != 1 or upper < 0:
        return None
    if lower < 0 or lower > upper:
        return Fraction(0)
    return Fraction(math.comb(upper.numerator, lower.numerator)) if upper <= _MAX_FACTORIAL else None


def _modulo(a: Fraction, b: Fraction) -> Fraction:
    if b == 0:
        raise Undefined("modulo zero")
    return a % b


_EXACT: dict[str, Callable[..., Fraction | None]] = {
    "add": lambda *terms: sum(terms, Fraction(0)),
    "mul": lambda *factors: math.prod(factors, start=Fraction(1)),
    "neg": lambda a: -a,
    "div": _divide,
    "pow": _power,
    "fact": _factorial,
    "abs": abs,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "binom": _binomial,
    "percent": lambda a: a / 100,
    "based": lambda a: a,
    "mod": _modulo,
}


def _exact_series(node: Node, values: Mapping[str, Fraction]) -> Fraction | None:
    body, low, high = node.args
    first, last = exact(low, values), exact(high, values)
    if first is None or last is None or first.denominator != 1 or last.denominator != 1:
        return None
    limit_terms(body, last - first)
    result = Fraction(0 if node.op == "sum" else 1)
    for index in range(first.numerator, last.numerator + 1):
        term = exact(body, {**values, str(node.value): Fraction(index)})
        if term is None:
            return None
        result = result + term if node.op == "sum" else result * term
        if _bits(result) > _EXACT_BITS:
            raise TooLarge("a sum too large")
    return result


def limit_terms(body: Node, terms: Fraction) -> None:
    """Sums may not be long, and of nested ones each must be short."""
    nested = any(n.op in ("sum", "prod") for n in walk(body))
    if terms > (_MAX_NESTED_TERMS if nested else _MAX_TERMS):
        raise TooLarge("a sum too long")
