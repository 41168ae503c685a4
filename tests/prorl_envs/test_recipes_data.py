"""The recipes on true data: the package's own samples, and public files kept outside the repository."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest

from prorl_envs.core import DOMAINS, Task
from prorl_envs.recipes import LoadReport, data_root, load_recipe, load_tasks
from prorl_envs.scoring import Scorer


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_samples_of_a_domain(domain: str) -> None:
    report = LoadReport()
    tasks = load_tasks(f"samples-{domain}", report=report)
    assert len(tasks) >= 20
    assert (report.tasks, report.filtered, report.without_gold, report.skipped) == (report.read, 0, 0, 0)
    assert len({task.id for task in tasks}) == len(tasks)
    for task in tasks:
        assert task.domain == domain
        assert task.truth
        assert isinstance(task.meta["reference"], str)
        assert Task.from_dict(task.to_row()) == task


def test_bundled_data_holds_no_python() -> None:
    assert not list(data_root().rglob("*.py"))


@pytest.mark.parametrize(
    ("recipe", "path", "count", "without_gold"),
    [
        ("deepscaler", "math_train/deepscaler_difficulty_1.json.gz", 7_961, 0),
        ("deepscaler", "formats/dsr_sub_1209.parquet", 1_208, 1),
        ("aime24", "math_eval/aime24_nemo_skills.jsonl", 30, 0),
        ("aime24", "math_eval/deepscaler_test_aime.json", 30, 0),
        ("aime25", "math_eval", 30, 0),
        ("amc", "math_eval", 83, 0),
        ("math-500", "math_eval", 500, 0),
        ("minerva", "math_eval", 272, 0),
        ("olympiad", "math_eval", 675, 0),
        ("humaneval", "code/HumanEval.jsonl.gz", 164, 0),
        ("scibench", "stem/scibench", 416, 0),
        ("ifeval", "instruction/input_data.jsonl", 541, 0),
        ("ifbench", "instruction/IFBench_test.jsonl", 300, 0),
        ("llama-nemotron-if", "formats/nemogym_instruction_following_example.jsonl", 5, 0),
    ],
)
def test_public_files(shared_data: Path, recipe: str, path: str, count: int, without_gold: int) -> None:
    report = LoadReport()
    tasks = load_tasks(recipe, path=shared_data / path, report=report)
    assert (len(tasks), report.without_gold) == (count, without_gold)
    assert {task.domain for task in tasks} == {load_recipe(recipe).domain}


@pytest.fixture(scope="module")
def all_of_deepscaler(shared_data: Path) -> list[Task]:
    return load_tasks("deepscaler", path=shared_data / "math_train")


def test_all_of_deepscaler_loads(all_of_deepscaler: list[Task]) -> None:
    assert len(all_of_deepscaler) == 39_808
    assert 38_000 < len({task.id for task in all_of_deepscaler}) < 39_808


def test_the_same_problem_is_the_same_task_in_two_published_files(
    all_of_deepscaler: list[Task], shared_data: Path
) -> None:
    full = {task.id for task in all_of_deepscaler}
    part = load_tasks("deepscaler", path=shared_data / "formats/dsr_sub_1209.parquet")
    shared = [task for task in part if task.id in full]
    assert len(shared) > 0.9 * len(part), "the prompt's suffix or the golds no longer agree"


def test_every_accepted_answer_is_kept(shared_data: Path) -> None:
    tasks = load_tasks("minerva", path=shared_data / "math_eval")
    # 75 rows list several answers; in some of them all but one are the same text.
    assert 40 <= sum(len(task.truth["answers"]) > 1 for task in tasks) <= 75
    amc = load_tasks("amc", path=shared_data / "math_eval", limit=1)[0]
    assert amc.truth["answer"] == "142", "an integer published as a float must stay an integer"


def test_scibench_asks_for_the_unit_and_carries_it(shared_data: Path) -> None:
    tasks = load_tasks("scibench", path=shared_data / "stem/scibench")
    units = [task for task in tasks if "unit" in task.truth]
    assert len(units) == 361
    for task in tasks:
        if "The unit of the answer is" in task.text:
            assert "unit" in task.truth
            assert "10^" not in task.text.rpartition("The unit of the answer is")[2].partition("Reason")[0]
        assert task.truth["rel_tol"] == 0.05


def test_published_golds_that_lost_a_brace_are_repaired(all_of_deepscaler: list[Task]) -> None:
    golds = [task.truth["answer"] for task in all_of_deepscaler]
    assert all(gold.count("{") == gold.count("}") for gold in golds)


@pytest.mark.parametrize(
    "path", ["math_train/deepscaler_difficulty_1.json.gz", "formats/dsr_sub_1209.parquet"]
)
def test_an_environment_runs_on_published_rows(shared_data: Path, path: str) -> None:
    env = gymnasium.make("prorl_envs:prorl/Math-v0", recipe="deepscaler", path=shared_data / path, limit=50)
    rewards = []
    for seed in range(4):
        prompt, _ = env.reset(seed=seed)
        assert prompt.endswith("\\boxed{}.")
        gold = next(task for task in env.unwrapped.tasks if task.prompt == prompt).truth["answer"]
        rewards.append(env.step(f"\\boxed{{{gold}}}")[1])
    env.close()
    assert rewards == [1.0] * 4


@pytest.mark.parametrize("domain", ["math", "stem", "logic", "instruction"])
def test_every_reference_earns_the_whole_reward(domain: str) -> None:
    tasks = load_tasks(f"samples-{domain}")
    with Scorer(workers=2) as scorer:
        verdicts = scorer.score(tasks, [task.meta["reference"] for task in tasks])
    wrong = [
        (task.text, verdict.detail)
        for task, verdict in zip(tasks, verdicts, strict=True)
        if verdict.reward != 1.0 or not verdict.correct
    ]
    assert not wrong
