"""Reading answers: spellings, expressions, shapes; what is refused, and what must not take long."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from prorl_envs.answers.compare import compare
from prorl_envs.answers.equality import constant_value, equal, proportional
from prorl_envs.answers.exact import TooLarge, exact
from prorl_envs.answers.latex import clean
from prorl_envs.answers.lexer import tokenize
from prorl_envs.answers.parser import read, readings
from prorl_envs.answers.plusminus import expand
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.response import final_answer, later_claims, unboxed
from prorl_envs.answers.shapes import Chain, Items, Matrix, Ratio, Region, Relation, Scalar, Shape
from prorl_envs.answers.syntax import Unreadable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("1,000.5", Fraction(2001, 2)),
        ("-3", -3),
        ("2^{10}", 1024),
        ("\\frac12", Fraction(1, 2)),
        ("\\frac{1}{2}3", Fraction(3, 2)),
        ("3\\frac{1}{4}", Fraction(13, 4)),
        ("2^{3!}", 64),
        ("3!^2", 36),
        ("-2^2", -4),
        ("2^-1", Fraction(1, 2)),
        ("2^{3^2}", 512),
        ("\\sqrt[3]{-8}", -2),
        ("|3-5|", 2),
        ("||1-3|-5|", 3),
        ("\\lfloor -1/2 \\rfloor", -1),
        ("\\binom{5}{2}", 10),
        ("\\sum_{k=1}^{4} k^2", 30),
        ("\\prod_{k=1}^{4} k", 24),
        ("17 \\bmod 5", 2),
        ("0.\\overline{27}", Fraction(3, 11)),
        ("110_2", 6),
        ("50\\%", Fraction(1, 2)),
        ("4^{1/2}", 2),
        ("10 000", 10_000),
        ("1e-3", Fraction(1, 1000)),
        ("2(3)(4)", 24),
        ("6/2\\cdot 3", 9),
    ],
)
def test_exact_values(text: str, value: Fraction) -> None:
    assert exact(read(clean(text)), {}) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\sin 30^\\circ", "0.5"),
        ("\\ln e^2", "2"),
        ("\\sin\\frac{\\pi}{2}", "1"),
        ("\\log_2 8", "3"),
        ("\\sin^2 1+\\cos^2 1", "1"),
        ("\\arctan 1 \\cdot 4", "3.14159265358979"),
        ("\\sin^{-1} 1", "1.5707963267949"),
    ],
)
def test_approximate_values(text: str, value: str) -> None:
    assert abs(float(constant_value(read(clean(text)))) - float(value)) < 1e-12


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "1+",
        "(1",
        "1)",
        "\\frac{1}",
        "1 2",
        "x = 1",
        "1, 2",
        "\\int x dx",
        "\\unknown x",
        "\\begin{cases}1\\end{cases}",
        "^2",
        "\\sqrt",
        "|1",
        "2 ** ",
        "hello world",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(clean(text))


@pytest.mark.parametrize(
    "text",
    ["(" * 5_000, "2^{" * 5_000, "-" * 100_000, "\\frac" * 10_000, "1+" * 5_000 + "1", "\\text{" * 9_000],
)
def test_long_nonsense_is_refused_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(Unreadable):
        read(clean(text))
    assert time.monotonic() - start < 1.0


@pytest.mark.parametrize("text", ["\\sum_{k=1}^{10^9} k", "\\sum_{i=1}^{99}\\sum_{j=1}^{99} ij"])
def test_what_would_take_long_is_not_computed(text: str) -> None:
    with pytest.raises(TooLarge):
        exact(read(clean(text)), {})


@pytest.mark.parametrize(
    "pair",
    [("9^{9^{9^9}}", "7"), ("99999999!", "7"), ("2^{99999999}", "2^{99999999}+1"), ("x^{9^{9^9}}", "x")],
)
def test_towers_are_undecided_and_quick(pair: tuple[str, str]) -> None:
    start = time.monotonic()
    assert equal(*(read(text) for text in pair)) is not True
    assert time.monotonic() - start < 1.0


def test_a_slash_before_a_product_has_two_readings() -> None:
    assert len(readings(tokenize("t/RC"))) == 2
    assert len(readings(tokenize("1/2"))) == 1


def test_small_numbers_are_no_zeros_but_hidden_zeros_are() -> None:
    assert equal(read("e^{-200}"), read("e^{-300}")) is False
    assert equal(read("e^{-200}"), read("0")) is False
    assert equal(read("\\sqrt{2}\\sqrt{3}-\\sqrt{6}"), read("0")) is True


def test_positive_symbols_are_a_choice() -> None:
    root, plain = read("\\sqrt{x^2}"), read("x")
    assert equal(root, plain) is False
    assert equal(root, plain, positive=True) is True


def test_equations_are_proportional_or_not() -> None:
    assert proportional(read("2x-4"), read("x-2")) is True
    assert proportional(read("x-2"), read("2-x"), sign=1) is False
    assert proportional(read("x-2"), read("x^2-2x")) is False


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5", Scalar),
        ("x = 5", Scalar),
        ("5 \\text{ cm}", Scalar),
        ("1, 2", Items),
        ("(1, 2)", Items),
        ("\\{1\\}", Items),
        ("\\pm 1", Items),
        ("x > 1", Region),
        ("(0,1) \\cup (2,3)", Region),
        ("\\{x \\mid x > 1\\}", Region),
        ("x^2 + 2y^2 = 1", Relation),
        ("x + y < 1", Region),
        ("2 + 3 = 5", Chain),
        ("2:3", Ratio),
        ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", Matrix),
    ],
)
def test_shapes(text: str, kind: type[Shape]) -> None:
    assert isinstance(read_shape(clean(text)), kind)


def test_plus_minus_writes_its_values() -> None:
    assert len(expand(read("1 \\pm \\sqrt{2}"))) == 2
    assert len(expand(read("\\pm 1 \\pm 2"))) == 4
    assert len(expand(read("\\pm 1 \\mp 2"))) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x < 1 \\text{ or } x > 2", "(-\\infty,1)\\cup(2,\\infty)", True),
        ("(0,2)\\cup(1,3)", "(0,3)", True),
        ("(0,1)\\cup[1,2)", "(0,2)", True),
        ("(0,1)\\cup(1,2)", "(0,2)", False),
        ("\\mathbb{R} \\setminus \\{1, 2\\}", "(-\\infty,1)\\cup(1,2)\\cup(2,\\infty)", True),
        ("(0,5) \\cap (3,9)", "3 < x < 5", True),
        ("[0,1]", "[0,1)\\cup\\{1\\}", True),
    ],
)
def test_regions(one: str, other: str, same: bool) -> None:
    assert compare(one, other).equal is same


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("$\\dfrac{1}{2}$.", "\\frac{1}{2}"),
        ("**73**", "73"),
        ("x²", "x^{2}"),
        ("\\left( 1 \\right)", "( 1 )"),
        ("90^\\circ", "90\\degree"),
        ("1{,}000", "1000"),
        ("５", "5"),
        ("{{7}}", "7"),
        ("\\$10", "10"),
        ("7\\,", "7"),
        ("3.14\\ldots", "3.14"),
        ("\\\\frac{1}{2}", "\\frac{1}{2}"),
        ("\u200b7", "7"),
    ],
)
def test_one_spelling(text: str, spelled: str) -> None:
    assert clean(text).replace(" ", "") == spelled.replace(" ", "")


def test_boxes_joined_and_nested() -> None:
    joined, nested = final_answer("\\boxed{1} and \\boxed{2}"), final_answer("\\boxed{is $\\boxed{3}$}")
    assert joined is not None and joined.content == "1, 2"
    assert nested is not None and nested.content == "3"
    assert final_answer("no box") is None
    assert unboxed("$\\boxed{4}$") == "4"


@pytest.mark.parametrize(
    ("after", "claims"),
    [
        (". Wait, the answer is 8.", ["8"]),
        (" is it.", []),
        (" The final answer is $x^2$.", ["x^2"]),
        (". I hope it is correct.", []),
        ("\n\nSo we are done = yes", []),
    ],
)
def test_later_claims(after: str, claims: list[str]) -> None:
    assert list(dict.fromkeys(later_claims(after))) == claims
