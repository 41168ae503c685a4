r"""Chemistry's own notations: formulas, ions, isotopes, hydrates, reactions, electron configurations.

Case is meaning (CO is not Co), order inside a formula hardly is (NaCl, ClNa), except in carbon compounds, where
``CH3OCH3`` and ``C2H5OH`` are different substances. Reactions are multisets of substances with coefficients.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from prorl_envs.answers.latex import clean
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.syntax import words

__all__ = ["compare_chemistry", "parse_configuration", "parse_formula", "parse_reaction"]

_MAX_LENGTH = 400
ELEMENTS = words(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db "
    "Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og D T"
)
_NAMES = {
    "hydrogen": "H", "helium": "He", "lithium": "Li", "carbon": "C", "nitrogen": "N", "oxygen": "O", "sodium": "Na",
    "phosphorus": "P", "sulfur": "S", "chlorine": "Cl", "potassium": "K", "calcium": "Ca", "iron": "Fe",
    "cobalt": "Co",
    "strontium": "Sr", "technetium": "Tc", "iodine": "I", "cesium": "Cs", "caesium": "Cs", "radium": "Ra",
    "radon": "Rn",
    "polonium": "Po", "thorium": "Th", "uranium": "U", "neptunium": "Np", "plutonium": "Pu", "americium": "Am",
    "lead": "Pb", "bismuth": "Bi", "krypton": "Kr", "xenon": "Xe", "barium": "Ba",
}  # fmt: skip
_CORES = {
    "He": "1s2", "Ne": "1s2 2s2 2p6", "Ar": "1s2 2s2 2p6 3s2 3p6", "Kr": "1s2 2s2 2p6 3s2 3p6 3d10 4s2 4p6",
    "Xe": "1s2 2s2 2p6 3s2 3p6 3d10 4s2 4p6 4d10 5s2 5p6",
    "Rn": "1s2 2s2 2p6 3s2 3p6 3d10 4s2 4p6 4d10 4f14 5s2 5p6 5d10 6s2 6p6",
}  # fmt: skip
_STATE = re.compile(r"\(\s*(?:s|l|g|aq|cr|graphite)\s*\)")
_ARROW = re.compile(
    r"\\(?:to|rightleftharpoons|leftrightarrow|Rightarrow|longrightarrow|leftrightharpoons)"
    r"|\\xrightarrow\s*(?:\[[^\]]*\])?\{[^{}]*\}|(?:<=>|<->|-->|->)(?:\[[^\]]*\]){0,2}|⇌|="
)
_EQUALS = re.compile(r"(?<![<])=(?![>])")
_COMMANDS = re.compile(r"\\(?:(?:ce|text|mathrm|bf|rm|left|right)(?![A-Za-z])|[,;!\s])")
_SUBSHELL = re.compile(
    r"([1-8])\s*([spdf])\s*(?:\^\s*\{\s*(\d{1,2})\s*\}|\^?\s*(\d{1,2}?)(?=[1-8]\s*[spdf]|\D|$))?"
)
_CORE = re.compile(r"\[\s*(He|Ne|Ar|Kr|Xe|Rn)\s*\]")
_ISOTOPE_NAME = re.compile(r"^([A-Za-z]{1,12})\s*-\s*(\d{1,3})$")
_ELECTRON = re.compile(r"e\s*(?:\^\s*\{?\s*-\s*\}?|-)")
_CHARGE_END = re.compile(r"(?:\^\s*\{?\s*(\d*)\s*([+-])\s*(\d*)\s*\}?|(?<=[\dA-Za-z)\]])\s*([+-]))$")
_BARE_CHARGE = re.compile(r"([A-Z][a-z]?)(\d)([+-])")
"""``Ca2+``: behind a single element the figure counts charges."""
_SPACED_CHARGE = re.compile(r"(?<=[\dA-Za-z)\]}])\s+(\d?[+-])$")
_HYDRATE = re.compile(r"\\cdot|\*|\.(?=\d*\s*H)")
_EXPANSIONS = (
    ("C2H5", "CH3CH2"),
    ("C3H7", "CH3CH2CH2"),
    ("C4H9", "CH3CH2CH2CH2"),
    ("COOH", "CO2H"),
    ("HOOC", "HO2C"),
)


@dataclass(frozen=True)
class Formula:
    """A substance: its atoms, charge, mass numbers, waters of crystallisation, and its spelling."""

    atoms: tuple[tuple[str, int], ...]
    charge: int
    isotopes: tuple[tuple[str, int], ...]
    waters: Fraction
    spelling: str

    @property
    def certain(self) -> bool:
        """Whether it cannot be a product of variables instead: a two-letter element, a charge, an isotope, CO2."""
        two_letters = any(len(name) > 1 for name, _ in self.atoms)
        counted = len(self.atoms) > 1 and any(number > 1 for _, number in self.atoms)
        return two_letters or counted or bool(self.charge or self.isotopes or self.waters)

    @property
    def organic(self) -> bool:
        """Whether order matters: carbon with hydrogen."""
        names = dict(self.atoms)
        return names.get("C", 0) > 1 and "H" in names


def compare_chemistry(gold: str, answer: str) -> Outcome:
    """Compares when the gold is a formula, a reaction or a configuration; else undecided."""
    if len(gold) > _MAX_LENGTH or len(answer) > _MAX_LENGTH:
        return UNDECIDED
    configuration = parse_configuration(gold)
    if configuration is not None:
        return Outcome(configuration == parse_configuration(answer), "electron configuration")
    reaction = parse_reaction(gold)
    if reaction is not None:
        return Outcome(reaction == parse_reaction(answer), "reaction")
    formula = parse_formula(gold)
    if formula is None:
        return UNDECIDED
    given = parse_formula(answer)
    if given is not None and _same_substance(formula, given):
        return same("formula")
    certain = formula.certain or "\\ce" in gold
    return differ("formula") if certain else UNDECIDED


def _same_substance(a: Formula, b: Formula) -> bool:
    if (a.charge, a.waters, a.isotopes, a.atoms) != (b.charge, b.waters, b.isotopes, b.atoms):
        return False
    if not a.organic:
        return True
    first, second = _condensed(a.spelling), _condensed(b.spelling)
    return first == second or _groups(first) == list(reversed(_groups(second)))


def _condensed(spelling: str) -> str:
    for short, long in _EXPANSIONS:
        spelling = spelling.replace(short, long)
    return re.sub(r"[-=\s()\[\]]", "", spelling)


def _groups(spelling: str) -> list[str]:
    return re.findall(r"C[H\d]*+|[A-BD-Z][a-z]?\d*", spelling)


def _plain(text: str) -> str:
    text = clean(text)
    for _ in range(3):
        text = re.sub(r"\\(?:ce|text)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", text)
    text = _COMMANDS.sub("", text)
    return text.strip(" .,;$")


# --- formulas ---
def parse_formula(text: str) -> Formula | None:
    """The substance of ``\\ce{SO4^2-}``, ``NH_4^+``, ``CuSO4·5H2O``, ``{}^{14}C``, ``carbon-14``; else None."""
    text = _plain(text)
    named = _ISOTOPE_NAME.match(text)
    if named:
        symbol = _NAMES.get(named[1].lower(), named[1])
        if symbol not in ELEMENTS:
            return None
        return Formula(((symbol, 1),), 0, ((symbol, int(named[2])),), Fraction(0), symbol)
    text = _SPACED_CHARGE.sub(r"^{\1}", _STATE.sub("", text).replace("{ }", "").replace("{}", "").strip())
    if _ELECTRON.fullmatch(text):
        return Formula((("e", 1),), -1, (), Fraction(0), "e")
    parts = [part.strip() for part in _HYDRATE.split(text)]
    if len(parts) > 2 or not parts[0]:
        return None
    waters = _waters(parts[1]) if len(parts) == 2 else Fraction(0)
    if waters is None:
        return None
    return _substance(parts[0], waters)


def _waters(text: str) -> Fraction | None:
    match = re.fullmatch(r"(\d{0,2}(?:\.\d)?)\s*H_?\{?2\}?O", text)
    return Fraction(match[1] or 1) if match else None


def _substance(text: str, waters: Fraction) -> Formula | None:
    text, charge = _split_charge(text)
    atoms: Counter[str] = Counter()
    isotopes: list[tuple[str, int]] = []
    spelling = re.sub(r"[_{}\s]", "", re.sub(r"\^\{?\d+\}?(?:_\{?\d+\}?)?", "", text))
    if not _count(_tidy(text), atoms, isotopes):
        return None
    return Formula(tuple(sorted(atoms.items())), charge, tuple(sorted(isotopes)), waters, spelling)


def _split_charge(text: str) -> tuple[str, int]:
    if bare := _BARE_CHARGE.fullmatch(text):
        return bare[1], (1 if bare[3] == "+" else -1) * int(bare[2])
    match = _CHARGE_END.search(text)
    if match is None:
        return text, 0
    sign = 1 if "+" in (match[2] or match[4]) else -1
    size = int(match[1] or match[3] or 1) if match[2] else 1
    return text[: match.start()], sign * size


def _tidy(text: str) -> str:
    """Subscripts as plain digits; ``^{14}_6`` before an element stays as a mark of its isotope."""
    text = re.sub(r"_\s*\{?\s*\d+\s*\}?\s*\^\s*\{?\s*(\d+)\s*\}?(?=\s*[A-Z])", r"^\1 ", text)
    text = re.sub(r"\^\s*\{?\s*(\d+)\s*\}?\s*_\s*\{?\s*\d+\s*\}?", r"^\1 ", text)
    text = re.sub(r"\^\s*\{\s*(\d+)\s*\}", r"^\1 ", text)
    return re.sub(r"[_{}]", "", text)


_PIECE = re.compile(r"\s*(?:\^(\d{1,3})\s*([A-Z][a-z]?)|([A-Z][a-z]?)|([(\[])|([)\]]))(\d{0,3})")


def _count(text: str, atoms: Counter[str], isotopes: list[tuple[str, int]]) -> bool:
    stack: list[Counter[str]] = [Counter()]
    position = 0
    text = re.sub(r"(?<=[A-Za-z0-9)\]])[-=](?=[A-Z(\[])", "", text).strip()
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None or len(stack) > 8:
            return False
        position = match.end()
        number = int(match[6] or 1)
        symbol = match[2] or match[3]
        if symbol:
            if symbol not in ELEMENTS:
                return False
            stack[-1][symbol] += number
            if match[1]:
                isotopes.append((symbol, int(match[1])))
        elif match[4]:
            stack.append(Counter())
        else:
            if len(stack) == 1:
                return False
            for name, count in stack.pop().items():
                stack[-1][name] += count * number
    atoms.update(stack[0])
    return len(stack) == 1 and bool(atoms)


# --- reactions ---
def parse_reaction(text: str) -> tuple[frozenset[tuple[Formula, Fraction]], ...] | None:
    """Both sides of a reaction as multisets of (substance, coefficient); None when the text is no reaction."""
    text = _STATE.sub("", _plain(text))
    sides = _ARROW.split(text)
    if len(sides) != 2 or (_EQUALS.search(text) and not ("+" in text and re.search(r"\d", text))):
        return None
    read = [_side(side) for side in sides]
    return None if None in read else tuple(side for side in read if side is not None)


_PLUS = re.compile(r"\s*\+\s*(?=[\d(\[{A-Z^\\])|\s+\+\s+")
_COEFFICIENT = re.compile(
    r"^\s*(?:\\frac\s*\{?(\d+)\}?\s*\{?(\d+)\}?|(\d+)/(\d+)|(\d+(?:\.\d+)?))?\s*(.+)$", re.DOTALL
)


def _side(text: str) -> frozenset[tuple[Formula, Fraction]] | None:
    found: dict[str, tuple[Formula, Fraction]] = {}
    for term in _PLUS.split(text.strip()):
        match = _COEFFICIENT.match(term.strip())
        formula = _particle(match[6]) if match else None
        if match is None or formula is None:
            return None
        if match[1] or match[3]:
            size = Fraction(int(match[1] or match[3]), max(1, int(match[2] or match[4])))
        else:
            size = Fraction(match[5] or 1)
        bare = Formula(formula.atoms, formula.charge, formula.isotopes, formula.waters, "")
        key = repr(bare)
        found[key] = (bare, size + (found[key][1] if key in found else 0))
    return frozenset(found.values())


def _particle(text: str) -> Formula | None:
    if _ELECTRON.fullmatch(_STATE.sub("", text).strip()):
        return Formula((("e", 1),), -1, (), Fraction(0), "e")
    parts = [part.strip() for part in _HYDRATE.split(_STATE.sub("", text).strip())]
    waters = _waters(parts[1]) if len(parts) == 2 else Fraction(0)
    return _substance(parts[0], waters) if len(parts) <= 2 and waters is not None else None


# --- electron configurations ---
def parse_configuration(text: str) -> tuple[tuple[str, int], ...] | None:
    """The occupied subshells of ``[Ar] 3d^5 4s^1``, with the noble-gas core written out; None when it is none."""
    text = _plain(text)
    core = _CORE.match(text)
    rest = text[core.end() :] if core else text
    shells: Counter[str] = Counter()
    position = 0
    rest = rest.strip()
    while position < len(rest):
        if rest[position] in " ,{}":
            position += 1
            continue
        match = _SUBSHELL.match(rest, position)
        if match is None:
            return None
        shells[match[1] + match[2]] += int(match[3] or match[4] or 1)
        position = match.end()
    if not shells:
        return None
    for shell in _CORES[core[1]].split() if core else ():
        shells[shell[:2]] += int(shell[2:])
    return tuple(sorted(shells.items()))
