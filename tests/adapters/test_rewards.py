"""Rows of every layout mean the same task, and every entrance gives the verdicts of the Scorer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from adapters.ground_truth import domain_of, task_of_ground_truth, truth_of
from adapters.rewards import score_rows, task_of_row, tasks_of_rows
from adapters.trl_rewards import make_reward
from adapters.verl_reward import compute_score, to_verl_row
from prorl_envs.core import DOMAINS, Task, Verdict
from prorl_envs.errors import RowError, TaskError, UnknownNameError
from prorl_envs.recipes import load_tasks
from prorl_envs.scoring import Scorer, shared_scorer

MATH = Task("math", "1+1?", {"answer": "2"}, source="own")


@pytest.fixture(scope="module", autouse=True)
def _scorer() -> Iterator[None]:
    yield
    shared_scorer().close()
    shared_scorer(VERIFIERS).close()


@pytest.mark.parametrize(
    "row",
    [
        MATH.to_dict(),
        MATH.to_row(),
        {"task": json.dumps(MATH.to_dict()), "id": 7},
        {"task": MATH.to_row(), "prompt": "something else"},
        to_verl_row(MATH),
    ],
    ids=["dict", "row", "task as JSON", "task column", "verl"],
)
def test_every_layout_of_our_own_is_the_task(row: dict[str, Any]) -> None:
    task = task_of_row(row)
    assert (task.id, task.domain, dict(task.truth)) == (MATH.id, MATH.domain, dict(MATH.truth))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "domain"),
        ({"domain": "math"}, "truth"),
        ({"task": "{"}, "task"),
        ({"task": "[" * 100_000}, "task"),
        ({"task": {"task": {"task": {}}}}, "task"),
        ({"task": 7}, "task"),
        ({"reward_model": {"style": "rule"}, "data_source": "apps"}, "reward_model.ground_truth"),
        ({"reward_model": {"ground_truth": "{"}, "data_source": "apps"}, "ground_truth"),
    ],
)
def test_a_row_that_is_no_task_names_its_position_and_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError) as caught:
        score_rows([MATH.to_row(), row], ["", ""])
    assert (caught.value.row, caught.value.field) == (2, field)


def test_equal_rows_are_one_task() -> None:
    group = tasks_of_rows([dict(MATH.to_row()) for _ in range(16)])
    assert len({id(task) for task in group}) == 1
    other = Task("math", "1+1?", {"answer": "3"}, id=MATH.id)
    assert [dict(task.truth) for task in tasks_of_rows([MATH.to_row(), other.to_row()])] == [
        {"answer": "2"},
        {"answer": "3"},
    ]


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 rows but 1 completions"):
        score_rows([MATH, MATH], [""])


TESTS = {"inputs": ["1\n"], "outputs": ["1\n"]}
IDS = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
PUZZLE = {"task": "chain_sum", "entry": {"question": "1+1", "answer": "2", "metadata": {}}}


@pytest.mark.parametrize(
    ("source", "domain", "given", "truth"),
    [
        ("deepscaler", "math", "\\frac{3}{7}", {"answer": "\\frac{3}{7}"}),
        ("numina_olympiads", "math", "2", {"answer": "2"}),
        ("DigitalLearningGmbH/MATH-lighteval", "math", "{1, 2}", {"answer": "{1, 2}"}),
        ("openai/gsm8k", "math", 72, {"answer": "72"}),
        ("minerva", "math", ["9.6\n", "9.60"], {"answers": ["9.6", "9.60"]}),
        ("minerva", "math", numpy.array(["1", "2"]), {"answers": ["1", "2"]}),
        ("prorl/math/own", "math", '{"answer": "2"}', {"answer": "2"}),
        ("apps", "code", json.dumps(TESTS), TESTS),
        ("eurus-2-rl-code", "code", {**TESTS, "fn_name": "f"}, {**TESTS, "fn_name": "f"}),
        ("humaneval", "code", {"test": "t", "entry_point": "f"}, {"test": "t", "entry_point": "f"}),
        ("scp-116k", "stem", "2.5 m/s", {"answer": "2.5 m/s"}),
        ("prorl/stem/own", "stem", '{"answer": "2.5", "unit": "m/s"}', {"answer": "2.5", "unit": "m/s"}),
        ("reasoning_gym/chain_sum", "logic", json.dumps(PUZZLE), PUZZLE),
    ],
)
def test_ground_truths(source: str, domain: str, given: Any, truth: dict[str, Any]) -> None:
    task = task_of_ground_truth(source, given)
    assert (task.domain, dict(task.truth)) == (domain, truth)


def test_ground_truths_of_instructions() -> None:
    task = task_of_ground_truth("llama-nemotron-if", json.dumps(IDS))
    assert task.domain == "instruction"
    assert list(task.truth["instruction_id_list"]) == IDS["instruction_id_list"]


def test_who_decides_the_domain() -> None:
    assert domain_of("my/set", {"my/set": "stem"}) == "stem"
    assert domain_of("apps", {"apps": "math"}) == "math", "a caller's own map comes first"
    assert task_of_ground_truth("apps", "2", {"domain": "math"}).domain == "math"
    with pytest.raises(UnknownNameError, match="'deepscalr'. Did you mean 'deepscaler'"):
        domain_of("deepscalr")


@pytest.mark.parametrize(
    ("domain", "given"),
    [
        ("math", ""),
        ("math", None),
        ("math", True),
        ("code", "[]"),
        ("code", '{"inputs": []}'),
        ("logic", "7"),
    ],
)
def test_a_ground_truth_that_cannot_be_read_is_refused(domain: str, given: Any) -> None:
    with pytest.raises(TaskError, match="ground_truth"):
        truth_of(domain, given)


# Whatever isolation the machine reaches will do for the programs of a test.
VERIFIERS = {"code": {"require": "unsafe", "allow_unsafe": True}}


def tasks_of(domain: str) -> list[Task]:
    if domain != "code":
        return load_tasks(f"samples-{domain}", limit=6)
    echo = {"reference": "```python\nprint(input())\n```"}
    double = {"reference": "```python\ndef f(x):\n    return 2 * x\n```"}
    return [
        Task("code", "Echo.", {"inputs": ["1\n", "a b\n"], "outputs": ["1\n", "a b\n"]}, meta=echo),
        Task("code", "Double.", {"inputs": [[1], [4]], "outputs": [2, 8], "fn_name": "f"}, meta=double),
    ]


def responses(tasks: list[Task]) -> list[tuple[Task, str]]:
    """Right, wrong, cut off and empty responses for each task."""
    pairs = [(task, str(task.meta["reference"])) for task in tasks]
    pairs += [(task, "\\boxed{I do not know} <answer>nothing</answer>") for task in tasks]
    pairs += [(tasks[0], "<think> and so"), (tasks[0], ""), (tasks[-1], "\x00\ud800 \\boxed{")]
    return pairs


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_entrance_gives_the_same_verdicts(domain: str) -> None:
    pairs = responses(tasks_of(domain))
    tasks, texts = [task for task, _ in pairs], [text for _, text in pairs]
    with Scorer(workers=2, verifiers=VERIFIERS) as scorer:
        direct = scorer.score(tasks, texts)
    assert {verdict.correct for verdict in direct} == {True, False}
    rows = [task.to_row() for task in tasks]
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    assert score_rows(rows, texts, scorer=shared_scorer(VERIFIERS)) == direct
    assert score_rows(tasks, chats, scorer=shared_scorer(VERIFIERS)) == direct
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "prompt"}
    assert make_reward(verifiers=VERIFIERS)([row["prompt"] for row in rows], chats, **columns) == [
        v.reward for v in direct
    ]
    for task, text, verdict in zip(tasks, texts, direct, strict=True):
        row = to_verl_row(task)
        scores = compute_score(
            row["data_source"], text, row["reward_model"]["ground_truth"], row["extra_info"]
        )
        assert (scores["score"], scores["acc"]) == (verdict.reward, float(bool(verdict.correct)))
        assert {name: scores[name] for name in verdict.parts} == dict(verdict.parts)


def test_eurus_rows_score_as_published() -> None:
    """Lists of arguments per call, and outputs wrapped in a list: as the function problems of APPS and TACO are."""
    truth = json.dumps({"fn_name": "f", "inputs": [["01"], ["11"]], "outputs": [[0], [1]]})
    program = "```python\nclass Solution:\n    def f(self, s):\n        return s.count('11')\n```"
    plain = "```python\ndef f(s):\n    return s.count('11')\n```"
    for response, reward in ((program, 1.0), (plain, 1.0), ("```python\ndef f(s):\n    return 0\n```", 0.5)):
        assert compute_score("taco", response, truth, verifiers=VERIFIERS)["score"] == reward


def test_a_failure_is_logged_and_carries_no_reward(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def score(self, tasks: list[Task], responses: list[object]) -> list[Verdict]:
            return [Verdict.failed("worker lost"), Verdict.binary(True)]

    verdicts = score_rows([MATH, MATH], ["", ""], scorer=Broken())  # type: ignore[arg-type]
    assert [verdict.reward for verdict in verdicts] == [None, 1.0]
    assert "1 of 2 responses could not be judged: worker lost" in caplog.text


def test_importing_the_adapters_brings_no_trainer_and_no_model_library() -> None:
    heavy = ("torch", "transformers", "trl", "verl", "datasets", "pyarrow", "ray")
    code = (
        "import sys, adapters.rewards, adapters.trl_rewards, adapters.verl_reward;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
