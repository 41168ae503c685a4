"""The named transforms say what they cannot read, and a gold is only taken where one stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prorl_envs.transforms import TRANSFORMS, final_answer


@pytest.mark.parametrize(
    ("value", "text"),
    [(142.0, "142"), (0.5, "0.5"), (7, "7"), (" a\n", "a"), ("025", "025"), (1e300, str(10**300))],
)
def test_text(value: Any, text: str) -> None:
    if value == 1e300:
        text = str(int(1e300))
    assert TRANSFORMS["text"](value) == text


def test_texts_drops_duplicates_and_blanks() -> None:
    assert TRANSFORMS["texts"](["9.6\n", "9.6", "", 10.0]) == ["9.6", "10"]
    assert TRANSFORMS["texts"]("x") == ["x"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", True),
        ("text", ["a"]),
        ("texts", [None]),
        ("json", "{"),
        ("json", "[" * 100_000),
        ("user_text", [{"role": "system", "content": "x"}]),
        ("user_text", {"role": "user"}),
        ("code_tests", ["1"]),
        ("code_tests", {"inputs": ["1"], "outputs": []}),
        ("code_tests", {"inputs": ["1", "2"], "outputs": ["1"]}),
        ("code_tests", {"inputs": "1", "outputs": "1"}),
    ],
)
def test_what_cannot_be_read_is_refused(name: Any, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        TRANSFORMS[name](value)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        (" $10^{-19} \\mathrm{~J}$", "$\\mathrm{~J}$"),
        ("$10^6$ m", "m"),
        ("$10^6$", ""),
        ("$10^{-3} \\%$", "$\\%$"),
        ("$\\mathrm{kJ} \\mathrm{mol}^{-1}$", "$\\mathrm{kJ} \\mathrm{mol}^{-1}$"),
        ("m^{10}", "m^{10}"),
        ("", ""),
    ],
)
def test_unit_name(unit: str, name: str) -> None:
    assert TRANSFORMS["unit_name"](unit) == name


def test_user_text_takes_the_last_user_message() -> None:
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert TRANSFORMS["user_text"](chat) == "u"


def test_code_tests_keeps_what_the_verifier_needs() -> None:
    tests = {"inputs": [["01"], ["1"]], "outputs": [[0], [1]], "fn_name": "f", "extra": 1}
    assert TRANSFORMS["code_tests"](tests) == {
        "inputs": [["01"], ["1"]],
        "outputs": [[0], [1]],
        "fn_name": "f",
    }
    assert "fn_name" not in TRANSFORMS["code_tests"]({"inputs": ["1"], "outputs": ["1"], "fn_name": None})


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("We get $E = mc^2$, so \\boxed{5.1 \\text{ J}}.\nThis is it.", "5.1 \\text{ J}"),
        ("First $x=2$.\n\n**Answer:** 3.2 m/s.", "3.2 m/s"),
        ("The correct answer is (B).", "(B)"),
        ("Divide.\nTherefore the final answer is: $\\frac{1}{2}$.", "\\frac{1}{2}"),
        ("2.5 mol", "2.5 mol"),
        ("C", "C"),
        ("By energy conservation,\n$$v = \\sqrt{2gh} = 4.4 \\, \\mathrm{m/s}$$", "4.4   \\mathrm{m/s}"),
        ("So the speed\n\\[ v \\approx 12 \\text{ km/s} \\]", "12 \\text{ km/s}"),
        ("Then\n$x \\approx 3.14 \\approx 3.1$", "3.1"),
        ("(a) \\boxed{3} and (b) \\boxed{4}", None),
        ("(a) gives \\boxed{3}, as \\boxed{3} shows", "3"),
        ("Then $a = 2$, $b = -1$ and $c = -18$.\nThus, $h=-1$ and $k=-18$.", None),
        ("So\n$F = G M m / r^2$", None),
        ("So\nthe force is $F = 3.5 \\times 10^{-4} \\mathrm{~N}$.", "3.5 \\times 10^{-4} \\mathrm{~N}"),
        ("We get $g(n)=1$ for all $n$.\nHence $g=1$ for all $n$", None),
        ("Answer: 11 + 6 = 17", "17"),
        ("The answer is $s = 3$, regardless of the value of $n$.", None),
        ("The enzyme lowers the activation energy because it binds the transition state.", None),
        ("The answer is obtained by comparing both of the sides of the balance.", None),
        ("Let $x = y$.\nThen the two sides agree, which proves the claim for all n.", None),
        ("", None),
        ("Answer: " + "word " * 60, None),
    ],
)
def test_final_answer(solution: str, answer: str | None) -> None:
    assert final_answer(solution) == answer


@given(st.text())
def test_final_answer_is_total_and_short(text: str) -> None:
    answer = final_answer(text)
    assert answer is None or 0 < len(answer) <= 120


def test_final_answer_is_linear_in_hostile_text() -> None:
    for hostile in (
        "\\approx 1 " * 60_000,
        "x\n" + "\\approx 1 " * 60_000,
        "answer " * 100_000,
        "answer is " + "*_: " * 100_000,
        "=" * 500_000,
        "\\boxed{" * 50_000,
    ):
        final_answer(hostile)
