"""The paper's two rule sets and the audit of golds."""

from __future__ import annotations

import logging

import pytest

from prorl_envs.answers.deepscaler import deepscaler_equal
from prorl_envs.answers.gold_audit import GoldGrade, audit_gold, audit_golds
from prorl_envs.answers.mathverify import boxed_equal, prepare
from prorl_envs.answers.residues import compare_residues


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        ("5", "5", True),
        ("5", "5.0", True),
        ("1000", "1,000", True),
        ("\\frac{1}{2}", "0.5", True),
        ("\\frac{1}{2}", "1/2", True),
        ("\\frac{1}{2}", "\\dfrac{1}{2}", True),
        ("\\frac12", "\\frac{1}{2}", True),
        ("\\sqrt2", "\\sqrt{2}", True),
        ("10", "10 \\text{ meters}", True),
        ("90", "90^\\circ", True),
        ("25", "25\\%", True),
        ("x+1", "1+x", True),
        ("(1,2)", "(1, 2)", True),
        ("5", "x=5", True),
        ("5", "6", False),
        ("\\frac{1}{2}", "\\frac{2}{4}", False),
        ("(1,2)", "[1,2]", False),
        ("(1,2)", "(2,1)", False),
        ("5", "\\frac{5}{1}", False),
        ("a+b+c", "c+b+a", False),
        ("x^{2}", "y^{2}", False),
        ("5", "", False),
    ],
)
def test_deepscalers_rules(gold: str, answer: str, equal: bool) -> None:
    """Among them its known strictness: unreduced fractions and more than two letters are refused."""
    assert deepscaler_equal(gold, answer) is equal


@pytest.mark.parametrize(
    "answer", ["9**9**9**9", "99999999!", "x**9**9**9", "(" * 5_000, "__import__('os')", "\0", "\ud800"]
)
def test_deepscalers_rules_neither_hang_nor_run_anything(answer: str) -> None:
    assert deepscaler_equal("7", answer) is False
    assert deepscaler_equal("x/2", answer) is False


def test_math_verify_is_quiet_and_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    prepare()
    with caplog.at_level(logging.WARNING):
        assert boxed_equal("\\frac{1}{2}", "0.5", relations=True, plain=True)
        assert not boxed_equal("1", "\\frac{", relations=True, plain=True)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("gold", "grade"),
    [
        ("5", GoldGrade.VERIFIABLE),
        ("\\frac{1}{2}", GoldGrade.VERIFIABLE),
        ("(1,2)", GoldGrade.VERIFIABLE),
        ("\\text{even}", GoldGrade.VERIFIABLE),
        ("x>3", GoldGrade.VERIFIABLE),
        ("n \\equiv 0,2 \\pmod 6", GoldGrade.VERIFIABLE),
        ("", GoldGrade.BROKEN),
        ("\\frac{1}{2", GoldGrade.BROKEN),
        ("x +", GoldGrade.BROKEN),
        ("(1,2", GoldGrade.BROKEN),
        ("There are infinitely many such numbers, as the proof above shows.", GoldGrade.AMBIGUOUS),
        ("1, 2, 3 \\not\\subseteq x", GoldGrade.AMBIGUOUS),
    ],
)
def test_grades(gold: str, grade: GoldGrade) -> None:
    assert audit_gold(gold).grade is grade


def test_a_table_counts_every_gold_once() -> None:
    table = audit_golds(["5", 7, None, "", "\\frac{1}{2", "6"])
    assert table.total == 6
    assert table.share(GoldGrade.BROKEN) == 0.5
    assert sum(count for _, _, count in table.rows()) == 6
    assert [finding.reason for finding in table.findings] == ["no text", "empty", "unbalanced braces"]


def test_residues() -> None:
    assert compare_residues("n \\equiv 1 \\pmod{4}", "n \\equiv 5 \\pmod{4}").equal
    assert compare_residues("n \\equiv 1 \\pmod{4}", "n \\equiv 1 \\pmod{8}").equal is False
    assert compare_residues("5", "5").equal is None
