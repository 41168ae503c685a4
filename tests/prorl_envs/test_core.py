"""The nouns keep their promises: ids are stable, verdicts cannot contradict themselves."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import TaskError

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 + 1?"}]
TASKS = [
    Task("math", "1 + 1?", {"answer": "2"}, source="own", meta={"level": 1}),
    Task("math", MESSAGES, {"answers": ["2", "two"]}),
    Task("code", "double it", {"inputs": ["1\n"], "outputs": ["2\n"]}),
    Task(
        "instruction",
        "no commas",
        {"instruction_id_list": ["a:b", "c:d"], "kwargs": [{}, {"n": 3, "x": None}]},
    ),
    Task("logic", "huge", {"task": "chain_sum", "entry": {"answer": str(10**40), "metadata": {"n": 10**40}}}),
    Task("logic", "lone \ud800 surrogate", {"task": "x", "entry": {"answer": None}}),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
json_mappings = st.dictionaries(st.text(), json_values, max_size=4)


def test_the_id_of_a_known_task_never_changes() -> None:
    assert TASKS[0].id == "math-544a2c7f6b161914"


def test_ids_do_not_depend_on_the_hash_seed_or_the_process() -> None:
    program = "from prorl_envs import Task; print(Task('math', '1 + 1?', {'b': 1, 'a': [2, {'c': 3}]}).id)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1", "2")
    }
    assert found == {Task("math", "1 + 1?", {"a": [2, {"c": 3}], "b": 1}).id}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_task_survives_json_pickle_and_its_row(task: Task) -> None:
    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task
    assert Task.from_dict(json.loads(json.dumps(task.to_row()))) == task
    assert pickle.loads(pickle.dumps(task)) == task
    assert Task(task.domain, task.prompt, task.truth).id == task.id


def test_tasks_of_all_domains_survive_one_parquet_file(tmp_path: Path) -> None:
    tasks = [task for task in TASKS if "\ud800" not in task.text]  # parquet stores UTF-8 only
    file = tmp_path / "tasks.parquet"
    pq.write_table(pa.Table.from_pylist([task.to_row() for task in tasks]), file)
    rows = pq.read_table(file).to_pylist()
    assert [Task.from_dict(row) for row in rows] == tasks
    assert [Task.from_dict({**row, "id": ""}).id for row in rows] == [task.id for task in tasks]


@given(truth=json_mappings, meta=json_mappings, prompt=st.text())
def test_any_json_safe_task_survives_a_round_trip(
    truth: dict[str, Any], meta: dict[str, Any], prompt: str
) -> None:
    task = Task("math", prompt, truth, meta=meta)
    again = Task.from_dict(json.loads(json.dumps(task.to_row())))
    assert again == task
    assert Task("math", prompt, again.truth).id == task.id


def test_a_lone_user_message_is_its_text() -> None:
    assert Task("math", [MESSAGES[1]], {}) == Task("math", "1 + 1?", {})


def test_the_id_covers_what_is_asked_and_what_is_true_and_nothing_else() -> None:
    base = Task("math", "p", {"answer": "1"})
    assert Task("math", "p", {"answer": "1"}, source="s", meta={"k": 1}).id == base.id
    others = [
        Task("math", "q", {"answer": "1"}),
        Task("math", "p", {"answer": "2"}),
        Task("stem", "p", {"answer": "1"}),
    ]
    assert base.id not in {task.id for task in others}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("truth", {"answer": float("nan")}),
        ("truth", {"answer": b"x"}),
        ("truth", {1: "x"}),
        ("truth", ["x"]),
        ("meta", {"x": {1, 2}}),
        ("prompt", 7),
        ("prompt", []),
        ("prompt", [{"role": "user"}]),
        ("prompt", None),
    ],
)
def test_a_malformed_task_names_its_field(field: str, value: object) -> None:
    data = {"domain": "math", "prompt": "p", "truth": {"answer": "1"}, field: value}
    with pytest.raises(TaskError, match=field):
        Task.from_dict(data)


def test_a_task_cannot_be_changed_through_what_it_was_made_from() -> None:
    truth = {"answers": ["1"]}
    task = Task("math", "p", truth)
    truth["answers"].append("2")
    assert task.truth["answers"] == ["1"]
    with pytest.raises(TypeError):
        task.truth["answers"] = []  # type: ignore[index]


@pytest.mark.parametrize(
    ("reward", "status", "correct"),
    [
        (0.0, Status.FAILED, None),
        (None, Status.FAILED, False),
        (None, Status.WRONG, None),
        (1.5, Status.CORRECT, True),
        (float("nan"), Status.WRONG, False),
    ],
)
def test_a_verdict_that_contradicts_itself_cannot_be_made(
    reward: float | None, status: Status, correct: bool | None
) -> None:
    with pytest.raises(ValueError, match=r"reward"):
        Verdict(reward, status, correct)


def test_an_infrastructure_failure_has_no_reward() -> None:
    verdict = Verdict.failed("daemon down")
    assert (verdict.reward, verdict.correct, verdict.status) == (None, None, Status.FAILED)


def test_the_ways_to_make_a_verdict() -> None:
    assert Verdict.share(0.5).status is Status.PARTIAL
    assert Verdict.share(0.0).status is Status.WRONG
    assert Verdict.share(1.0).status is Status.CORRECT
    assert Verdict.share(1.0, correct=False).status is Status.PARTIAL
    assert Verdict.binary(True).reward == 1.0
    with pytest.raises(ValueError, match="not a way to be wrong"):
        Verdict.bad(Status.CORRECT)


@given(st.floats(0, 1), st.text(), st.dictionaries(st.text(), st.floats(0, 1)))
def test_a_verdict_survives_json(reward: float, detail: str, parts: dict[str, float]) -> None:
    verdict = Verdict.share(reward, detail=detail, parts=parts)
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
