"""The exact value of one numeral token."""

from __future__ import annotations

from fractions import Fraction

from prorl_envs.answers.syntax import Node, Unreadable, number

__all__ = ["decimal"]

_MAX_EXPONENT = 4_000
_MAX_DIGITS = 4_000


def decimal(text: str) -> Node:
    """The exact value of a numeral such as ``1,000.50`` or ``1.6e-19``."""
    mantissa, _, exponent = text.replace(",", "").lower().partition("e")
    if len(mantissa) > _MAX_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        raise Unreadable("a number too long")
    places = len(mantissa.partition(".")[2])
    digits = places - int(exponent or 0) if "." in mantissa or exponent else None
    return number(Fraction(mantissa) * Fraction(10) ** int(exponent or 0), digits)
