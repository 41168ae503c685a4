"""Shaping: the published formulas, failures that stay failures, and groups that it must not bring to life."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from hypothesis import given
from hypothesis import strategies as st
from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment

from adapters.prorl.extension import Extension, load_extensions
from adapters.prorl.sampling.groups import Group
from adapters.prorl.sampling.rollouts import Rollouts
from adapters.prorl.settings import validated
from adapters.prorl.shaping import (
    Shaping,
    ShapingSettings,
    between,
    cosine_penalty,
    repeated_share,
    soft_overlong,
    unfinished_reward,
)
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError
from tests.adapters.micro_run import micro_config
from tests.adapters.test_train_rollouts import GROUP, Judge, Letters, Policy, problems

CAP = 100


def group(rewards: Sequence[float | None], lengths: Sequence[int], finished: Sequence[bool]) -> Group:
    verdicts = [Verdict.failed("down") if r is None else Verdict.share(r) for r in rewards]
    ids = [list(range(length)) for length in lengths]
    task = Task("logic", "p", {"answer": ""})
    return Group(task, [1], ids, [""] * len(ids), verdicts, list(rewards), list(rewards), list(finished))


def shaped(settings: dict[str, Any], made: Group, step: int = 0) -> list[float | None]:
    return Shaping(ShapingSettings(**settings), CAP).rewards(made, list(made.rewards), step)


def test_nothing_is_shaped_by_default() -> None:
    assert not ShapingSettings().active
    assert load_extensions(validated({}, "test")) == []
    made = group([1.0, 0.0, None], [100, 3, 100], [False, True, False])
    assert shaped({}, made) == [1.0, 0.0, None]


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (99, -0.95), (100, -1.0), (120, -1.0)],
)
def test_soft_overlong_punishment(length: int, expected: float) -> None:
    assert soft_overlong(length, CAP, 20) == pytest.approx(expected, abs=1e-15)


@given(st.integers(1, 300), st.integers(1, 200), st.integers(1, 200))
def test_soft_overlong_punishment_is_trl_s(length: int, cap: int, buffer: int) -> None:
    buffer = min(buffer, cap)
    theirs = get_soft_overlong_punishment(cap, buffer)([[0] * length])[0]
    assert soft_overlong(length, cap, buffer) == pytest.approx(theirs, abs=1e-12)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5))
def test_repetition_is_trl_s(ids: list[int], size: int) -> None:
    theirs = get_repetition_penalty_reward(size, -1.0)([ids])[0]
    assert -repeated_share(ids, size) == pytest.approx(theirs, abs=1e-12)


def test_repetition() -> None:
    assert repeated_share([1, 2, 3, 1, 2, 3, 1], 3) == pytest.approx(2 / 5)
    assert repeated_share([7] * 10, 2) == pytest.approx(8 / 9)
    assert repeated_share([1, 2], 3) == repeated_share([], 1) == 0.0


def test_responses_that_do_not_end() -> None:
    """NeMo-RL and OpenRLHF scale; OpenRLHF replaces by what is below 0."""
    assert unfinished_reward(0.8, 0.0) == 0.0
    assert unfinished_reward(0.8, 0.5) == pytest.approx(0.4)
    assert unfinished_reward(0.0, -0.5) == unfinished_reward(1.0, -0.5) == -0.5
    made = group([1.0, 0.5, 1.0, None], [CAP, CAP, 5, CAP], [False, True, True, False])
    assert shaped({"unfinished": 0.0}, made) == [0.0, 0.5, 1.0, None]


def test_the_cosine_of_the_paper() -> None:
    """arXiv 2502.03373, app. C.1: CosFn(t, T, min, max) = min + (max - min) (1 + cos(t pi / T)) / 2."""
    for start, end in ((2.0, 1.0), (-10.0, 0.0)):
        for part in (0.0, 0.25, 0.5, 0.9, 1.0):
            expected = end + 0.5 * (start - end) * (1.0 + math.cos(part * math.pi))
            assert between(start, end, part) == pytest.approx(expected, abs=1e-15)
    assert between(2.0, 1.0, 0.0) == 2.0
    assert between(2.0, 1.0, 1.0) == pytest.approx(1.0)


def test_the_cosine_penalty() -> None:
    assert cosine_penalty(1.0, 0, CAP, 0.5, 0.3) == 0.0
    assert cosine_penalty(1.0, CAP, CAP, 0.5, 0.3) == pytest.approx(0.5)
    assert cosine_penalty(1.0, 2 * CAP, CAP, 0.5, 0.3) == pytest.approx(0.5)
    assert cosine_penalty(0.0, 0, CAP, 0.5, 0.3) == pytest.approx(0.3)
    assert cosine_penalty(0.0, CAP, CAP, 0.5, 0.3) == pytest.approx(0.0)
    assert cosine_penalty(0.25, 50, CAP, 0.5, 0.3) == pytest.approx(0.25 * 0.25 + 0.75 * 0.15)
    lengths = [cosine_penalty(1.0, n, CAP, 0.5, 0.0) for n in range(0, CAP, 5)]
    assert lengths == sorted(lengths)


def test_the_cosine_penalty_keeps_to_its_schedule() -> None:
    made = group([1.0], [CAP], [True])
    settings = {"cosine": 0.5, "cosine_every": 10, "cosine_for": 3}
    on = [step for step in range(25) if shaped(settings, made, step) != [1.0]]
    assert on == [0, 1, 2, 10, 11, 12, 20, 21, 22]


def test_penalties_add_up_and_failures_stay_failures() -> None:
    made = group([1.0, None], [90, 90], [True, True])
    settings = {
        "overlong_buffer": 20,
        "overlong_weight": 0.5,
        "repetition": 2.0,
        "repetition_ngram": 1,
        "cosine": 1.0,
    }
    expected = 1.0 - 0.5 * 0.5 - 2.0 * 0.0 - (1 - math.cos(0.9 * math.pi)) / 2
    assert shaped(settings, made) == [pytest.approx(expected), None]


@pytest.mark.parametrize(
    ("shaping", "masked", "words"),
    [
        ({"unfinished": 0.0}, True, "mask_truncated to false"),
        ({"overlong_buffer": 4}, True, "mask_truncated to false"),
        ({"overlong_buffer": 4, "unfinished": 0.5}, False, "both penalise"),
        ({"overlong_buffer": 9}, False, "longer than the longest response"),
        ({"cosine": 0.1, "cosine_every": 5, "cosine_for": 6}, False, "raise cosine_every"),
    ],
)
def test_contradictions_are_refused_with_the_fix(shaping: dict[str, Any], masked: bool, words: str) -> None:
    settings = {
        "shaping": shaping,
        "objective": {"mask_truncated": masked},
        "rollout": {"max_response_tokens": 8},
    }
    with pytest.raises(ConfigError, match=words):
        validated(settings, "test").check()
    validated({**settings, "shaping": {}}, "test").check()


def sampler(
    shaping: dict[str, Any], *, kinds: dict[str, int], extra: Sequence[Extension] = (), **rollout: Any
) -> Any:
    config = validated(
        {
            "rollout": {"prompts": 4, "group": GROUP, "max_rounds": 2, "max_response_tokens": 3, **rollout},
            "optimizer": {"mini_batch": 4},
            "objective": {"reward": "binary"},
            "shaping": shaping,
        },
        "test",
    )
    extensions = [*load_extensions(config), *extra]
    return Rollouts(config, problems(**kinds), Judge(), Letters(), extensions=extensions)  # type: ignore[arg-type]


def test_shaping_neither_chooses_groups_nor_revives_dead_ones() -> None:
    """All wrong, but of unequal lengths: no gradient toward short wrong answers."""
    policy = Policy(lambda prompt, sample: "x" * (1 + sample % 3) + "\0")
    rollouts = sampler({"overlong_buffer": 3, "repetition": 1.0, "repetition_ngram": 1}, kinds={"wrong": 40})
    out = rollouts([""] * 4 * GROUP, policy)
    assert rollouts.counts.live == 0
    assert set(out["env_reward"]) == {0.0}
    rollouts = sampler({"overlong_buffer": 3}, kinds={"mixed": 40})
    out = rollouts([""] * 4 * GROUP, policy)
    assert rollouts.counts.live >= 4
    assert len(set(out["env_reward"])) > 2
    assert {r for g in rollouts.counts.kept for r in g.rewards} == {0.0, 1.0}


def test_without_dynamic_sampling_every_group_is_shaped() -> None:
    """Plain GRPO: there, a group that is all wrong may still learn to be shorter."""
    policy = Policy(lambda prompt, sample: "x" * (1 + sample % 3) + "\0")
    rollouts = sampler({"overlong_buffer": 3}, kinds={"wrong": 40}, dynamic_sampling=False)
    assert len(set(rollouts([""] * 4 * GROUP, policy)["env_reward"])) > 1


def test_shaping_comes_before_the_extensions(tmp_path: Path) -> None:
    config = micro_config(tmp_path, shaping={"unfinished": 0.0}, extensions={f"{__name__}:Doubled": {}})
    assert [type(extension).__name__ for extension in load_extensions(config)] == ["Shaping", "Doubled"]


class Doubled(Extension):
    def rewards(self, group: Group, rewards: list[float | None], step: int) -> list[float | None]:
        return [None if reward is None else 2 * reward for reward in rewards]
