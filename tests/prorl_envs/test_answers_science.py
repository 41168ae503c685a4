"""Units, quantities, chemistry, choices, solution texts: what each reads, and what it must not take for it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from prorl_envs.answers.chemistry import parse_configuration, parse_formula, parse_reaction
from prorl_envs.answers.choices import chosen, gold_choices
from prorl_envs.answers.parts import parse_range, split_parts
from prorl_envs.answers.quantities import parse_quantity
from prorl_envs.answers.solution import Extraction, extract_answer
from prorl_envs.answers.terms import genotype
from prorl_envs.answers.units import NO_UNIT, parse_unit


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "kJ/mol",
            "\\text{ kJ\\,mol}^{-1}",
            "kJ mol-1",
            "kilojoules per mole",
            "\\mathrm{kJ}\\,\\mathrm{mol}^{-1}",
            "\\frac{\\text{kJ}}{\\text{mol}}",
        ),
        ("m/s^2", "m s^{-2}", "m·s⁻²", "\\mathrm{m/s^2}", "meters per second squared"),
        ("μA", "\\mu A", "\\mu\\text{A}", "uA", "microamperes"),
        ("°C", "^\\circ C", "^{\\circ}\\mathrm{C}", "degrees Celsius"),
        ("Ω", "\\Omega", "ohm", "ohms"),
        ("N·m", "N m", "Nm", "\\text{N}\\cdot\\text{m}"),
        ("cm³", "cm^3", "cm3", "cubic centimeters", "mL"),
        ("J/(mol K)", "J/mol/K", "J mol^{-1} K^{-1}", "J/mol·K"),
    ],
)
def test_spellings_of_one_unit(spellings: tuple[str, ...]) -> None:
    units = {parse_unit(text) for text in spellings}
    assert len(units) == 1 and None not in units


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mW", "MW"),
        ("m", "M"),
        ("g", "G"),
        ("K", "°C"),
        ("s", "S"),
        ("Pa", "pA"),
        ("mm", "Mm"),
        ("nm", "Nm"),
        ("T", "t"),
        ("cal", "kcal"),
        ("J", "J/mol"),
    ],
)
def test_units_that_only_look_alike(one: str, other: str) -> None:
    assert parse_unit(one) != parse_unit(other)


@pytest.mark.parametrize("text", ["x", "v_0", "+3", "m^{9^9}", "m^99", "=5", "(m", "q" * 500])
def test_what_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


def test_blank_is_no_unit() -> None:
    assert parse_unit("  ") == NO_UNIT


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.6\\times 10^{-19} \\text{ C}", Fraction(16, 10**20)),
        ("1.6e-19 C", Fraction(16, 10**20)),
        ("1.6*10^-19 C", Fraction(16, 10**20)),
        ("-92.2 kJ", Fraction(-461, 5)),
        ("\\frac{2}{3} \\text{ m}", Fraction(2, 3)),
        ("x = 5.0 \\text{ m}", 5),
        ("\\approx 3", 3),
        ("1{,}234 m", 1234),
        ("(2.50 \\pm 0.05) \\text{ m}", Fraction(5, 2)),
        ("10^{-7} m", Fraction(1, 10**7)),
        ("40\\%", 40),
        ("+3", 3),
        ("\\text{pH} = 4.7", Fraction(47, 10)),
    ],
)
def test_quantities(text: str, value: Fraction) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None and quantity.value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "x + 1",
        "5 m or 6 m",
        "a = 1, b = 2",
        "\\frac{1}{2}mv^2",
        "10-20",
        "5, 6",
        "nan",
        "7 m^{9^{9^9}}",
    ],
)
def test_what_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize("text", ["H2O", "\\ce{H2O}", "\\mathrm{H_2O}", "H₂O", "$H_{2}O$"])
def test_spellings_of_one_formula(text: str) -> None:
    formula = parse_formula(text)
    assert formula is not None and formula.atoms == (("H", 2), ("O", 1)) and formula.charge == 0


@pytest.mark.parametrize(
    ("text", "charge"),
    [
        ("Na^+", 1),
        ("Na+", 1),
        ("SO_4^{2-}", -2),
        ("SO4^2-", -2),
        ("\\ce{Fe^3+}", 3),
        ("Cl^-", -1),
        ("[Fe(CN)_6]^{4-}", -4),
        ("NaCl", 0),
    ],
)
def test_charges(text: str, charge: int) -> None:
    formula = parse_formula(text)
    assert formula is not None and formula.charge == charge


@pytest.mark.parametrize("text", ["water", "Xy2", "h2o", "", "(((", "H2O)", "mv^2", "5 m"])
def test_what_is_no_formula(text: str) -> None:
    assert parse_formula(text) is None


def test_a_reaction_has_sides_and_no_order_within_them() -> None:
    assert parse_reaction("2H_2 + O_2 \\to 2H_2O") == parse_reaction("\\ce{O2(g) + 2H2(g) -> 2H2O(l)}")
    assert parse_reaction("2H_2 + O_2 \\to 2H_2O") != parse_reaction("2H_2O \\to 2H_2 + O_2")
    assert parse_reaction("P = IV") is None


def test_a_configuration_may_be_written_with_or_without_its_core() -> None:
    assert parse_configuration("[Ar]3d^{6}4s^{2}") == parse_configuration("1s2 2s2 2p6 3s2 3p6 4s2 3d6")
    assert parse_configuration("1s^22s^22p^6") == (("1s", 2), ("2p", 6), ("2s", 2))
    assert parse_configuration("hello") is None


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("\\textbf{(B)} 5", "B"),
        ("A and C", "AC"),
        ("A or B", "AB"),
        ("AC", "AC"),
        ("Option D", "D"),
        ("the cat", None),
        ("8", None),
        ("", None),
    ],
)
def test_chosen_letters(text: str, letters: str | None) -> None:
    assert chosen(text) == (None if letters is None else frozenset(letters))


@pytest.mark.parametrize(
    ("text", "is_choice"),
    [
        ("B", True),
        ("(B)", True),
        ("A, C", True),
        ("b", False),
        ("\\text{odd}", False),
        ("12", False),
        ("x", False),
    ],
)
def test_golds_that_are_choices(text: str, is_choice: bool) -> None:
    assert (gold_choices(text) is not None) is is_choice


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("AaBb", True), ("aa", True), ("AABBcc", True), ("ab", False), ("Aab", False), ("ethanol", False)],
)
def test_genotypes(text: str, is_one: bool) -> None:
    assert genotype(text) is is_one


def test_ranges_and_parts() -> None:
    assert parse_range("10 to 20 nm") is not None
    assert parse_range("between 10 and 20") is not None
    assert parse_range("5 m") is None
    assert split_parts("(a) 5 m (b) 3 s") == (["5 m", "3 s"], ["a", "b"])
    assert split_parts("a = 1, b = 2")[1] == ["a", "b"]
    assert split_parts("1,000 m") == (["1,000 m"], [""])
    assert split_parts("f(x, y)") == (["f(x, y)"], [""])


@pytest.mark.parametrize(
    ("solution", "answer", "how"),
    [
        ("5.0 m/s", "5.0 m/s", Extraction.SHORT),
        ("Work it out.\nThe force is $F = ma$. So \\boxed{6 \\text{ N}}.", "6 \\text{ N}", Extraction.BOXED),
        ("Work it out with care, step by step.\nThe answer is 42 kJ.", "42 kJ", Extraction.STATED),
        ("Using the gas law for the given amounts.\nTherefore, $V = 22.4$ L.", "", Extraction.UNCLEAR),
        (
            "Use the ideal gas law with the given amounts.\nTherefore, $V = 22.4 \\text{ L}$.",
            "22.4 \\text{ L}",
            Extraction.EQUATION,
        ),
        (
            "Long considerations about the nature of things.\n\\[E = \\frac{hc}{\\lambda}\\]",
            "\\frac{hc}{\\lambda}",
            Extraction.EQUATION,
        ),
        (
            "There are several things to be said here.\nNone of them is final, all of them are true.",
            "",
            Extraction.UNCLEAR,
        ),
        ("", "", Extraction.UNCLEAR),
    ],
)
def test_answers_of_solutions(solution: str, answer: str, how: Extraction) -> None:
    found = extract_answer(solution)
    if how is Extraction.UNCLEAR:
        assert found.answer == "" or found.how is not Extraction.SHORT
    else:
        assert found == (answer, how)
