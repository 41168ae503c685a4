"""Properties of the STEM verifier that must hold for any text and any quantity."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.core import Task, Verdict
from prorl_envs.verifiers.stem_answer import StemVerifier
from tests.prorl_envs.answer_pairs import Pair, pairs

VERIFIER = StemVerifier()
PAIRS = [pair for pair in pairs("stem") if pair.answer.strip()]
FAST = settings(deadline=None, max_examples=150)
GOLDS = st.sampled_from(
    ["5.0 m", "B", "H_2O", "\\frac{1}{2}mv^2", "ethanol", "10-20", "[Ar]4s^1", "AaBb", "2H_2+O_2 \\to 2H_2O"]
)
UNITS = st.sampled_from(
    [("km", "m", 3), ("kJ", "J", 3), ("ms", "s", -3), ("MPa", "Pa", 6), ("nm", "m", -9), ("mL", "L", -3)]
)
MANTISSAS = st.integers(100, 999)


def correct(gold: str, answer: str) -> bool | None:
    return VERIFIER.verify(f"\\boxed{{{answer}}}", Task("stem", "?", {"answer": gold})).correct


@FAST
@given(GOLDS, st.text(max_size=120))
def test_no_text_raises(gold: str, text: str) -> None:
    verdict = VERIFIER.verify(f"\\boxed{{{text}}}", Task("stem", "?", {"answer": gold}))
    assert isinstance(verdict, Verdict)


@FAST
@given(GOLDS, st.text(alphabet="\\\\{}()[]^_+-=,;.:/ 0123456789mgskJNHOCAaBb%°μ", max_size=60))
def test_no_scientific_noise_raises(gold: str, text: str) -> None:
    assert correct(gold, text) == correct(gold, text)


@FAST
@given(st.sampled_from(PAIRS), st.sampled_from([" {} ", "\n{}\n", "${}$", "\\ {}", "{}."]))
def test_white_space_and_math_marks_change_no_verdict(pair: Pair, form: str) -> None:
    assert correct(pair.gold, form.format(pair.answer)) is pair.equal


@FAST
@given(MANTISSAS, st.integers(-40, 40), UNITS)
def test_a_quantity_is_itself_in_any_prefix_and_spelling(
    mantissa: int, size: int, unit: tuple[str, str, int]
) -> None:
    big, small, shift = unit
    gold = f"{mantissa / 100:.2f} \\times 10^{{{size}}} \\text{{ {big}}}"
    for answer in (
        f"{mantissa / 100:.2f}e{size} {big}",
        f"{mantissa / 100:.2f} \\times 10^{{{size + shift}}}\\ \\mathrm{{{small}}}",
        f"{mantissa} \\cdot 10^{{{size + shift - 2}}} {small}",
    ):
        assert correct(gold, answer), answer


@FAST
@given(MANTISSAS, st.integers(-40, 40), UNITS, st.sampled_from([0.9, 1.1, 2.0, -1.0, 10.0]))
def test_another_quantity_is_another(
    mantissa: int, size: int, unit: tuple[str, str, int], factor: float
) -> None:
    gold = f"{mantissa / 100:.2f} \\times 10^{{{size}}} \\text{{ {unit[0]}}}"
    assert not correct(gold, f"{mantissa / 100 * factor:.4f} \\times 10^{{{size}}} \\text{{ {unit[0]}}}")
    assert not correct(gold, f"{mantissa / 100:.2f} \\times 10^{{{size}}} \\text{{ {unit[1]}}}")
    assert not correct(gold, f"{mantissa / 100:.2f} \\times 10^{{{size}}} \\text{{ {unit[0]}^2}}")
