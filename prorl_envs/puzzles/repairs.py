"""Repairs of upstream items whose stored answer is none.

Reasoning Gym writes ``sin`` and ``cos`` of some antiderivative problems as undefined functions, so that sympy
cannot integrate them and the stored answer is the problem again, behind an integral sign. Those are integrals of
``c * x**n * sin(k*x)`` (or cos), which repeated integration by parts solves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

__all__ = ["repaired"]

_BY_PARTS = re.compile(
    r"(-?)(?:([0-9]{1,9})\*)?([xX])(?:\*\*([0-9]{1,2}))?\*(sin|cos)\((?:([0-9]{1,3})\*)?\3\)"
)


def repaired(task: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The item, with an answer where upstream stored an unsolved integral."""
    answer = entry.get("answer")
    if task == "intermediate_integration" and isinstance(answer, str) and "Integral(" in answer:
        solved = _by_parts(entry["metadata"])
        return {**entry, "answer": solved} if solved else entry
    return entry


def _by_parts(metadata: Mapping[str, Any]) -> str | None:
    match = _BY_PARTS.fullmatch(str(metadata["integrand"]))
    if not match:
        return None
    sign, factor, x, degree, function, rate = match.groups()
    coefficient = Fraction(int(factor or 1) * (-1 if sign else 1))
    power, k = int(degree or 1), int(rate or 1)
    argument = x if k == 1 else f"{k}*{x}"
    terms = []
    while True:  # the integral of x**n * sin(kx) is -x**n cos(kx)/k plus the integral of n x**(n-1) cos(kx)/k
        coefficient = -coefficient / k if function == "sin" else coefficient / k
        function = "cos" if function == "sin" else "sin"
        monomial = "".join([f"{x}**{power}*" if power > 1 else f"{x}*" if power else ""])
        terms.append(f"({coefficient})*{monomial}{function}({argument})")
        if power == 0:
            return " + ".join(terms) + " + C"
        coefficient, power = -coefficient * power, power - 1
