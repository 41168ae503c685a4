"""The math verifier around its rules: boxes, reasoning, modes, statuses, malformed tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.verifiers.math_answer import MathVerifier

STRICT, PAPER = MathVerifier(), MathVerifier(mode="paper")
SAMPLES = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "math.jsonl"


def judge(response: str, answer: object = "7", verifier: MathVerifier = STRICT) -> Verdict:
    return verifier.verify(response, Task("math", "?", {"answer": answer}))


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ("\\boxed{7}", Status.CORRECT),
        ("<think>\\boxed{8}</think> so \\boxed{7}", Status.CORRECT),
        ("first \\boxed{8}, no: \\boxed{7}", Status.CORRECT),
        ("\\boxed{The answer is $\\boxed{7}$}", Status.CORRECT),
        ("\\boxed{7}. I hope it is correct. Final Answer: the final answer is 7.", Status.CORRECT),
        ("\\boxed{7} and that is the answer to all of it.", Status.CORRECT),
        ("\\boxed{7}. Let me check: 3 + 4 = 7. Correct.", Status.CORRECT),
        ("\\boxed{8}", Status.WRONG),
        ("\\boxed{7}. Wait, the answer is 8.", Status.WRONG),
        ("\\boxed{7}. Actually, it should be 8.", Status.WRONG),
        ("\\boxed{7}, or maybe it is 8.", Status.WRONG),
        ("\\boxed{7} or \\boxed{8}", Status.WRONG),
        ("\\boxed{7} and \\boxed{8}", Status.WRONG),
        ("<think>\\boxed{7}</think> I do not know", Status.NO_ANSWER),
        ("the answer is 7", Status.NO_ANSWER),
        ("I guess 7", Status.NO_ANSWER),
        ("\\boxed{}", Status.NO_ANSWER),
        ("\\boxed{7", Status.NO_ANSWER),
        ("", Status.NO_ANSWER),
        ("<think>\\boxed{7}", Status.TRUNCATED),
    ],
)
def test_where_the_answer_stands(response: str, status: Status) -> None:
    verdict = judge(response)
    assert verdict.status is status
    assert verdict.parts == {"correct": float(status is Status.CORRECT)}


def test_two_boxes_joined_are_one_answer_of_two_parts() -> None:
    assert judge("\\boxed{2} and \\boxed{5}", "5, 2").correct


def test_any_of_several_accepted_answers_suffices() -> None:
    task = Task("math", "?", {"answers": ["\\frac{1}{2}", "0.49"]})
    assert STRICT.verify("\\boxed{0.49}", task).correct
    assert STRICT.verify("\\boxed{1/2}", task).correct
    assert not STRICT.verify("\\boxed{0.48}", task).correct


def test_the_verdict_names_the_rule() -> None:
    assert judge("\\boxed{7}").detail == "text"
    assert judge("\\boxed{7.0}").detail == "value"
    assert judge("\\boxed{8=7}").detail == "contradictory chain"
    assert judge("\\boxed{[1,2]}", "(1,2)").detail == "brackets"


@pytest.mark.parametrize("answer", ["", "  ", "$$", "\\frac{1}{2", None, ["7"], True, {"x": 1}])
def test_an_unusable_gold_is_the_tasks_fault(answer: object) -> None:
    with pytest.raises(TaskError, match=r"truth\.answer"):
        judge("\\boxed{7}", answer)


@pytest.mark.parametrize("answers", [[], [""], [None], "7", ["7", ""]])
def test_unusable_golds_among_several_are_named(answers: object) -> None:
    with pytest.raises(TaskError, match=r"truth\.answers"):
        STRICT.check(Task("math", "?", {"answers": answers}))


def test_a_number_may_be_a_gold() -> None:
    assert judge("\\boxed{7}", 7).correct
    assert judge("\\boxed{0.5}", 0.5).correct


def test_a_task_may_permit_an_error() -> None:
    task = Task("math", "?", {"answer": "4.2", "abs_tol": 0.1})
    assert STRICT.verify("\\boxed{4.3}", task).detail == "tolerance"
    assert STRICT.verify("\\boxed{4.15\\%}", task).correct
    assert STRICT.verify("\\boxed{\\sqrt{18}}", task).correct
    assert not STRICT.verify("\\boxed{4.31}", task).correct
    assert not STRICT.verify("\\boxed{x}", task).correct
    with pytest.raises(TaskError, match="abs_tol"):
        STRICT.check(Task("math", "?", {"answer": "4.2", "abs_tol": -1}))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="mode"):
        MathVerifier(mode="lenient")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gold", "response", "correct"),
    [
        ("7", "\\boxed{7}", True),
        ("7", "the answer is 7", False),
        ("7", "<think>\\boxed{7}</think> 7", False),
        ("\\frac{1}{2}", "\\boxed{0.5}", True),
        ("10", "\\boxed{10 \\text{ meters}}", True),
        ("7", "\\boxed{8}", False),
        ("7", "\\boxed{8=7}", True),
        ("x^2-1", "\\boxed{(x-1)(x+1)}", True),
        ("(1,2)", "\\boxed{(1, 2)}", True),
    ],
)
def test_paper_mode_keeps_the_papers_rule_with_its_leniency(gold: str, response: str, correct: bool) -> None:
    assert judge(response, gold, PAPER).correct is correct


def test_paper_mode_says_which_of_the_two_accepted() -> None:
    assert judge("\\boxed{7}", "7", PAPER).detail == "deepscaler"
    assert judge("\\boxed{(x-1)(x+1)}", "x^2-1", PAPER).correct


def test_every_sample_reference_earns_its_reward() -> None:
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 25
    for row in rows:
        assert STRICT.verify(row["reference"], Task("math", row["problem"], row["truth"])).correct, row[
            "problem"
        ]
        assert not STRICT.verify("\\boxed{-12345.678}", Task("math", row["problem"], row["truth"])).correct


def test_importing_the_module_is_cheap() -> None:
    """Heavy libraries wait for `prepare`: neither sympy nor pint may come with the import."""
    program = (
        "import sys, prorl_envs.verifiers.math_answer, prorl_envs.verifiers.stem_answer; "
        "print([m for m in ('sympy', 'pint', 'math_verify') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
