r"""Numbers with units: reading them, and the rules by which two of them are equal.

``-92.2\ \mathrm{kJ\,mol^{-1}}``, ``1.6e-19 C``, ``(2.50 \pm 0.05) m`` and ``25 °C`` are quantities. Two are
equal when their dimensions match and, converted to the gold's unit, they differ by at most a relative
tolerance, or by no more than the gold's last digit allows. No tolerance is absolute, so any size of number is
safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from prorl_envs.answers.approximate import context
from prorl_envs.answers.equality import constant_value
from prorl_envs.answers.latex import clean
from prorl_envs.answers.lexer import tokenize
from prorl_envs.answers.outcome import Outcome, differ, same
from prorl_envs.answers.parser import readings
from prorl_envs.answers.syntax import Unreadable
from prorl_envs.answers.units import NO_UNIT, Unit, parse_unit

__all__ = ["DEFAULT_REL_TOL", "MissingUnit", "Quantity", "compare_quantities", "parse_quantity"]

MissingUnit: TypeAlias = Literal["accept", "reject"]

DEFAULT_REL_TOL = 0.01
ROUNDING_CAP = Fraction(1, 20)
"""Rounding to the gold's last digit excuses at most this relative difference: 2 m is not 2.4 m."""
_HERTZ_AGAINST_ANGLE = -2
_TURN = Fraction("6.283185307179586476925")
_COARSE_CAP = Fraction(1, 50)
_MAX_LENGTH = 400

_TIMES_TEN = (
    r"\s*+(?:\\times|\\cdot|\*|[xX](?=\s*+10))\s*+10\s*+\^?\s*+\{?\s*+(?P<exponent>[+-]?\s?\d{1,4})\s*+\}?"
)
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)\s*+(?P<number>(?:\d{{1,3}}(?:,\d{{3}}(?!\d)|\s\d{{3}}(?![\d.]))++|\d++)(?:\.\d*+)?|\.\d++)"
    rf"(?:[eE](?P<e>[+-]?\d{{1,4}})(?![A-Za-z\d]))?(?:\s*+\\pm\s*+(?P<error>[\d.]++))?(?:{_TIMES_TEN})?"
)
_POWER_OF_TEN = re.compile(
    r"(?P<sign>[+-]?)\s*+10\s*+\^\s*+(?:\{\s*+(?P<braced>[+-]?\s?\d{1,4})\s*+\}|(?P<bare>[+-]?\d{1,4}))"
)
_BRACKETED = re.compile(r"^\(([^()]*+)\)(.*+)$", re.DOTALL)
_LABEL = re.compile(r"^[^=<>]{1,60}?(?:=|\\approx|\\sim|:)\s*+(?=[-+(\d.\\])")
_ABOUT = re.compile(
    r"^(?:\\approx|\\sim|~|about|approximately|approx\.?|roughly|around|ca\.|\\text\{\s*(?:about|approximately|roughly)\s*\})\s*+"
)
_SEVERAL_NAMED = re.compile(r"=[^=]*(?:[,;]|\band\b)[^=,;]{1,40}=")
_HYPHENATED = re.compile(r"^\d[\d.]*+\s*+--?\s*+\d")
"""``10-20`` is a range, not a difference."""
_RESULT = re.compile(r"(?<![<>!\\])=|\\approx|\\simeq")
_CONTINUES = re.compile(
    r"\s*+(?:[-+*/^!(]|\\(?:frac|sqrt|pi|pm|times|cdot|ln|log|sin|cos|text\{\s*(?:to|and|or)\b)|,?\s*+\d)"
)


@dataclass(frozen=True)
class Quantity:
    """A number with a unit.

    Attributes:
        value: the number, exact for decimals.
        ulp: the value of one unit of its last written digit; None when it was no decimal numeral.
        unit: `NO_UNIT` when none was written.
        whole: written as an integer, without point or power of ten.
    """

    value: Fraction
    ulp: Fraction | None
    unit: Unit
    whole: bool = False


def parse_quantity(text: str, unit: str | None = None) -> Quantity | None:
    """The quantity that `text` writes, or None.

    Args:
        text: LaTeX or plain; a name before ``=`` and words such as "about" are skipped.
        unit: a unit given apart from the text, as SciBench does; a power of ten in it multiplies the number.
    """
    if len(text) > _MAX_LENGTH:
        return None
    text = clean(text)
    if _SEVERAL_NAMED.search(text):
        return None
    body = _core(text)
    found = _numeral(body) or _constant(body)
    if found is None:
        return None
    number, rest = found
    written = parse_unit(rest)
    if written is None:
        return None
    if unit and unit.strip() and written == NO_UNIT:
        return _with_unit(number, unit)
    return Quantity(number.value, number.ulp, written, number.whole and written == NO_UNIT)


def _core(text: str) -> str:
    pieces = [piece for piece in _RESULT.split(text) if piece.strip()]
    text = pieces[-1].strip() if len(pieces) > 1 else text
    return _ABOUT.sub("", _LABEL.sub("", text, count=1)).strip()


def _with_unit(number: Quantity, unit: str) -> Quantity | None:
    text = clean(unit)
    power = _POWER_OF_TEN.match(text)
    scale = Fraction(1)
    if power:
        scale = Fraction(10) ** int((power["braced"] or power["bare"]).replace(" ", ""))
        text = text[power.end() :]
    read = parse_unit(text)
    if read is None:
        return None
    ulp = number.ulp * scale if number.ulp else None
    return Quantity(number.value * scale, ulp, read, number.whole and scale == 1 and read == NO_UNIT)


def _numeral(text: str) -> tuple[Quantity, str] | None:
    """The decimal numeral at the start, and what follows it."""
    bracketed = _BRACKETED.match(text)
    if bracketed and (inner := _NUMBER.fullmatch(bracketed[1].strip())):
        outer = re.match(_TIMES_TEN, bracketed[2])
        rest = bracketed[2][outer.end() :] if outer else bracketed[2]
        quantity = _made(inner, int(outer["exponent"].replace(" ", "")) if outer else 0)
        return (quantity, rest) if _ends(rest) else None
    if match := _POWER_OF_TEN.match(text):
        size = Fraction(10) ** int((match["braced"] or match["bare"]).replace(" ", ""))
        quantity = Quantity(-size if match["sign"] == "-" else size, None, NO_UNIT)
        return (quantity, text[match.end() :]) if _ends(text[match.end() :]) else None
    match = _NUMBER.match(text)
    if match is None or not _ends(text[match.end() :]):
        return None
    return _made(match, 0), text[match.end() :]


def _ends(rest: str) -> bool:
    """Whether a numeral is over where `rest` begins: nothing there continues a calculation, or it is a unit."""
    if not _CONTINUES.match(rest):
        return True
    if not rest.lstrip().startswith(("/", "\\frac", "\\cdot", "*")):
        return False
    unit = parse_unit(rest)
    return unit is not None and bool(unit.dims)


def _made(match: re.Match[str], extra: int) -> Quantity:
    digits = match["number"].replace(",", "").replace(" ", "").rstrip(".")
    written = match["e"] or match["exponent"]
    power = int(written.replace(" ", "")) if written else 0
    scale = Fraction(10) ** (power + extra)
    value = Fraction(digits) * scale * (-1 if match["sign"] == "-" else 1)
    places = len(digits.partition(".")[2])
    return Quantity(value, scale / 10**places, NO_UNIT, "." not in digits and not written and not extra)


def _constant(text: str) -> tuple[Quantity, str] | None:
    r"""An exact constant such as ``\frac{2}{3}\pi``, up to the first words."""
    if _HYPHENATED.match(text):
        return None
    cut = text.find("\\text")
    candidates = [(text, "")] if cut < 0 else [(text[:cut], text[cut:]), (text, "")]
    words = re.search(r"(?<=[\d})])\s++(?=[A-Za-zµ°])", text)
    if words:
        candidates.append((text[: words.start()], text[words.start() :]))
    percent = re.search(r"\s*+(?:%|\\degree).*$", text)
    if percent:
        candidates.append((text[: percent.start()], text[percent.start() :]))
    for body, rest in candidates:
        try:
            value = constant_value(readings(tokenize(body.strip()))[0])
        except Unreadable:
            continue
        fraction = _fraction(value)
        if fraction is not None:
            return Quantity(fraction, None, NO_UNIT), rest
    return None


def _fraction(value: object) -> Fraction | None:
    if isinstance(value, Fraction):
        return value
    mp = context(50)
    if mp.im(value) != 0 or not mp.isfinite(value):
        return None
    real = mp.re(value)
    if real == 0:
        return Fraction(0)
    shift = 40 - int(mp.mag(real))
    if abs(shift) > 4_000:
        return None
    return Fraction(int(mp.nint(mp.ldexp(real, shift + 100)))) / Fraction(2) ** (shift + 100)


def compare_quantities(
    gold: Quantity, answer: Quantity, *, rel_tol: float | None = None, missing_unit: MissingUnit = "accept"
) -> Outcome:
    """Whether `answer` is the quantity `gold`.

    Args:
        gold: the accepted quantity.
        answer: the model's.
        rel_tol: the relative tolerance; None means `DEFAULT_REL_TOL`, and exactness for whole numbers without unit.
        missing_unit: what a unit on one side only means: the number counts as written in the other's unit
            ("accept"), or the answers differ ("reject").
    """
    if gold.unit.nouns and answer.unit.nouns and not _nouns_agree(gold.unit.nouns, answer.unit.nouns):
        return differ("another thing counted")
    if gold.unit.physical == answer.unit.physical:
        return (
            _same_kind(gold, answer, rel_tol)
            if gold.unit.physical
            else _numbers(gold, answer.value, answer.ulp, rel_tol)
        )
    return _one_unit(gold, answer, rel_tol, missing_unit)


def _nouns_agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return any(a[:5] == b[:5] or a in b or b in a for a in one for b in other)


def _same_kind(gold: Quantity, answer: Quantity, rel_tol: float | None) -> Outcome:
    if gold.unit.dims != answer.unit.dims or gold.unit.cycles * answer.unit.cycles == _HERTZ_AGAINST_ANGLE:
        return differ("dimension")
    value, ulp = _converted(answer, gold.unit)
    outcome = _numbers(gold, value, ulp, rel_tol)
    return Outcome(outcome.equal, "unit" if outcome.equal and gold.unit != answer.unit else outcome.rule)


def _converted(quantity: Quantity, unit: Unit) -> tuple[Fraction, Fraction | None]:
    """The number (and its last digit) of `quantity` in `unit`."""
    value, ulp = quantity.value, quantity.ulp
    if unit.offset or quantity.unit.offset:
        kelvin = _to_kelvin(value, quantity.unit)
        size = Fraction(5, 9) if quantity.unit.offset == "degF" else quantity.unit.factor
        target = Fraction(5, 9) if unit.offset == "degF" else unit.factor
        return _from_kelvin(kelvin, unit), ulp * size / target if ulp else None
    ratio = quantity.unit.factor / unit.factor
    if quantity.unit.cycles * unit.cycles == -1:
        ratio *= _TURN if quantity.unit.cycles > 0 else 1 / _TURN
    return value * ratio, ulp * ratio if ulp else None


def _to_kelvin(value: Fraction, unit: Unit) -> Fraction:
    if unit.offset == "degC":
        return value + Fraction("273.15")
    if unit.offset == "degF":
        return (value + Fraction("459.67")) * 5 / 9
    return value * unit.factor


def _from_kelvin(value: Fraction, unit: Unit) -> Fraction:
    if unit.offset == "degC":
        return value - Fraction("273.15")
    if unit.offset == "degF":
        return value * 9 / 5 - Fraction("459.67")
    return value / unit.factor


def _one_unit(gold: Quantity, answer: Quantity, rel_tol: float | None, missing_unit: MissingUnit) -> Outcome:
    """A unit on one side only. A percentage or an angle may also stand as a plain number."""
    bare = not gold.unit.dims and not answer.unit.dims
    if bare:
        ratio = answer.unit.factor / gold.unit.factor
        outcome = _numbers(gold, answer.value * ratio, answer.ulp * ratio if answer.ulp else None, rel_tol)
        if outcome.equal:
            return same("dimensionless")
        if answer.unit.physical and abs(gold.value) < 1:
            return differ("dimensionless")
    if missing_unit == "reject" and not bare:
        return differ("unit missing")
    outcome = _numbers(gold, answer.value, answer.ulp, rel_tol)
    return same("unit missing") if outcome.equal else outcome


def _numbers(gold: Quantity, value: Fraction, ulp: Fraction | None, rel_tol: float | None) -> Outcome:
    difference, size = abs(value - gold.value), abs(gold.value)
    if difference == 0:
        return same("number")
    if gold.value == 0:
        half = gold.ulp / 2 if gold.ulp else Fraction(0)
        return Outcome(not gold.whole and difference < half, "zero")
    if rel_tol is not None:
        return Outcome(difference <= Fraction(rel_tol) * size, "tolerance")
    if gold.whole:
        return differ("whole number")
    if difference <= Fraction(DEFAULT_REL_TOL) * size:
        return same("tolerance")
    if gold.ulp and difference <= gold.ulp / 2 and difference <= ROUNDING_CAP * size:
        return same("rounds to the gold")
    if ulp and difference <= ulp / 2 and difference <= _COARSE_CAP * size:
        return same("the gold rounds to it")
    return differ("number")
