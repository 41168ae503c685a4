"""Approximate values to as many digits as asked, real or complex.

Every size is guarded before any work is done on it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath  # type: ignore[import-untyped]

from prorl_envs.answers.exact import TooLarge, Undefined, exact, limit_terms
from prorl_envs.answers.syntax import Node, Unreadable, words

__all__ = ["NotReal", "approximate", "context", "peak", "point"]

_MAX_MAGNITUDE = 10**6
"""Largest binary exponent of a value that enters an approximate power, exponential or circular function."""


class NotReal(Undefined):
    """A root or logarithm of a negative number, where only reals were asked for."""


@functools.cache
def context(digits: int) -> Any:
    """An mpmath context of our own with `digits` digits; mpmath's global one is never touched."""
    made = mpmath.MPContext()
    made.dps = digits
    return made


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
            return (
                self._function(str(node.value), arguments)
                if node.op == "fn"
                else self._unknown(node, arguments)
            )
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
        if len(a) != 1 or name not in _FUNCTIONS:
            raise Unreadable(f"{name} of {len(a)} arguments")
        argument = a[0]
        if name != "ln" and argument != 0 and mp.mag(argument) > (20 if name == "exp" else 60):
            raise TooLarge(f"{name} of a large number")
        if name == "ln" and argument == 0:
            raise Undefined("logarithm of zero")
        result = getattr(mp, name)(argument)
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
        limit_terms(body, last - first)
        outer = self.values
        terms = []
        for index in range(first.numerator, last.numerator + 1):
            self.values = {**outer, str(node.value): Fraction(index)}
            terms.append(self.value(body))
        self.values = outer
        return self.mp.fsum(terms) if node.op == "sum" else self.mp.fprod(terms)


_FUNCTIONS = words("sin cos tan cot sec csc asin acos atan acot sinh cosh tanh coth asinh acosh atanh ln exp")


def point(name: str, index: int) -> Fraction:
    """A fixed, generic rational between 0.2 and 3.2 for the symbol `name`: the same in every process."""
    digest = hashlib.blake2b(f"{name}#{index}".encode("utf-8", "replace"), digest_size=4).digest()
    return Fraction(200_000 + int.from_bytes(digest, "big") % 3_000_000, 1_000_003)
