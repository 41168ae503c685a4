"""What every response of a step became: over all that were sampled, and the same however processes share them out."""

from __future__ import annotations

import random

import pytest

from adapters.prorl.watching.tally import Tally, percentile
from prorl_envs.core import Status, Verdict


def group(tally: Tally, *verdicts: Verdict, domain: str = "math", component: str = "m", cut: int = 0) -> None:
    responses = [[1] * (i + 1) + ([] if i < cut else [9]) for i in range(len(verdicts))]
    finished = [i >= cut for i in range(len(verdicts))]
    rewards = [verdict.reward for verdict in verdicts]
    tally.add(responses, verdicts, rewards, finished, domain=domain, component=component)


RIGHT, WRONG = Verdict.binary(True), Verdict.binary(False)
SILENT, OPEN = Verdict.bad(Status.NO_ANSWER), Verdict.bad(Status.TRUNCATED)
LATE, LOST = Verdict.bad(Status.TIMEOUT), Verdict.failed("worker lost")


def test_rates_by_hand() -> None:
    tally = Tally()
    group(tally, RIGHT, RIGHT, domain="math", component="a")
    group(tally, WRONG, SILENT, domain="math", component="b", cut=1)
    group(tally, RIGHT, LATE, domain="logic", component="c")
    group(tally, LOST, OPEN, domain="logic", component="c", cut=2)
    seen = tally.metrics()
    assert seen["dead"] == 0.75
    assert (seen["dead_right"], seen["dead_wrong"]) == (0.25, 0.5)
    assert seen["reward_sampled"] == pytest.approx(3 / 7)
    assert seen["reward_by_domain"] == {"logic": pytest.approx(1 / 3), "math": 0.5}
    assert seen["reward_by_component"] == {"a": 1.0, "b": 0.0, "c": pytest.approx(1 / 3)}
    assert [seen[name] for name in ("no_answer", "unclosed", "timeout", "unjudged")] == [0.125] * 4
    assert seen["truncated_sampled"] == 3 / 8
    assert seen["length_sampled"] == (2 + 3 + 1 + 3 + 2 + 3 + 1 + 2) / 8
    assert seen["length_p95"] == 3


def test_a_group_that_nobody_judged_is_dead_but_neither_right_nor_wrong() -> None:
    tally = Tally()
    group(tally, LOST, LOST)
    seen = tally.metrics()
    assert (seen["dead"], seen["dead_right"], seen["dead_wrong"], seen["unjudged"]) == (1.0, 0.0, 0.0, 1.0)
    assert seen["reward_sampled"] is None
    assert seen["reward_by_domain"] == {}


def test_partial_rewards_that_are_equal_are_dead_without_being_right_or_wrong() -> None:
    tally = Tally()
    group(tally, Verdict.share(0.5), Verdict.share(0.5))
    seen = tally.metrics()
    assert (seen["dead"], seen["dead_right"], seen["dead_wrong"]) == (1.0, 0.0, 0.0)


def test_processes_add_up_to_the_whole() -> None:
    rng = random.Random(1)
    whole, parts = Tally(), [Tally(), Tally(), Tally()]
    for index in range(60):
        verdicts = rng.choices([RIGHT, WRONG, SILENT, OPEN, LATE, LOST], k=4)
        where = {
            "domain": rng.choice(["math", "code"]),
            "component": rng.choice("xyz"),
            "cut": rng.randrange(4),
        }
        group(whole, *verdicts, **where)  # type: ignore[arg-type]
        group(parts[index % 3], *verdicts, **where)  # type: ignore[arg-type]
    merged = Tally()
    for part in parts:
        merged.merge(part)
    assert merged.metrics() == whole.metrics()


def test_nothing_sampled_is_no_error() -> None:
    assert Tally().metrics()["length_p95"] is None


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [([1, 2, 3, 4], 0.5, 2), ([1, 2, 3, 4], 0.51, 3), ([7], 0.0, 7), (list(range(1, 101)), 0.95, 95)],
)
def test_percentiles_are_nearest_rank(values: list[float], share: float, wanted: float) -> None:
    assert percentile(values, share) == wanted
    assert percentile([*reversed(values)], share) == wanted
