"""The expression parser means what Python means, refuses what is too large, and knows no functions but its own."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.puzzles.algebras import FUNCTIONS, Arithmetic, Derivatives, Polynomials
from prorl_envs.puzzles.expressions import BadExpressionError, evaluate, parse

SIGNED = st.sampled_from(
    ["{} + {}", "{}-{}", "{} * {}", "{}/{}", "({})", "-{}", "- ({})", "({} + {}) * {}", "{} - -{}"]
)


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return str(draw(st.integers(0, 99)))
    form = draw(SIGNED)
    return form.format(*(draw(arithmetic(depth=depth - 1)) for _ in range(form.count("{}"))))


@given(arithmetic())
def test_arithmetic_is_pythons(text: str) -> None:
    exact = "".join(f"Fraction({part})" if part.isdigit() else part for part in _split(text))
    try:
        wanted = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            evaluate(parse(text), Arithmetic())
        return
    assert evaluate(parse(text), Arithmetic()) == wanted


def _split(text: str) -> list[str]:
    parts, number = [], ""
    for c in text:
        if c.isdigit():
            number += c
            continue
        parts, number = [*parts, number, c] if number else [*parts, c], ""
    return [*parts, number] if number else parts


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=8)
)
def test_sums_of_monomials_are_sympys(terms: list[tuple[int, int, int]]) -> None:
    text = " + ".join(f"{c}*x**{m}*y**{n}" for c, m, n in terms)
    made = evaluate(parse(text), Polynomials())
    x, y = sympy.symbols("x y")
    wanted = sympy.Poly(sympy.sympify(text), x, y)
    back = sum(
        (
            sympy.Rational(f.numerator, f.denominator) * sympy.prod(sympy.Symbol(n) ** e for n, e in m)
            for m, f in made.items()
        ),
        sympy.Integer(0),
    )
    assert sympy.Poly(back, x, y) == wanted


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_slopes_are_sympys(function: str) -> None:
    names = {"abs": "Abs", "ln": "log"}
    x = sympy.Symbol("x", real=True)
    f = getattr(sympy, names.get(function, function))(x / 3 + sympy.Rational(1, 5))
    for point in (0.7, 1.3):
        made = evaluate(parse(f"{function}(x/3 + 1/5)"), Derivatives("x", point, 0.0))
        assert made.value == pytest.approx(complex(f.subs(x, point)), rel=1e-12)
        assert made.slope == pytest.approx(complex(f.diff(x).subs(x, point)), rel=1e-12)


@pytest.mark.parametrize(
    "text", ["x**x", "2**x", "(x+1)**3", "x**(1/2)", "1/x", "E**(2*x)", "-x**2", "x**-2", "(x*x)/(x+4)"]
)
def test_slopes_of_powers_and_quotients_are_sympys(text: str) -> None:
    x = sympy.Symbol("x", positive=True)
    wanted = sympy.sympify(text, locals={"x": x}).diff(x)
    made = evaluate(parse(text), Derivatives("x", 1.7, 0.0))
    assert made.slope == pytest.approx(complex(wanted.subs(x, 1.7)), rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2",
        "(1",
        "1)",
        "1+",
        "*1",
        "2x",
        "f(1, 2)",
        "x=1",
        "x^2",
        "x!",
        "1.2.3",
        "a.b",
        "[1]",
        "'a'",
        "1_000",
        "\x00",
        "²",
        "(" * 99 + "1" + ")" * 99,
    ],
)
def test_other_texts_are_no_expressions(text: str) -> None:
    with pytest.raises(BadExpressionError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["9**9**9**9", "((((9**99)**99)**99)**99)", "x**999999999", "(x**200)**200", "9**(9*9*9*9)"]
)
def test_towers_are_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(BadExpressionError):
        evaluate(parse(text), Polynomials())
    assert time.perf_counter() - begun < 0.5


@given(st.text(alphabet="0123456789.+-*/() xyE*", max_size=60))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except BadExpressionError:
        return
    for algebra in (Arithmetic(), Polynomials(), Derivatives("x", 0.5, 1.0)):
        try:
            evaluate(node, algebra)  # type: ignore[arg-type]
        except (BadExpressionError, ArithmeticError):
            continue


def test_long_sums_do_not_recurse() -> None:
    assert evaluate(parse("+".join(["1"] * 1000)), Arithmetic()) == 1000
