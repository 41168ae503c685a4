"""How fast logic puzzles are scored: strict rules beside upstream's scorers, and a mixed batch through a Scorer.

    python -m benchmarks.logic [--items 5] [--batch 10000] [--workers 2] [--output benchmarks/results/logic.md]

For each task the same right and wrong answers are scored by both verifiers in this process; the figure is the ratio
of the best of several runs (strict over upstream, in answers per second). Upstream's scorers run behind their fences.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from prorl_envs.core import Task
from prorl_envs.puzzles import generate, oracle, task_names
from prorl_envs.scoring import Scorer
from prorl_envs.verifiers.logic_puzzle import LogicVerifier

EVALUATED = frozenset(
    {
        "binary_matrix",
        "countdown",
        "intermediate_integration",
        "n_queens",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
        "spiral_matrix",
        "string_insertion",
    }
)
"""Tasks whose upstream scorers evaluate the answer: no peer for a safe one."""

SLOW = frozenset({"knight_swap", "puzzle24", "zebra_puzzles", "futoshiki", "intermediate_integration"})
Pairs = list[tuple[Task, str]]


def pairs_of(name: str, items: int) -> Pairs:
    """Right answers, and the right answers of other items, as wrong ones."""
    tasks = generate(name, size=1 if name in SLOW else items, seed=31)
    right = [oracle(name, task.truth["entry"]) for task in tasks]
    turned = [*right[1:], right[0] + "1"]
    return [
        (task, f"<think>so</think><answer>{answer}</answer>")
        for task, good, other in zip(tasks, right, turned, strict=True)
        for answer in (good, other)
    ]


def rate(verifier: LogicVerifier, pairs: Pairs, seconds: float = 0.15, runs: int = 3) -> float:
    """Answers per second, the best of several runs."""
    for task, response in pairs:
        verifier.verify(response, task)
    best = 0.0
    for _ in range(runs):
        done, begun = 0, time.perf_counter()
        while (spent := time.perf_counter() - begun) < seconds:
            for task, response in pairs:
                verifier.verify(response, task)
            done += len(pairs)
        best = max(best, done / spent)
    return best


def batch_rate(pairs: Pairs, size: int, workers: int) -> float:
    """Answers per second of a mixed batch through a warm Scorer."""
    rng = random.Random(0)
    chosen = [rng.choice(pairs) for _ in range(size)]
    with Scorer(workers=workers) as scorer:
        scorer.score([pairs[0][0]], [pairs[0][1]])
        begun = time.perf_counter()
        scorer.score([task for task, _ in chosen], [response for _, response in chosen])
        return size / (time.perf_counter() - begun)


def report(items: int, batch: int, workers: int) -> str:
    """The whole measurement, as Markdown."""
    strict, upstream = LogicVerifier(), LogicVerifier(scoring="upstream")
    every: Pairs = []
    rows: list[tuple[str, float, float]] = []
    for name in task_names():
        pairs = pairs_of(name, items)
        every += pairs
        rows.append((name, rate(strict, pairs), rate(upstream, pairs)))
    safe = [(name, a, b) for name, a, b in rows if name not in EVALUATED]
    slower = [name for name, a, b in safe if a < 0.8 * b]
    ratio = sum(1 / b for _, _, b in safe) / sum(1 / a for _, a, _ in safe)
    lines = [
        "# Logic puzzles",
        "",
        f"Python {platform.python_version()}, reasoning-gym {version('reasoning-gym')}, {os.cpu_count()} cores.",
        "",
        f"- all {len(safe)} tasks whose upstream scorer evaluates nothing, one answer each in turn: "
        f"strict at {ratio:.1f} x upstream's rate",
        f"- of them below 0.8 x: {', '.join(slower) or 'none'}",
        f"- a mixed batch of {batch:,} answers through a Scorer of {workers} workers, strict: "
        f"{batch_rate(every, batch, workers):,.0f} answers/s",
        "",
        "| task | strict, answers/s | upstream, answers/s | ratio |",
        "|---|---|---|---|",
        *(f"| {name} | {a:,.0f} | {b:,.0f} | {a / b:.2f} |" for name, a, b in rows),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=5)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    text = report(options.items, options.batch, options.workers)
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
