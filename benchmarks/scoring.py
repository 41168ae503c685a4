"""What a verdict costs: the Scorer beside a direct call, and environment steps per second.

    python -m benchmarks.scoring [--items 2000] [--output benchmarks/results/scoring.md]

Every figure of one table comes from one run on one machine: compare within a table, not across.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium

import prorl_envs
from benchmarks.tables import publish
from prorl_envs import Task
from prorl_envs.env import VerifiableEnv
from prorl_envs.scoring import Scorer

GROUP = 16
THOUGHTS = (
    "<think>" + "Let us look at the sum of both sides and simplify it step by step. " * 60 + "</think>\n"
)


def main() -> None:
    """Prints both tables, and writes them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2000, help="responses per measurement")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    lines = [
        f"`python -m benchmarks.scoring --items {options.items}` on {len(os.sched_getaffinity(0))} CPUs, "
        f"Python {platform.python_version()}; responses of about 4,000 characters, groups of {GROUP}.",
        "",
        *scorer_table(options.items),
        "",
        *env_table(min(options.items, 512)),
    ]
    publish(lines, options.output)


def batch(domain: str, items: int) -> tuple[list[Task], list[str]]:
    """`items` responses in groups of `GROUP` to the domain's samples, right and wrong in turn."""
    id = next(spec.id for spec in prorl_envs.environments() if spec.domain == domain)
    env = gymnasium.make(id).unwrapped
    assert isinstance(env, VerifiableEnv)
    tasks = [env.tasks[index // GROUP % len(env.tasks)] for index in range(items)]
    responses = [
        THOUGHTS + str((task if index % 2 else env.tasks[0]).meta["reference"])
        for index, task in enumerate(tasks)
    ]
    return tasks, responses


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The best of a few runs: the machine's noise only ever adds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def scorer_table(items: int) -> list[str]:
    """Microseconds per item: direct call, one worker, all workers, one item at a time."""
    head = "| domain | direct (us) | 1 worker (us) | overhead (us) | all workers (us) | speed-up | one by one (us) |"
    return [
        head,
        "|---|---|---|---|---|---|---|",
        *map(scorer_row, ("math", "stem", "logic", "instruction"), [items] * 4),
    ]


def scorer_row(domain: str, items: int) -> str:
    """One line of `scorer_table`."""
    tasks, responses = batch(domain, items)
    some = min(items, 200)
    with Scorer(workers=1) as one, Scorer() as every:
        verifier = one.verifier(domain)
        verifier.prepare()
        for warm in (one, every):
            warm.score(tasks, responses)
        direct = seconds(lambda: [verifier.verify(r, t) for r, t in zip(responses, tasks, strict=True)])
        alone = seconds(lambda: one.score(tasks, responses))
        spread = seconds(lambda: every.score(tasks, responses))
        single = seconds(lambda: [one.score([tasks[i]], [responses[i]]) for i in range(some)]) / some
    per = 1e6 / items
    return (
        f"| {domain} | {direct * per:.0f} | {alone * per:.0f} | {(alone - direct) * per:.0f} | "
        f"{spread * per:.0f} | {alone / spread:.2f} x | {single * 1e6:.0f} |"
    )


def env_table(steps: int) -> list[str]:
    """Steps per second of a single and of a vector environment."""
    head = ["| environment | single (steps/s) | make_vec of 64 (steps/s) | ratio |", "|---|---|---|---|"]
    return head + [
        env_row(spec.id, steps // 8 if spec.domain == "code" else steps) for spec in prorl_envs.environments()
    ]


def env_row(id: str, steps: int) -> str:
    """One line of `env_table`: the same reference answer to every problem."""
    env = gymnasium.make(id).unwrapped
    vector = gymnasium.make_vec(id, num_envs=64, autoreset_mode="SameStep")
    assert isinstance(env, VerifiableEnv)
    answer = str(env.tasks[0].meta["reference"])
    rounds = max(1, steps // 64)

    def play() -> None:
        for _ in range(steps):
            env.reset()
            env.step(answer)

    def play_vector() -> None:
        for _ in range(rounds):
            vector.step((answer,) * 64)

    env.reset(seed=0)
    env.step(answer)
    vector.reset(seed=0)
    single, many = steps / seconds(play), rounds * 64 / seconds(play_vector)
    return f"| {id} | {single:.0f} | {many:.0f} | {many / single:.1f} x |"


if __name__ == "__main__":
    main()
