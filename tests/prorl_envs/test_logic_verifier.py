"""The frame of the logic verifier: where the answer stands, and what becomes of malformed tasks."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from prorl_envs.core import Status, Task
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.puzzles import generate
from prorl_envs.verifiers.logic_puzzle import ANSWER_LIMIT, LogicVerifier
from tests.prorl_envs.puzzle_items import gold, items

SUM = Task(
    "logic", "2+2?", {"task": "chain_sum", "entry": {"question": "2+2?", "answer": "4", "metadata": {}}}
)


@pytest.mark.parametrize(
    ("response", "reward", "status"),
    [
        ("<answer>4</answer>", 1.0, "correct"),
        ("<answer>\n  4\t</answer>", 1.0, "correct"),
        ("<answer>+4.0</answer>", 1.0, "correct"),
        ("<answer>5</answer> no, <answer>4</answer>", 1.0, "correct"),
        ("<answer>4</answer> no, <answer>5</answer>", 0.0, "wrong"),
        ("<think><answer>4</answer></think>", 0.0, "no_answer"),
        ("<think><answer>5</answer></think><answer>4</answer>", 1.0, "correct"),
        ("<think>so <answer>4</answer>", 0.0, "truncated"),
        ("4", 0.0, "no_answer"),
        ("", 0.0, "no_answer"),
        ("<answer></answer>", 0.0, "wrong"),
        ("<answer>14</answer>", 0.0, "wrong"),
        ("<answer>3 or 4</answer>", 0.0, "wrong"),
        ("<answer>The answer is 4.</answer>", 0.0, "wrong"),
        ("<answer>4,</answer>", 0.0, "wrong"),
    ],
)
def test_the_last_answer_after_the_reasoning_counts_whole(response: str, reward: float, status: str) -> None:
    verdict = LogicVerifier().verify(response, SUM)
    assert (verdict.reward, verdict.status) == (reward, status)
    assert set(verdict.parts) == {"correct", "answered"}


def test_upstream_pays_for_parts_of_a_text_and_correct_stays_strict() -> None:
    verdict = LogicVerifier(scoring="upstream").verify("<answer>3 or 4</answer>", SUM)
    assert verdict.reward == pytest.approx(1 / 6)
    assert verdict.correct is False
    assert verdict.status is Status.PARTIAL


def test_an_unknown_scoring_is_refused() -> None:
    with pytest.raises(ConfigError, match="strict"):
        LogicVerifier(scoring="lenient")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "truth",
    [
        {"entry": {"answer": "4"}},
        {"task": "chain_sum"},
        {"task": "chain_sum", "entry": "4"},
        {"task": "chain_sum", "entry": {"answer": 4, "metadata": {}}},
        {"task": "chain_sum", "entry": {"answer": "4", "metadata": []}},
    ],
)
def test_a_malformed_truth_is_the_tasks_error(truth: dict[str, object]) -> None:
    with pytest.raises(TaskError, match="truth"):
        LogicVerifier().check(Task("logic", "?", truth))


@pytest.mark.parametrize("name", ["chain_sums", "sudoku"])
def test_an_entry_that_does_not_fit_its_task_is_the_tasks_error(name: str) -> None:
    task = Task("logic", "?", {"task": name, "entry": {"question": "?", "answer": "4", "metadata": {}}})
    with pytest.raises(TaskError, match=name):
        LogicVerifier().verify("<answer>1 2</answer>", task)


def test_a_row_with_code_where_upstream_would_evaluate_it_is_refused() -> None:
    entry = {"question": "?", "answer": "0x1", "metadata": {"problem": "__import__('os').getpid()"}}
    task = Task("logic", "?", {"task": "bitwise_arithmetic", "entry": entry})
    with pytest.raises(TaskError, match="generator"):
        LogicVerifier(scoring="upstream").verify("<answer>0x2</answer>", task)


def test_an_answer_past_the_limit_is_wrong_at_once() -> None:
    begun = time.perf_counter()
    verdict = LogicVerifier().verify(f"<answer>{'4' * (ANSWER_LIMIT + 1)}</answer>", SUM)
    assert (verdict.reward, verdict.status) == (0.0, "wrong")
    assert time.perf_counter() - begun < 0.5


def test_items_of_a_composite_are_scored_by_their_own_rule_and_settings() -> None:
    parts = [{"name": "decimal_arithmetic", "config": {"max_num_decimal_places": 4}}, {"name": "sudoku"}]
    tasks = generate("composite", size=6, seed=1, config={"datasets": parts})
    assert {task.truth["entry"]["metadata"]["source_dataset"] for task in tasks} == {
        "decimal_arithmetic",
        "sudoku",
    }
    for task in tasks:
        for verifier in (LogicVerifier(), LogicVerifier(scoring="upstream")):
            assert verifier.verify(f"<answer>{gold(task)}</answer>", task).reward == 1.0
            assert verifier.verify("<answer>1 1</answer>", task).reward == 0.0


def test_upstreams_scorer_leaves_the_task_as_it_was() -> None:
    task = next(task for task in items("knight_swap", 1) if task)
    before = task.to_dict()
    LogicVerifier(scoring="upstream").verify(f"<answer>{gold(task)}</answer>", task)
    assert task.to_dict() == before


def test_strict_scoring_imports_neither_reasoning_gym_nor_sympy() -> None:
    code = (
        "import sys\n"
        "from prorl_envs.core import Task\n"
        "from prorl_envs.verifiers.logic_puzzle import LogicVerifier\n"
        "truth = {'task': 'chain_sum', 'entry': {'question': '', 'answer': '4', 'metadata': {}}}\n"
        "assert LogicVerifier().verify('<answer>4</answer>', Task('logic', '?', truth)).reward == 1.0\n"
        "assert not {'reasoning_gym', 'sympy', 'magiccube'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_upstream_raises_is_nothing_with_the_reason() -> None:
    task = Task(
        "logic",
        "?",
        {
            "task": "prime_factorization",
            "entry": {"question": "?", "answer": "2 × 3", "metadata": {"factors": [2, 3]}},
        },
    )
    verdict = LogicVerifier(scoring="upstream").verify("<answer>two times three</answer>", task)
    assert (verdict.reward, verdict.status) == (0.0, "wrong")
    assert "ValueError" in verdict.detail


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("countdown", "__import__('os')"),
        ("n_queens", "[print(1)]"),
        ("rush_hour", "A+99999999999"),
        ("coin_flip", "1e99999"),
    ],
)
def test_what_upstream_would_evaluate_is_not_shown_to_it(name: str, answer: str) -> None:
    verdict = LogicVerifier(scoring="upstream").verify(f"<answer>{answer}</answer>", items(name, 1)[0])
    assert verdict.reward == 0.0
    assert verdict.detail.startswith(f"{name}: not shown to upstream's scorer")


def test_an_empty_answer_is_right_only_where_nothing_is_right() -> None:
    nothing = Task("logic", "?", {"task": "ab", "entry": {"question": "?", "answer": "", "metadata": {}}})
    for scoring in ("strict", "upstream"):
        verifier = LogicVerifier(scoring=scoring)  # type: ignore[arg-type]
        assert verifier.verify("<answer></answer>", nothing).reward == 1.0
        assert verifier.verify("<answer>A#</answer>", nothing).reward == 0.0
        assert verifier.verify("", nothing).status == "no_answer"
