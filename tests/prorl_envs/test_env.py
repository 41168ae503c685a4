"""One contract for every registered environment, and what is special to ours."""

from __future__ import annotations

import json
import pickle
import random
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import NameNotFound, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TransformReward

from prorl_envs import EnvironmentSpec, Task, registry
from prorl_envs.env import VerifiableEnv
from prorl_envs.errors import ConfigError, RowError, TaskError, UnknownNameError
from prorl_envs.scoring import Scorer
from prorl_envs.vector import VerifiableVectorEnv
from tests.conftest import SHIPPED
from tests.prorl_envs import scripted

IDS = SHIPPED
COUNTING = [Task("scripted", f"say {n}", {"answer": str(n)}) for n in range(12)]


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer(workers=2, deadline_s=5.0, verifiers={"scripted": scripted.PATH}) as made:
        yield made


def counting(scorer: Scorer, **kwargs: Any) -> VerifiableEnv:
    return VerifiableEnv("scripted", tasks=COUNTING, verifier=scripted.PATH, scorer=scorer, **kwargs)


def references(env: VerifiableEnv) -> list[tuple[Task, str]]:
    return [(task, str(task.meta["reference"])) for task in env.tasks]


def test_the_five_ids_of_the_paper_are_registered() -> None:
    assert {f"prorl/{name}-v0" for name in ("Math", "Code", "Stem", "Logic", "Instructions")} <= set(IDS)


@pytest.mark.parametrize("id", IDS)
def test_the_checker_of_gymnasium_has_nothing_to_say(id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(id, render_mode="ansi").unwrapped)


@pytest.mark.parametrize("id", IDS)
def test_twenty_samples_whose_references_earn_everything(id: str) -> None:
    env = gymnasium.make(id).unwrapped
    assert isinstance(env, VerifiableEnv)
    assert len(env.tasks) >= 20
    assert len({task.id for task in env.tasks}) == len(env.tasks)
    for task, reference in references(env):
        env.reset(options={"task": task.id})
        _, reward, terminated, truncated, info = env.step(reference)
        assert (reward, terminated, truncated, info["correct"]) == (1.0, True, False, True), (task, info)


@pytest.mark.parametrize("id", IDS)
def test_episodes_are_determined_by_the_seed(id: str) -> None:
    def play(seed: int) -> list[Any]:
        env = gymnasium.make(id)
        seen: list[Any] = []
        for step in range(4):
            seen.append(env.reset(seed=seed if step == 0 else None))
            seen.append(env.step("\\boxed{7} <answer>7</answer>"))
        return seen

    assert play(3) == play(3)
    assert play(3) != play(4)


@pytest.mark.parametrize("id", IDS)
def test_no_global_random_state_is_touched(id: str) -> None:
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist()
    env = gymnasium.make(id)
    env.reset(seed=1)
    env.step("x")
    env.reset()
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


@pytest.mark.parametrize("id", IDS)
def test_environments_can_be_pickled_in_the_middle_of_an_episode(id: str) -> None:
    env = gymnasium.make(id).unwrapped
    env.reset(seed=1)
    copy = pickle.loads(pickle.dumps(env))
    assert copy.task == env.task  # type: ignore[attr-defined]
    assert copy.step("x") == env.step("x")
    assert copy.reset() == env.reset()


@pytest.mark.parametrize("id", IDS)
def test_the_truth_is_never_shown(id: str) -> None:
    env = gymnasium.make(id).unwrapped
    assert isinstance(env, VerifiableEnv)
    _, info = env.reset(seed=1)
    task = env.task
    shown = json.dumps([info, env.step("no")[4]], default=str)
    assert "truth" not in shown
    assert json.dumps(task.meta["reference"]) not in shown


@pytest.mark.parametrize("id", IDS)
def test_make_vec_scores_in_batches_and_equals_single_environments(id: str) -> None:
    batched = gymnasium.make_vec(id, num_envs=3)
    assert isinstance(batched, VerifiableVectorEnv)
    single = SyncVectorEnv([lambda: gymnasium.make(id)] * 3)
    assert_equal(batched.reset(seed=7), single.reset(seed=7))
    answers = [str(env.task.meta["reference"]) for env in batched.envs]
    for actions in ((answers[0], "wrong", answers[2]), ("a", "b", "c"), ("d", "e", "f")):
        assert_equal(batched.step(actions), single.step(actions))
    single.close()


def assert_equal(first: Any, second: Any) -> None:
    """Equal nested tuples, dicts and arrays, NaN included."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_equal(first[key], second[key])
    elif isinstance(first, tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_equal(one, other)
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype
        assert first.tolist() == second.tolist()
    else:
        assert first == second


def test_every_problem_comes_once_before_any_comes_twice(scorer: Scorer) -> None:
    env = counting(scorer)
    env.reset(seed=2)
    seen = [env.task.id] + [(env.reset(), env.task.id)[1] for _ in range(len(COUNTING) - 1)]
    assert sorted(seen) == sorted(task.id for task in COUNTING)


def test_a_problem_can_be_asked_for_by_index_or_id(scorer: Scorer) -> None:
    env = counting(scorer)
    assert env.reset(options={"task": 4})[0] == "say 4"
    assert env.reset(options={"task": COUNTING[5].id})[0] == "say 5"
    with pytest.raises(ConfigError, match="none with index 12"):
        env.reset(options={"task": 12})
    with pytest.raises(UnknownNameError, match="task"):
        env.reset(options={"task": "scripted-0"})
    with pytest.raises(UnknownNameError, match="Did you mean 'task'"):
        env.reset(options={"tasks": 1})


def test_a_response_that_could_not_be_judged_has_no_reward(scorer: Scorer) -> None:
    env = counting(scorer)
    env.reset(seed=1)
    _, reward, terminated, _, info = env.step("raise")
    assert np.isnan(reward)
    assert terminated
    assert (info["status"], info["correct"]) == ("failed", False)


def test_an_episode_takes_one_step(scorer: Scorer) -> None:
    env = counting(scorer)
    with pytest.raises(ResetNeeded):
        env.step("1")
    env.reset()
    env.step("1")
    with pytest.raises(ResetNeeded):
        env.step("1")


@pytest.mark.parametrize("response", [None, "x" * 1_000_000, "\0", "\ud800", ""])
def test_hostile_responses_are_scored(scorer: Scorer, response: Any) -> None:
    env = counting(scorer)
    env.reset()
    assert env.step(response)[1] == 0.0


def test_bytes_are_refused(scorer: Scorer) -> None:
    env = counting(scorer)
    env.reset()
    with pytest.raises(TypeError, match="bytes"):
        env.step(b"1")  # type: ignore[arg-type]


def test_rendering_shows_problem_response_and_verdict(scorer: Scorer) -> None:
    env = counting(scorer, render_mode="ansi")
    env.reset(options={"task": 3})
    env.step("3")
    shown = env.render()
    assert isinstance(shown, str)
    assert "say 3" in shown
    assert "reward 1: correct" in shown
    with pytest.raises(ConfigError, match="human"):
        counting(scorer, render_mode="human")


def test_same_step_autoreset_judges_every_action(scorer: Scorer) -> None:
    kwargs = {"domain": "scripted", "tasks": COUNTING, "verifier": scripted.PATH, "scorer": scorer}
    env = VerifiableVectorEnv(2, autoreset_mode="SameStep", **kwargs)
    single = SyncVectorEnv([lambda: VerifiableEnv(**kwargs)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    assert_equal(env.reset(seed=1), single.reset(seed=1))
    for actions in (("1", "2"), ("3", "4"), ("5", "6")):
        assert_equal(env.step(actions), single.step(actions))


def test_the_wrappers_and_vectorisers_of_gymnasium_work() -> None:
    env = TransformReward(RecordEpisodeStatistics(gymnasium.make("prorl/Math-v0")), lambda reward: reward - 1)
    env.reset(seed=1)
    assert env.step("nothing")[1] == -1.0
    with pytest.raises(ValueError, match="shared_memory"):
        AsyncVectorEnv([lambda: gymnasium.make("prorl/Math-v0")] * 2)
    vector = AsyncVectorEnv([lambda: gymnasium.make("prorl/Math-v0")] * 2, shared_memory=False)
    vector.reset(seed=1)
    assert vector.step(("x", "y"))[1].tolist() == [0.0, 0.0]
    vector.close()


def test_rows_serve_as_tasks(scorer: Scorer) -> None:
    rows = [{"domain": "scripted", "prompt": "say yes", "truth": {"answer": "yes"}}]
    env = VerifiableEnv("scripted", tasks=rows, verifier=scripted.PATH, scorer=scorer)
    env.reset()
    assert env.step("yes")[1] == 1.0


def test_bad_tasks_are_refused_before_the_first_episode(scorer: Scorer) -> None:
    bad = [*COUNTING, Task("scripted", "?", {}, source="mine")]
    with pytest.raises(RowError, match=r"mine, row 13.*truth.answer"):
        VerifiableEnv("scripted", tasks=bad, verifier=scripted.PATH)
    with pytest.raises(ConfigError, match="no task"):
        VerifiableEnv("scripted", tasks=[], verifier=scripted.PATH)
    with pytest.raises(ConfigError, match="not both"):
        VerifiableEnv("math", tasks=COUNTING, recipe="deepscaler")
    with pytest.raises(ConfigError, match="recipe="):
        VerifiableEnv("math", path="x.jsonl")
    with pytest.raises(UnknownNameError, match="Did you mean 'deepscaler'"):
        VerifiableEnv("math", recipe="deepscalar")
    with pytest.raises(ConfigError, match="tasks= or recipe="):
        VerifiableEnv("scripted", verifier=scripted.PATH)
    with pytest.raises(RowError, match="of domain 'stem'"):
        VerifiableEnv("math", recipe="samples-stem")
    with pytest.raises(TaskError):
        VerifiableEnv("math", tasks=[{"prompt": "?"}])


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(NameNotFound, match=r"Did you mean.*Math"):
        gymnasium.make("prorl/Mth-v0")
    with pytest.raises(UnknownNameError, match="Did you mean 'prorl/Math-v0'"):
        registry.environment("prorl/Mth-v0")


def test_deepscaler_rows_run_through_gym_make(shared_data: Any) -> None:
    path = shared_data / "math_train" / "deepscaler_difficulty_1.json.gz"
    env = gymnasium.make("prorl/Math-v0", recipe="deepscaler", path=path, limit=50)
    env.reset(options={"task": 0})
    task = env.unwrapped.task  # type: ignore[attr-defined]
    assert env.step(f"so \\boxed{{{task.truth['answer']}}}")[1] == 1.0


class FakeEntryPoint:
    """An installed plug-in's entry point."""

    def __init__(self, name: str, loaded: object) -> None:
        self.name, self._loaded = name, loaded

    def load(self) -> object:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_plugins_bring_environments_and_broken_ones_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EnvironmentSpec(
        "acme/Count-v0",
        "scripted",
        "binary",
        "say numbers",
        verifier=scripted.PATH,
        options={"tasks": COUNTING},
    )
    points = [FakeEntryPoint("bad", ImportError("no acme_sql")), FakeEntryPoint("good", spec)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    try:
        registry.load_plugins()
        assert "no acme_sql" in registry.broken_plugins()["bad"]
        env = gymnasium.make_vec("acme/Count-v0", num_envs=2)
        prompts, _ = env.reset(seed=1)
        answers = tuple(prompt.removeprefix("say ") for prompt in prompts)
        assert env.step(answers)[1].tolist() == [1.0, 1.0]
        with pytest.raises(ConfigError, match="already taken"):
            registry.register_environment(EnvironmentSpec("acme/Count-v0", "math", "binary", "other"))
    finally:
        registry._environments.pop("acme/Count-v0", None)
        registry._broken.clear()
        gymnasium.registry.pop("acme/Count-v0", None)
