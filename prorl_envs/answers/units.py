r"""Units of measurement, as people and LaTeX write them, on top of `pint`.

``\text{ kJ\,mol}^{-1}``, ``kJ/mol``, ``kJ mol-1`` and ``kilojoules per mole`` are one unit. Symbols are case- and
prefix-sensitive (mW is not MW). What is counted (electrons, apples) is kept as a noun without dimension.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from prorl_envs.answers.latex import clean
from prorl_envs.answers.syntax import words

__all__ = ["NO_UNIT", "Unit", "is_unit_word", "parse_unit"]

MAX_LENGTH = 120
_MAX_POWER = 12

_OWN = {
    "G": (1e-4, "T"), "gauss": (1e-4, "T"), "Gauss": (1e-4, "T"), "A": (1, "ampere"), "Å": (1, "angstrom"),
    "AU": (1, "au"), "Da": (1, "dalton"), "amu": (1, "dalton"), "KJ": (1, "kJ"), "KPa": (1, "kPa"),
    "kPA": (1, "kPa"), "Kg": (1, "kg"), "KG": (1, "kg"), "Km": (1, "km"), "kj": (1, "kJ"), "KeV": (1, "keV"),
    "kev": (1, "keV"), "Mev": (1, "MeV"), "ev": (1, "eV"), "EV": (1, "eV"), "Hr": (1, "hour"), "hr": (1, "hour"),
    "hrs": (1, "hour"), "sec": (1, "second"), "secs": (1, "second"), "mins": (1, "minute"), "yrs": (1, "year"),
    "y": (1, "year"), "Torr": (1, "torr"), "Kcal": (1, "kcal"), "Cal": (1, "kcal"), "rev": (1, ""),
    "revolution": (1, ""), "revs": (1, ""), "revolutions": (1, ""), "rpm": ("0.016666666666666666667", "Hz"),
    "ml": (1, "mL"), "lbs": (1, "lb"),
    "lbm": (1, "lb"), "molar": (1, "M"), "ohms": (1, "ohm"), "mhz": (1, "MHz"), "ghz": (1, "GHz"), "khz": (1, "kHz"),
    "hz": (1, "Hz"), "Lightyear": (1, "light_year"), "lightyear": (1, "light_year"), "lightyears": (1, "light_year"),
    "gm": (1, "g"), "gms": (1, "g"), "gr": (1, "g"), "kgs": (1, "kg"), "cms": (1, "cm"), "mol%": (0.01, ""),
    "dyn": (1, "dyne"), "dynes": (1, "dyne"), "AMU": (1, "dalton"), "lm": (1, "lumen"), "lx": (1, "lux"),
    "msun": (1.98841e30, "kg"), "PSI": (1, "psi"), "mcg": (1, "µg"), "radian": (1, "rad"), "radians": (1, "rad"),
    "moles": (1, "mol"), "mole": (1, "mol"), "%": (0.01, ""), "percent": (0.01, ""), "pct": (0.01, ""),
    "micron": (1, "µm"), "microns": (1, "µm"), "ppm": (1e-6, ""), "ppb": (1e-9, ""), "dm3": (1, "L"), "cc": (1, "mL"),
}  # fmt: skip
_SYMBOLS = words(
    "m g s K mol cd Hz N Pa J W C V F S Wb T H Bq Gy Sv kat L l eV bar cal u M min h d a yr ha t ft in mi "
    "yd lb oz psi atm torr mmHg hp rad sr deg ohm D P St Ci R e c au ly pc rpm mph kph kt B dB K degC "
    "degF delta_degC erg dyne b barn Eh Ry amu wt N angstrom lbf kWh Wh Ah gal pt qt cfm ℓ"
) - {"B", "pt", "R", "wt", "dB"}
_PREFIXES = {
    "Q": 30, "R": 27, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1,
    "c": -2, "m": -3, "µ": -6, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_PREFIXED = words(
    "m g s A K mol cd Hz N Pa J W C V F S Wb T H G Bq Gy Sv kat L l eV bar cal M ohm pc yr Da b P Ci rad "
    "torr Wh Ah"
)
_SPELLED_STOP = words(
    "the and for per are not all any from with into each that this has was its one two odd even yes true "
    "false none point unit units total degree_of ans answer about approximately"
)

_EXPONENT = re.compile(r"[\s{}]*+\^\s*+\{?\s*+([+-]?\s?\d{1,3}(?:/\d)?)\s*+\}?|([+-]?\d{1,2})(?![\d.A-Za-z])")
_WORD = re.compile(r"[A-Za-zµÅ°ℓ%]+(?:[-_][A-Za-z]{2,}+)*+")
_GROUP = r"\{((?:[^{}]|\{[^{}]*+\})*+)\}"
_FRACTION = re.compile(rf"\\frac\s*+{_GROUP}\s*+{_GROUP}")
_TEXT = re.compile(r"\\text\s*+(?=\{)")
_REWRITES = (
    (re.compile(r"\\mu[\s{]*+"), "µ"), (re.compile(r"\\Omega(?![A-Za-z])"), "ohm"),
    (re.compile(r"\\AA(?![A-Za-z])"), "Å"),
    (re.compile(r"(?:\\degree[\s{]*+|\bdegrees?\s++)(?:C\b|[cC]elsius\b)"), " degC "),
    (re.compile(r"(?:\\degree[\s{]*+|\bdegrees?\s++)(?:F\b|[fF]ahrenheit\b)"), " degF "),
    (re.compile(r"\\degree[\s{]*+K\b"), " K "), (re.compile(r"\\(?:degree|circ)"), " deg "),
    (re.compile(r"''"), " arcsec "),
    (re.compile(r"'"), " arcmin "), (re.compile(r"\\(?:cdot|times|ast)(?![A-Za-z])"), "*"),
    (re.compile(r"\\hat\s*+\{[^{}]*+(?:\{[^{}]*+\})?[^{}]*+\}"), ""), (re.compile(r"\\(alpha|beta|gamma)"), r"\1"),
    (re.compile(r"[;~]"), " "), (re.compile(r"\\hbar(?![A-Za-z])"), " hbar "), (re.compile(r"\bper\b"), "/"),
    (re.compile(r"\blight[- ]years?\b"), "ly"), (re.compile(r"\belectron[- ]?volts?\b"), "eV"),
    (re.compile(r"\bsolar masse?s?\b|M_\{?\\odot\}?"), "msun"), (re.compile(r"\bmm\s?Hg\b"), "mmHg"),
    (re.compile(r"\bsquare\s++([A-Za-z]++)"), r"\1^2"), (re.compile(r"\bcubic\s++([A-Za-z]++)"), r"\1^3"),
    (re.compile(r"\b([A-Za-z]++)\s++squared\b"), r"\1^2"), (re.compile(r"\b([A-Za-z]++)\s++cubed\b"), r"\1^3"),
    (re.compile(r"\\ell\b"), "L"), (re.compile(r"\bpH\s++units?\b"), ""), (re.compile(r"\bunits?\b"), ""),
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit: ``factor`` SI base units of dimension `dims`.

    Attributes:
        factor: the size of the unit in SI base units (kg, m, s, ...).
        dims: (dimension, exponent) pairs, sorted; empty for numbers, angles and counts.
        offset: "degC" or "degF" for a bare temperature scale, else "".
        nouns: what is counted, lower case and singular, sorted.
        cycles: 2 for hertz, 1 for turns, -1 for angles: of the same dimension, but not the same thing.
    """

    factor: Fraction = Fraction(1)
    dims: tuple[tuple[str, Fraction], ...] = ()
    offset: str = ""
    nouns: tuple[str, ...] = ()
    cycles: int = 0

    @property
    def physical(self) -> bool:
        """Whether it says more than a count's noun."""
        return bool(self.dims) or self.factor != 1 or bool(self.offset) or bool(self.cycles)


NO_UNIT = Unit()


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


@functools.lru_cache(maxsize=2048)
def _known(name: str) -> tuple[Fraction, tuple[tuple[str, Fraction], ...]] | None:
    """Size and dimension of a unit that pint knows by `name`, else None."""
    if not name:
        return Fraction(1), ()
    import pint

    registry = _registry()
    try:
        if name in ("degC", "degF", "delta_degC"):
            return (Fraction(5, 9) if name == "degF" else Fraction(1)), (("[temperature]", Fraction(1)),)
        quantity = registry.Quantity(1, name).to_base_units()
    except (pint.PintError, AttributeError, ValueError, TypeError, KeyError, SyntaxError):
        return None
    dims = tuple(sorted((k, Fraction(v).limit_denominator(12)) for k, v in quantity.dimensionality.items()))
    factor = quantity.magnitude
    return Fraction(f"{factor:.13g}"), dims


@functools.lru_cache(maxsize=4096)
def _resolve(word: str) -> tuple[Fraction, tuple[tuple[str, Fraction], ...]] | None:
    if word in _OWN:
        scale, name = _OWN[word]
        found = _known(name)
        return (Fraction(str(scale)) * found[0], found[1]) if found else None
    if word in _SYMBOLS:
        return _known({"l": "L", "ℓ": "L", "T": "tesla"}.get(word, word))
    for size in (2, 1):
        prefix, rest = word[:size], word[size:]
        if prefix in _PREFIXES and rest in _PREFIXED:
            found = _resolve(rest)
            return (Fraction(10) ** _PREFIXES[prefix] * found[0], found[1]) if found else None
    if len(word) >= 3 and word.lower() not in _SPELLED_STOP and word.isascii():
        return _known(word) if word.islower() else (_known(word.lower()) if len(word) > 4 else None)
    return None


def _joined(word: str) -> tuple[Fraction, tuple[tuple[str, Fraction], ...]] | None:
    """``Nm``, ``Js``, ``JK``: two symbols set without a blank."""
    if len(word) > 4 or word.islower() or word == "dB":
        return None
    for cut in range(1, len(word)):
        first, second = _resolve(word[:cut]), _resolve(word[cut:])
        if first and second:
            dims = dict(first[1])
            for name, exponent in second[1]:
                dims[name] = dims.get(name, Fraction(0)) + exponent
            return first[0] * second[0], tuple(sorted((k, v) for k, v in dims.items() if v))
    return None


def is_unit_word(word: str) -> bool:
    """Whether one word names a unit of measurement."""
    return _resolve(word) is not None


@functools.lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit | None:
    """The unit that `text` writes (LaTeX or plain); `NO_UNIT` for a blank; None when it is no unit."""
    if len(text) > MAX_LENGTH:
        return None
    text = _plain(text)
    if not text:
        return NO_UNIT
    if text in ("degC", "degF"):
        return Unit(Fraction(1), (("[temperature]", Fraction(1)),), text)
    return _Reader(text).unit()


def _plain(text: str) -> str:
    text = clean(text)
    text = _TEXT.sub(" ", text)
    for _ in range(2):
        text = _FRACTION.sub(r"(\1)/(\2)", text)
    for pattern, new in _REWRITES:
        text = pattern.sub(new, text)
    return re.sub(r"\s++", " ", text.replace("\\ ", " ")).strip(" .,;$\\{}")


class _Reader:
    """Reads ``kg*m/(s^2 K)``: words with exponents, joined by blanks, stars and slashes."""

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.factor = Fraction(1)
        self.dims: dict[str, Fraction] = {}
        self.nouns: set[str] = set()
        self.cycles = 0

    def unit(self) -> Unit | None:
        sign, stack = 1, [1]
        while self.position < len(self.text):
            char = self.text[self.position]
            if char in " *.{}" or (
                char == "-" and self.text[self.position + 1 : self.position + 2].isalpha()
            ):
                self.position += 1
            elif char == "/":
                sign = -stack[-1]
                self.position += 1
                continue
            elif char == "(":
                stack.append(sign)
                self.position += 1
            elif char == ")" and len(stack) > 1:
                stack.pop()
                sign = stack[-1]
                self.position += 1
            elif self.text.startswith("1", self.position):
                self.position += 1
            elif not self._word(sign):
                return None
            # "J/mol K" is read as J/(mol K): nobody writes it for J K/mol.
        return self._made() if len(stack) == 1 else None

    def _word(self, sign: int) -> bool:
        match = _WORD.match(self.text, self.position)
        if match is None:
            return False
        word = match.group()
        self.position = match.end()
        power = Fraction(sign)
        exponent = _EXPONENT.match(self.text, self.position)
        if exponent:
            self.position = exponent.end()
            written = (exponent.group(1) or exponent.group(2)).replace(" ", "")
            power *= Fraction(written)
        if abs(power) > _MAX_POWER:
            return False
        return self._add(word, power)

    def _add(self, word: str, power: Fraction) -> bool:
        found = _resolve(word) or _joined(word)
        if found is None:
            if len(word) < 3 and word not in ("of", "dB"):
                return False
            self.nouns.add(_singular(word.lower()))
            return True
        factor, dims = found
        if power.denominator != 1 and factor != 1:
            return False
        self.factor *= factor ** int(power) if power.denominator == 1 else 1
        for name, exponent in dims:
            self.dims[name] = self.dims.get(name, Fraction(0)) + exponent * power
        if word.endswith("Hz") or word == "hertz":
            self.cycles = 2
        elif word == "rpm" or word.startswith("rev"):
            self.cycles = 1
        elif word.startswith(("rad", "deg", "arc")) and word not in ("degC", "degF"):
            self.cycles = -1
        return True

    def _made(self) -> Unit:
        dims = tuple(sorted((k, v) for k, v in self.dims.items() if v))
        return Unit(self.factor, dims, "", tuple(sorted(self.nouns)), self.cycles)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
