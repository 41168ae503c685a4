"""Reads numbers, grids and JSON out of model text, in linear time and without ever evaluating it.

Each function returns None for a text that is not wholly what it looks for: an answer with words around it, or
with two readings, is no answer.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = [
    "bare",
    "decimal_number",
    "fraction",
    "integer",
    "json_value",
    "lines",
    "number_rows",
    "python_list",
    "without_fence",
]

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII
)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3}){1,130}(?:\.[0-9]{0,400})?", re.ASCII)
_CELLS = re.compile(r"[0-9\s+-]*+", re.ASCII)
_LITERALS = re.compile(r"""[0-9A-Za-z_\s\[\](),.+"'-]*+""")
_FENCE = re.compile(r"\A```[A-Za-z]*\s(.*)```\Z", re.DOTALL)


def integer(text: str) -> int | None:
    """A plain integer, sign allowed."""
    return int(text) if _INTEGER.fullmatch(text) else None


def decimal_number(text: str, *, grouped: bool = False) -> Decimal | None:
    """A decimal number, exponent allowed; with `grouped`, also commas between groups of three digits."""
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    if grouped and _GROUPED.fullmatch(text):
        return Decimal(text.replace(",", ""))
    return None


def fraction(text: str) -> Fraction | None:
    """A decimal number or a quotient of two integers."""
    top, slash, bottom = text.partition("/")
    if not slash:
        number = decimal_number(text)
        return Fraction(number) if number is not None else None
    numerator, denominator = integer(top.strip()), integer(bottom.strip())
    return Fraction(numerator, denominator) if numerator is not None and denominator else None


def bare(text: str) -> str:
    """The text without the quotes around it or the period after it."""
    return text.strip("\"'`. \t\n")


def lines(text: str) -> list[str]:
    """The lines without blanks at their ends; blank lines at either end are dropped."""
    return [line.rstrip() for line in text.strip().split("\n")]


def number_rows(text: str) -> list[list[int]] | None:
    """Rows of integers with blanks between; blank lines are skipped."""
    if not _CELLS.fullmatch(text):
        return None
    try:
        return [row for line in text.split("\n") if (row := [int(cell) for cell in line.split()])]
    except ValueError:  # a lone sign, or more digits than Python reads
        return None


def json_value(text: str) -> Any:
    """The value of a JSON text, or None (as for ``null``). Repeated keys, NaN and infinities are refused."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def python_list(text: str) -> Any:
    """A Python list (or tuple) of numbers and quoted texts, read as data; None for anything else."""
    if not text.startswith(("[", "(")) or not _LITERALS.fullmatch(text):
        return None
    return json_value(text.replace("(", "[").replace(")", "]").replace("'", '"'))


def without_fence(text: str) -> str:
    """The content of a Markdown fence that surrounds the whole text, or the text itself."""
    match = _FENCE.match(text)
    return match.group(1).strip() if match else text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is repeated")
    return made


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return value
