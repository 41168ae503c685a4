"""Puzzles whose answer is a number (or a few): compared as numbers, never as parts of a text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from prorl_envs.puzzles.reading import bare, decimal_number, fraction, integer
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_LATEX = re.compile(
    r"\\d?frac\s{0,9}\{\s{0,9}([0-9]{1,99})\s{0,9}\}\s{0,9}\{\s{0,9}([0-9]{1,99})\s{0,9}\}", re.IGNORECASE
)
_BASED = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F]{1,999}|0[bB][01]{1,999}|0[oO][0-7]{1,999}|0|[1-9][0-9]{0,999})"
)
_COMPLEX = re.compile(
    r"([+-]?[0-9]{1,99}(?:\.[0-9]{0,99})?)?(?:([+-]?)([0-9]{1,99}(?:\.[0-9]{0,99})?)?\*?[ij])?", re.IGNORECASE
)
_SIGNS = re.compile(r"(?<!\s)\s{0,9}([+-])\s{0,9}")
_NUMBERS = re.compile(r"-?[0-9]{1,99}(?:,[0-9]{3})*+(?:\.[0-9]{1,99})?", re.ASCII)
_HEDGES = re.compile(r"\b(?:not|or|either|maybe|perhaps|unsure|around|about)\b|n't|[?~≈]", re.IGNORECASE)
_PHRASE = 200


def decimal_value(answer: str, entry: Entry) -> float:
    """The same number; commas may group thousands."""
    value = decimal_number(answer, grouped=True)
    return float(value is not None and value == Decimal(entry.answer.replace(",", "")))


def plain_decimal_value(answer: str, entry: Entry) -> float:
    """The same number, without commas."""
    value = decimal_number(answer)
    return float(value is not None and value == Decimal(entry.answer))


def rounded_decimal_value(answer: str, entry: Entry) -> float:
    """The same number within one unit of the last place that the task's settings name."""
    value = decimal_number(answer)
    if value is None:
        return 0.0
    places = int(
        entry.config.get("max_num_decimal_places") or entry.metadata["difficulty"]["decimal_places"][1]
    )
    return float(abs(value - Decimal(entry.answer)) <= Decimal(10) ** -places)


def integer_value(answer: str, entry: Entry) -> float:
    """The same integer."""
    value = integer(answer)
    return float(value is not None and value == int(entry.answer))


def based_integer(answer: str, entry: Entry) -> float:
    """The same integer, in hexadecimal, binary, octal or decimal notation."""
    return float(bool(_BASED.fullmatch(answer)) and int(answer, 0) == int(entry.answer, 0))


def sole_number(answer: str, entry: Entry) -> float:
    """The same number, alone or in a short phrase that neither holds another nor hedges."""
    found = _NUMBERS.findall(answer[:_PHRASE])
    if len(answer) > _PHRASE or len(found) != 1 or _HEDGES.search(answer):
        return 0.0
    return float(Decimal(found[0].replace(",", "")) == Decimal(entry.answer))


def chosen_candidate(answer: str, entry: Entry) -> float:
    """The right candidate: within 0.01 of it, and nearer to it than to any other."""
    number = decimal_number(answer, grouped=True)
    if number is None:
        return 0.0
    value, right = float(number), float(entry.metadata["solution"])
    near = abs(value - right)
    nearest = all(near < abs(value - other) for other in entry.metadata["candidates"] if other != right)
    return float(near < 0.01 and nearest)


def three_figures(answer: str, entry: Entry) -> float:
    """The same number to three significant figures."""
    value = decimal_number(answer)
    return float(value is not None and _figures(value) == _figures(Decimal(entry.answer)))


def _figures(value: Decimal) -> Decimal:
    if not value:
        return Decimal(0)
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 2), rounding=ROUND_HALF_EVEN)


def probability(answer: str, entry: Entry) -> float:
    """The same probability within 0.0001, and within 5 % of itself (so that 0 is never near enough)."""
    value, right = fraction(answer), fraction(entry.answer.strip())
    if value is None or right is None:
        return 0.0
    return float(abs(value - right) <= min(Fraction(1, 10_000), abs(right) / 20))


def simplified_fraction(answer: str, entry: Entry) -> float:
    r"""The fraction in lowest terms, as ``a/b`` or LaTeX, with or without dollars."""
    text = bare(answer).strip("$").strip()
    match = _LATEX.fullmatch(text)
    top, slash, bottom = text.partition("/")
    pair = match.groups() if match else (top.strip(), bottom.strip()) if slash else ("", "")
    right = (entry.metadata["simplified_numerator"], entry.metadata["simplified_denominator"])
    return float((integer(pair[0]), integer(pair[1])) == right)


def complex_value(answer: str, entry: Entry) -> float:
    """The same complex number, as ``a + bi`` (either part may be left out)."""
    value = _complex(answer)
    real, imaginary = entry.metadata["result"]
    return float(value == (Decimal(real), Decimal(imaginary)))


def _complex(text: str) -> tuple[Decimal, Decimal] | None:
    compact = _SIGNS.sub(r"\1", text)
    if compact.startswith("(") and compact.endswith(")"):
        compact = compact[1:-1]
    match = _COMPLEX.fullmatch(compact) if compact else None
    if not match:
        return None
    real, sign, imaginary = match.groups()
    if compact[-1] not in "iIjJ":
        return Decimal(real), Decimal(0)
    if real and not sign:  # "7i": the only number belongs to the imaginary part
        return (Decimal(0), Decimal(real)) if not imaginary else None
    part = Decimal(imaginary or 1)
    return Decimal(real or 0), -part if sign == "-" else part


def prime_factors(answer: str, entry: Entry) -> float:
    """The prime factors in any order, separated by ×."""
    factors = [integer(part.strip()) for part in answer.split("×", 64)]
    found = [factor for factor in factors if factor is not None]
    return float(len(found) == len(factors) and sorted(found) == sorted(entry.metadata["factors"]))


_CLOSENESS = "a constant guess is often close"
_FLOOR = "a free floor"
_SUBSTRING = (
    "also len(right) / len(answer) when the answer contains the right text; commas anywhere are dropped"
)

RULES: dict[str, Rule] = {
    **{
        name: Rule(
            decimal_value,
            "the right number; commas may group thousands",
            _SUBSTRING,
            "an answer that lists several candidates is paid for holding the right one",
        )
        for name in ("chain_sum", "products")
    },
    "decimal_chain_sum": Rule(plain_decimal_value, "the right number", "the same", ""),
    "decimal_arithmetic": Rule(
        rounded_decimal_value,
        "within one unit of the last decimal place",
        "the same; blanks around it lose all",
        "blanks carry no meaning",
    ),
    "bitwise_arithmetic": Rule(
        based_integer,
        "the right integer in any base's notation",
        "evaluates the stored problem",
        "nothing is evaluated here",
    ),
    "rectangle_count": Rule(
        integer_value, "the right count", "0.8 x closeness for counts within 5", _CLOSENESS
    ),
    "gsm_symbolic": Rule(
        sole_number,
        "the right number, alone or in a short phrase without another number or a hedge",
        "the first number in the answer decides; 0.01 for any other",
        "a list of guesses, and a free floor",
    ),
    "number_format": Rule(
        chosen_candidate,
        "the right candidate, and nearer to it than to any other",
        "within 0.01 of it",
        "another candidate can be that near",
    ),
    "power_function": Rule(three_figures, "right to three significant figures", "0.01 for any text", _FLOOR),
    "coin_flip": Rule(
        probability,
        "within 0.0001 and within 5 % of the right probability",
        "within 0.0001, else the share of equal leading characters",
        '"0" earns 0.83 on average',
    ),
    "fraction_simplification": Rule(
        simplified_fraction,
        "the fraction in lowest terms, in any of the styles",
        "0.1 for the question's own numerator or denominator, 0.05 for any fraction, 0.01 for any text or None",
        "an echo of the question earns 0.1",
    ),
    "complex_arithmetic": Rule(
        complex_value,
        "the right complex number",
        "exp(-distance); min(1, exp(-nan)) is 1",
        '"nan" earns 1.0 on every item; closeness',
    ),
    "prime_factorization": Rule(
        prime_factors,
        "the prime factors in any order",
        "0.5 for any factors with the right product, 0.01 for any; raises on other text",
        "an echo of the number earns 0.5",
    ),
}
