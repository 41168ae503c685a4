"""Second tries: which problems get one, when, and that the update is made for the prompt without the hint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

pytest.importorskip("trl")

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension
from adapters.prorl.sampling.generation import encode_prompt
from adapters.prorl.sampling.groups import Group
from adapters.prorl.sampling.rollouts import Rollouts
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError
from tests.adapters.test_train_rollouts import GROUP, Judge, Letters, Policy, config, problems, rollouts


class Hints(Extension):
    """A hint for what is all wrong: an r before the problem, whose first letter the policy answers."""

    def retry(self, group: Group) -> Task | None:
        return replace(group.task, prompt=f"r{group.task.text}") if "wrong" in group.task.text else None


class Reader(Judge):
    """Right is every other response that begins with an r."""

    def score(self, tasks: Sequence[Task], responses: Sequence[object]) -> list[Verdict]:
        return [Verdict.binary(str(text).startswith("r") and next(self.turn) % 2 == 0) for text in responses]


def hinting(settings: RunConfig, **kinds: int) -> Rollouts:
    return Rollouts(settings, problems(**kinds), Reader(), Letters(), extensions=[Hints()])  # type: ignore[arg-type]


def test_a_dead_group_is_tried_again_with_a_hint_and_trained_without_it() -> None:
    sampler = hinting(config(), wrong=60)
    out = sampler([""] * 8 * GROUP, Policy())
    counts = sampler.counts
    assert counts.rounds <= 6
    assert counts.retried >= counts.revived == counts.live >= 8
    for group in counts.kept:
        assert group.alive
        assert group.prompt_ids == encode_prompt(Letters(), group.task)
        assert group.sampled_from == [ord("r"), *group.prompt_ids]
        assert set(group.texts) == {"r"}
    assert ord("r") not in {row[0] for row in out["prompt_ids"]}


def test_no_round_is_made_for_second_tries_and_none_gets_a_third() -> None:
    """The one round of a step draws new problems; their second tries come first in the next step."""
    sampler = hinting(config(max_rounds=1), wrong=60)
    policy = Policy(lambda prompt, _: "x")
    sampler([""] * 8 * GROUP, policy)
    first = sampler.counts
    assert (first.rounds, first.retried, len(policy.calls)) == (1, 0, 1)
    sampler([""] * 8 * GROUP, policy)
    second = sampler.counts
    assert (second.rounds, second.retried, second.revived) == (1, min(first.sampled, second.sampled), 0)
    hinted = [group for group in second.kept if group.sampled_from is not None]
    assert hinted
    assert {group.task.id for group in hinted} <= {group.task.id for group in first.kept}


def test_second_tries_that_wait_survive_a_stop() -> None:
    settings = config(max_rounds=1)
    one, two = hinting(settings, wrong=60), hinting(settings, wrong=60)
    policy = Policy(lambda prompt, _: "x")
    one([""] * 8 * GROUP, policy)
    state = json.loads(json.dumps(one.state_dict()))
    assert state["again"]
    two.load_state_dict(state)
    for sampler in (one, two):
        sampler([""] * 8 * GROUP, policy)
    assert [(g.task.id, g.sampled_from) for g in one.counts.kept] == [
        (g.task.id, g.sampled_from) for g in two.counts.kept
    ]
    with pytest.raises(ConfigError, match="other extensions"):
        rollouts(settings, problems(wrong=60)).load_state_dict(state)


def test_a_hint_that_makes_the_prompt_too_long_is_left_out() -> None:
    longest = len(encode_prompt(Letters(), Task("logic", "wrong 59", {"kind": "x"})))
    sampler = hinting(config(max_prompt_tokens=longest), wrong=60)
    sampler([""] * 8 * GROUP, Policy())
    assert sampler.counts.revived == len([g for g in sampler.counts.kept if g.sampled_from])
    assert all(len(group.sampled_from or []) <= longest for group in sampler.counts.kept)
