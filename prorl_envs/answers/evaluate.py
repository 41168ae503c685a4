"""Values of expression trees: exact fractions where possible, many digits otherwise. Every size is guarded.

Nothing here can run long: exponents, factorials, sums and magnitudes beyond a limit raise `TooLarge` before any
work is done on them.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath

from prorl_envs.answers.syntax import Node, Unreadable, walk

__all__ = ["NotReal", "TooLarge", "Undefined", "approximate", "context", "exact", "peak", "point"]

_EXACT_BITS = 80_000
_MAX_FACTORIAL = 3_000
_MAX_TERMS = 500
_MAX_NESTED_TERMS = 12
_MAX_MAGNITUDE = 10**6
"""Largest binary exponent of a value that enters an approximate power, exponential or circular function."""


class TooLarge(Unreadable):
    """The value exists, but is beyond what is worth computing."""


class Undefined(Unreadable):
    """No value at this point: a division by zero, a pole, infinity."""


class NotReal(Undefined):
    """A root or logarithm of a negative number, where only reals were asked for."""


@functools.cache
def context(digits: int) -> Any:
    """An mpmath context of our own with `digits` digits; mpmath's global one is never touched."""
    made = mpmath.MPContext()
    made.dps = digits
    return made


# --- exact ---
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
    _limit_terms(body, last - first)
    result = Fraction(0 if node.op == "sum" else 1)
    for index in range(first.numerator, last.numerator + 1):
        term = exact(body, {**values, str(node.value): Fraction(index)})
        if term is None:
            return None
        result = result + term if node.op == "sum" else result * term
        if _bits(result) > _EXACT_BITS:
            raise TooLarge("a sum too large")
    return result


def _limit_terms(body: Node, terms: Fraction) -> None:
    """Sums may not be long, and of nested ones each must be short."""
    nested = any(n.op in ("sum", "prod") for n in walk(body))
    if terms > (_MAX_NESTED_TERMS if nested else _MAX_TERMS):
        raise TooLarge("a sum too long")


# --- approximate ---
def approximate(node: Node, values: Mapping[str, Any], digits: int, *, real: bool) -> Any:
    """The value to about `digits` digits, an mpmath number (complex unless `real`).

    Raises:
        Undefined: no finite value; `NotReal` when `real` and a step leaves the real numbers.
        TooLarge: beyond the limits.
    """
    try:
        return _Approximation(values, digits, real).value(node)
    except (ZeroDivisionError, ValueError, OverflowError, mpmath.libmp.NoConvergence) as error:
        if isinstance(error, Unreadable):
            raise
        raise Undefined(str(error)) from None


def peak(node: Node, digits: int) -> int:
    """The largest binary exponent among the powers and factorials in a constant: how much a sum may hide."""
    evaluation = _Approximation({}, digits, real=False)
    evaluation.value(node)
    return evaluation.peak


class _Approximation:
    def __init__(self, values: Mapping[str, Any], digits: int, real: bool) -> None:
        self.values, self.real, self.mp = values, real, context(digits)
        self.peak = 0

    def value(self, node: Node) -> Any:
        if node.op == "num":
            assert isinstance(node.value, Fraction)
            return self.mp.mpf(node.value.numerator) / node.value.denominator
        if node.op == "sym":
            value = self.values[str(node.value)]
            return self.mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value
        if node.op == "const":
            return self._constant(str(node.value))
        if node.op in ("sum", "prod"):
            return self._series(node)
        arguments = [self.value(argument) for argument in node.args]
        if node.op in ("pow", "fact"):
            result = self._power(node, *arguments) if node.op == "pow" else self._operation("fact", arguments)
            self.peak = max(self.peak, abs(int(self.mp.mag(result)))) if result != 0 else self.peak
            return result
        if node.op in ("fn", "apply"):
            return self._function(str(node.value), arguments) if node.op == "fn" else self._unknown(node, arguments)
        return self._operation(node.op, arguments)

    def _constant(self, name: str) -> Any:
        if name == "pi":
            return +self.mp.pi
        if name == "e":
            return +self.mp.e
        if name == "i" and not self.real:
            return self.mp.mpc(0, 1)
        raise Undefined(name)

    def _operation(self, op: str, a: list[Any]) -> Any:
        mp = self.mp
        if op == "add":
            return mp.fsum(a)
        if op == "mul":
            return mp.fprod(a)
        if op == "neg":
            return -a[0]
        if op == "div":
            return a[0] / a[1]
        if op == "percent":
            return a[0] / 100
        if op == "degree":
            return a[0] * mp.pi / 180
        if op in ("abs", "based"):
            return abs(a[0]) if op == "abs" else a[0]
        if op in ("floor", "ceil", "mod"):
            return self._rounded(op, a)
        if op == "fact":
            return mp.gamma(self._small(a[0], 10**6) + 1)
        if op == "binom":
            return mp.binomial(self._small(a[0], 10**6), self._small(a[1], 10**6))
        raise Unreadable(f"the operation {op}")

    def _rounded(self, op: str, a: list[Any]) -> Any:
        if op == "mod":
            return a[0] % self._small(a[1], 10**9)
        nearest = self.mp.nint(a[0])
        if abs(a[0] - nearest) < self.mp.mpf(10) ** (-self.mp.dps // 2):
            return nearest
        return self.mp.floor(a[0]) if op == "floor" else self.mp.ceil(a[0])

    def _small(self, value: Any, limit: int) -> Any:
        if abs(value) > limit:
            raise TooLarge("an argument too large")
        return value

    def _power(self, node: Node, base: Any, exponent: Any) -> Any:
        mp = self.mp
        if base == 0:
            if mp.re(exponent) <= 0:
                raise Undefined("a power of zero")
            return base
        if abs(mp.mag(base)) > _MAX_MAGNITUDE or abs(exponent) * max(abs(mp.mag(base)), 1) > _MAX_MAGNITUDE:
            raise TooLarge("a power too large")
        if mp.im(base) == 0 and mp.re(base) < 0 and mp.im(exponent) == 0:
            return self._negative_power(node, mp.re(base), mp.re(exponent))
        return base**exponent

    def _negative_power(self, node: Node, base: Any, exponent: Any) -> Any:
        """A negative base: odd roots are real, as school mathematics has it; even ones are not."""
        if exponent == int(exponent):
            return base ** int(exponent)
        known = {k: v for k, v in self.values.items() if isinstance(v, Fraction)}
        ratio = exact(node.args[1], known)
        if ratio is not None and ratio.denominator % 2:
            size = (-base) ** exponent
            return -size if ratio.numerator % 2 else size
        if self.real:
            raise NotReal("an even root of a negative number")
        return self.mp.mpc(base) ** exponent

    def _function(self, name: str, a: list[Any]) -> Any:
        mp = self.mp
        if name in ("max", "min"):
            return (max if name == "max" else min)(a)
        if name in ("gcd", "lcm"):
            raise Undefined(name)
        if len(a) != 1:
            raise Unreadable(f"{name} of {len(a)} arguments")
        argument = a[0]
        if argument != 0 and mp.mag(argument) > (20 if name == "exp" else 60):
            if name != "ln":
                raise TooLarge(f"{name} of a large number")
        if name == "ln" and argument == 0:
            raise Undefined("logarithm of zero")
        result = _FUNCTIONS[name](mp, argument)
        if self.real and mp.im(result) != 0:
            raise NotReal(name)
        return result

    def _unknown(self, node: Node, a: list[Any]) -> Any:
        """An unknown function as a fixed generic one: equal arguments give equal values, and hardly else."""
        total = self.mp.mpf(0)
        for place, argument in enumerate(a):
            c = [self.mp.mpf(point(f"{node.value}/{place}", n).numerator) / 10**6 for n in range(3)]
            total += self.mp.sin(c[0] * self._small(argument, 10**9) + c[1]) + c[2] * argument
        return total

    def _series(self, node: Node) -> Any:
        body, low, high = node.args
        known = {k: v for k, v in self.values.items() if isinstance(v, Fraction)}
        first, last = exact(low, known), exact(high, known)
        if first is None or last is None or first.denominator != 1 or last.denominator != 1:
            raise Unreadable("a sum without whole bounds")
        _limit_terms(body, last - first)
        outer = self.values
        terms = []
        for index in range(first.numerator, last.numerator + 1):
            self.values = {**outer, str(node.value): Fraction(index)}
            terms.append(self.value(body))
        self.values = outer
        return self.mp.fsum(terms) if node.op == "sum" else self.mp.fprod(terms)


_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    name: (lambda mp, x, name=name: getattr(mp, name)(x))
    for name in (
        "sin cos tan cot sec csc asin acos atan acot sinh cosh tanh coth asinh acosh atanh ln exp".split()
    )
}


def point(name: str, index: int) -> Fraction:
    """A fixed, generic rational between 0.2 and 3.2 for the symbol `name`: the same in every process."""
    digest = hashlib.blake2b(f"{name}#{index}".encode("utf-8", "replace"), digest_size=4).digest()
    return Fraction(200_000 + int.from_bytes(digest, "big") % 3_000_000, 1_000_003)
