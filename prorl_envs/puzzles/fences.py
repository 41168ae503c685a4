"""Allow-lists in front of upstream scorers: the texts that may reach a scorer which evaluates or loops.

A fence describes what a sane answer to the puzzle can look like. What does not pass never reaches ``eval``,
``sympy.parse_expr`` or an unbounded loop. Some scorers evaluate fields of the *entry* as well; a row that brings
anything but what its generator writes there is refused as malformed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple, TypeVar

from prorl_envs.puzzles.algebras import FUNCTIONS, Arithmetic
from prorl_envs.puzzles.expressions import Algebra, BadExpressionError, evaluate, parse
from prorl_envs.puzzles.games import propositions
from prorl_envs.puzzles.rules import Entry

__all__ = ["fenced_off"]

_LIMIT = 20_000
_BITS = 4096
_EXPONENT = 200
_FORMULA = 1000

Fence = Callable[[str], str]
T = TypeVar("T")


def fenced_off(task: str, answer: str, entry: Entry) -> str:
    """Why `answer` may not reach the upstream scorer of `task`; "" when it may.

    Raises:
        ValueError: a field of the entry that upstream evaluates is not what its generator writes.
    """
    for name, field in _EVALUATED.get(task, {}).items():
        text = entry.answer if name == "answer" else str(entry.metadata[name])
        if field(text):
            raise ValueError(f"{name} is not what the generator writes: {text[:80]!r}")
    if len(answer) > _LIMIT:
        return f"longer than {_LIMIT} characters"
    if answer == entry.answer.strip():
        return ""
    fence = _FENCES.get(task)
    return fence(answer) if fence else ""


class _Size(NamedTuple):
    """How many bits a value may need, and the value itself where it is a plain number."""

    bits: int
    value: Fraction | None


class _Sizes:
    """An algebra of sizes: refuses towers of powers before anyone computes them."""

    def number(self, value: Fraction) -> _Size:
        """A number's own size."""
        return _Size(value.numerator.bit_length() + value.denominator.bit_length(), value)

    def name(self, name: str) -> _Size:
        """A letter (or pi); longer names could mean anything to sympy."""
        if len(name) > 1 and name != "pi":
            raise BadExpressionError(f"the name {name!r}")
        return _Size(1, None)

    def binary(self, operator: str, left: _Size, right: _Size) -> _Size:
        """Bits add up in products and multiply in powers."""
        bits = left.bits + right.bits
        if operator == "**":
            if right.value is not None:
                if abs(right.value) > _EXPONENT:
                    raise BadExpressionError("a large exponent")
                bits = left.bits * max(1, abs(round(right.value)))
            elif left.value is not None:
                raise BadExpressionError("an exponent that is no number")
        if bits > _BITS:
            raise BadExpressionError("a large value")
        signs = operator == "*" and left.value == -1 and right.value is not None
        return _Size(bits, -right.value if signs and right.value is not None else None)

    def call(self, function: str, argument: _Size) -> _Size:
        """Only functions that antiderivatives need."""
        if function not in FUNCTIONS:
            raise BadExpressionError(f"the function {function!r}")
        return _Size(argument.bits + 1, None)


def _characters(pattern: str) -> Fence:
    allowed = re.compile(pattern, re.ASCII)

    def fence(answer: str) -> str:
        return "" if allowed.fullmatch(answer) else "characters that no answer needs"

    return fence


def _expression(algebra: Algebra[T]) -> Fence:
    def fence(answer: str) -> str:
        try:
            evaluate(parse(answer), algebra)
        except (BadExpressionError, ArithmeticError) as error:
            return f"no plain expression ({error})"
        return ""

    return fence


def _formula(answer: str) -> str:
    sane = len(answer) <= _FORMULA and propositions.read(answer) is not None
    return "" if sane else "no formula of the given notation"


def _moves(answer: str) -> str:
    return "a move of hundreds of cells" if re.search(r"[A-Z][+-][0-9]{3}", answer) else ""


_LIST = r"[0-9\s\[\](),-]*+"
_ALGEBRAIC = _expression(_Sizes())

_FENCES: Mapping[str, Fence] = {
    "binary_matrix": _characters(_LIST),
    "spiral_matrix": _characters(_LIST),
    "n_queens": _characters(r"""[Q_\s\[\],"']*+"""),
    "string_insertion": _characters(r"""[A-E\s\[\],"']*+"""),
    "coin_flip": _characters(r"[0-9\s/.,+-]*+(?:[eE][+-]?[0-9]{1,3})?"),
    "countdown": _expression(Arithmetic()),
    "puzzle24": _expression(Arithmetic()),
    "polynomial_multiplication": _ALGEBRAIC,
    "simple_integration": _ALGEBRAIC,
    "intermediate_integration": _ALGEBRAIC,
    "propositional_logic": _formula,
    "rush_hour": _moves,
}


def _stored_integral(text: str) -> str:
    """Upstream stores some problems unsolved, behind an integral sign."""
    return _ALGEBRAIC(re.sub(r", [xX]\)", ")", text.replace("Integral(", "(")))


_EVALUATED: Mapping[str, Mapping[str, Fence]] = {
    "bitwise_arithmetic": {"problem": _characters(r"(?:[0-9a-fA-FxX\s()+|&^~-]|<<|>>|\*(?!\*))*+")},
    "number_sorting": {"answer": _characters(r"""[0-9\s\[\],.+'"-]*+""")},
    "polynomial_multiplication": {"answer": _ALGEBRAIC},
    "simple_integration": {"integrand": _ALGEBRAIC, "answer": _stored_integral},
    "intermediate_integration": {"integrand": _ALGEBRAIC, "answer": _stored_integral},
}
