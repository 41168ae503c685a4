"""Properties of the math verifier that must hold for any text."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.answers.compare import compare
from prorl_envs.answers.latex import clean
from prorl_envs.core import Task, Verdict
from prorl_envs.verifiers.math_answer import MathVerifier
from tests.prorl_envs.answer_pairs import pairs

VERIFIER = MathVerifier()
PAIRS = [pair for pair in pairs("math") if pair.answer.strip()]
FAST = settings(deadline=None, max_examples=150)
fractions = st.fractions(min_value=-10_000, max_value=10_000, max_denominator=500)
integers = st.integers(-(10**15), 10**15)


def box(answer: str) -> str:
    return f"\\boxed{{{answer}}}"


def correct(gold: str, response: str) -> bool | None:
    return VERIFIER.verify(response, Task("math", "?", {"answer": gold})).correct


def latex(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


@FAST
@given(st.text(max_size=200))
def test_no_text_raises_in_a_box(text: str) -> None:
    verdict = VERIFIER.verify(box(text), Task("math", "?", {"answer": "7"}))
    assert isinstance(verdict, Verdict)


@FAST
@given(st.text(alphabet="\\{}[]()^_|<>=!%$&,;.+-*/ 0123456789abxyzfrcsqtlnpioe", max_size=80))
def test_no_mathematical_noise_raises_or_changes_between_runs(text: str) -> None:
    assert compare("x^2+1", text) == compare("x^2+1", text)


@FAST
@given(st.text(max_size=100))
def test_cleaning_twice_changes_nothing_that_matters(text: str) -> None:
    assert compare(clean(text) or "0", clean(text) or "0").equal is not False


@FAST
@given(fractions)
def test_a_fraction_is_itself_however_written(value: Fraction) -> None:
    top, bottom = value.numerator, value.denominator
    for form in (
        f"{top}/{bottom}",
        latex(value),
        latex(value).replace("frac", "dfrac"),
        f"\\frac{{{top * 3}}}{{{bottom * 3}}}",
    ):
        assert correct(f"{top}/{bottom}", box(form)), form


@FAST
@given(fractions, fractions)
def test_two_fractions_are_equal_exactly_when_their_values_are(a: Fraction, b: Fraction) -> None:
    assert correct(latex(a), box(latex(b))) is (a == b)
    assert compare(latex(a), latex(b)).equal == compare(latex(b), latex(a)).equal


@FAST
@given(integers)
def test_thousands_separators_change_nothing(value: int) -> None:
    for form in (
        f"{value:,}",
        f"{value:,}".replace(",", "{,}"),
        f"{value:,}".replace(",", "\\,"),
        f"{value}.0",
    ):
        assert correct(str(value), box(form)), form


@FAST
@given(integers, st.integers(1, 9))
def test_a_changed_integer_is_wrong(value: int, step: int) -> None:
    assert not correct(str(value), box(str(value + step)))


@FAST
@given(
    st.sampled_from(PAIRS),
    st.sampled_from(["{}", " {} ", "\n{}\n", "${}$", "\\displaystyle {}", "\\ {}\\ ", "{}."]),
)
def test_white_space_and_math_marks_change_no_verdict(pair, form: str) -> None:  # type: ignore[no-untyped-def]
    assert correct(pair.gold, box(form.format(pair.answer))) is pair.equal


@FAST
@given(
    st.sampled_from(PAIRS),
    st.sampled_from(
        ["", "The answer is ", "<think>hm \\boxed{3}</think>\n", "We see $x=2$, so\n\\[", "**Answer:** "]
    ),
    st.sampled_from(["", ".", " as was to be shown.", "\\]", "$", "\n\nDone."]),
)
def test_surrounding_prose_changes_no_verdict(pair, before: str, after: str) -> None:  # type: ignore[no-untyped-def]
    assert correct(pair.gold, before + box(pair.answer) + after) is pair.equal


@FAST
@given(st.sampled_from([p for p in PAIRS if "\\boxed" not in p.answer and "fbox" not in p.answer]))
def test_the_style_of_the_box_changes_no_verdict(pair) -> None:  # type: ignore[no-untyped-def]
    assert correct(pair.gold, f"\\fbox{{{pair.answer}}}") is pair.equal
    assert correct(pair.gold, f"\\boxed {{{pair.answer}}}") is pair.equal


@FAST
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_lists_have_no_order_and_tuples_have_one(values: list[int], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = values[:]
    random.shuffle(shuffled)
    gold, answer = (", ".join(map(str, v)) for v in (values, shuffled))
    assert correct(gold, box(answer))
    assert correct(f"({gold})", box(f"({answer})")) is (values == shuffled)


@FAST
@given(st.integers(2, 60), st.integers(1, 40))
def test_numbers_closer_than_any_float_are_told_apart(power: int, digit: int) -> None:
    assert not correct(f"{digit} \\cdot 10^{{-{power}}}", box(f"{digit + 1} \\cdot 10^{{-{power}}}"))
    assert correct(f"{digit} \\cdot 10^{{-{power}}}", box(f"{digit}e-{power}"))
