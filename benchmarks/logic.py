"""How fast logic puzzles are scored: strict rules beside upstream's scorers, and a mixed batch through a Scorer.

    python -m benchmarks.logic [--items 5] [--batch 10000] [--workers 2] [--output benchmarks/results/logic.md]

For each task the same responses, with right and wrong answers, are judged by `LogicVerifier` and by the same frame
around Reasoning Gym's own ``score_answer``, unfenced. The bare scorers, without the frame that finds the answer, are
compared too: many are one comparison of two short texts. Each figure is the best of several runs, in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks.tables import publish
from prorl_envs.core import Task, Verdict
from prorl_envs.puzzles import make_task, oracle, task_names
from prorl_envs.puzzles.catalogue import build_dataset
from prorl_envs.puzzles.entries import plain
from prorl_envs.puzzles.repairs import repaired
from prorl_envs.puzzles.rules import Entry
from prorl_envs.puzzles.scorers import strict_score
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
Scoring = Callable[[], object]


def tolerant(score: Callable[[str, object], float], answer: str, raw: object) -> float:
    """Upstream's value, 0 where its scorer raises."""
    with contextlib.suppress(Exception):
        return float(score(answer, raw))
    return 0.0


class Unfenced(LogicVerifier):
    """The verifier's frame around one upstream scorer, given the entry as its generator made it."""

    def __init__(self, score: Callable[[str, object], float], raw: object) -> None:
        super().__init__()
        self._upstream, self._raw = score, raw

    def _score(self, answer: str, name: str, entry: Entry) -> Verdict:  # noqa: ARG002  # the base's signature
        value = min(1.0, max(0.0, tolerant(self._upstream, answer, self._raw)))
        return Verdict.share(value, detail=f"{name}: upstream", parts={"answered": 1.0})


class Work(NamedTuple):
    """The same answers for both: bare calls, framed calls, and tasks with responses for a Scorer."""

    bare: tuple[list[Scoring], list[Scoring]]
    framed: tuple[list[Scoring], list[Scoring]]
    pairs: list[tuple[Task, str]]


class Row(NamedTuple):
    """Answers per second of one task: strict and upstream, bare and framed."""

    name: str
    bare: tuple[float, float]
    framed: tuple[float, float]


def work_of(name: str, items: int) -> Work:
    """Right answers, and the right answers of other items, as wrong ones."""
    size = 1 if name in SLOW else items
    dataset = build_dataset(name, size=size, seed=31)
    raw = [dataset[index] for index in range(size)]
    stored = [repaired(name, plain(item)) for item in raw]
    source = [item["metadata"]["source_dataset"] if name == "composite" else name for item in stored]
    right = [oracle(name, item) for item in stored]
    work, verifier = Work(([], []), ([], []), []), LogicVerifier()
    for i, item in enumerate(stored):
        entry = Entry(item["question"], item["answer"] or "", item["metadata"], {})
        task = make_task(name, item, config={})
        for answer in (right[i].strip(), right[i - 1].strip() + ("" if size > 1 else "1")):
            response = f"<think>so</think><answer>{answer}</answer>"
            work.bare[0].append(partial(strict_score, source[i], answer, entry))
            work.bare[1].append(partial(tolerant, dataset.score_answer, answer, raw[i]))
            work.framed[0].append(partial(verifier.verify, response, task))
            work.framed[1].append(partial(Unfenced(dataset.score_answer, raw[i]).verify, response, task))
            work.pairs.append((task, response))
    return work


def rates(both: tuple[list[Scoring], list[Scoring]], runs: int = 8) -> tuple[float, float]:
    """Calls per second of each, the best of several short runs in turn, so that a busy moment hits both."""
    best = [0.0, 0.0]
    for _ in range(runs):
        for side, calls in enumerate(both):
            best[side] = max(best[side], _rate(calls))
    return best[0], best[1]


def _rate(calls: Sequence[Scoring], seconds: float = 0.03) -> float:
    done, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        for call in calls:
            call()
        done += len(calls)
    return done / spent


def batch_rate(pairs: Sequence[tuple[Task, str]], size: int, workers: int) -> float:
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
    every: list[tuple[Task, str]] = []
    rows: list[Row] = []
    for name in task_names():
        work = work_of(name, items)
        every += work.pairs
        with contextlib.redirect_stdout(io.StringIO()):  # some upstream scorers print
            rows.append(Row(name, rates(work.bare), rates(work.framed)))
    safe = [row for row in rows if row.name not in EVALUATED]
    slower = [row.name for row in safe if row.framed[0] < 0.8 * row.framed[1]]
    lines = [
        "# Logic puzzles",
        "",
        f"Python {platform.python_version()}, reasoning-gym {version('reasoning-gym')}, {os.cpu_count()} cores.",
        "",
        f"The {len(safe)} tasks whose upstream scorer evaluates nothing, one answer of each in turn:",
        "",
        f"- whole judgements: strict at {overall([row.framed for row in safe]):.1f} x upstream's rate; "
        f"tasks below 0.8 x: {', '.join(slower) or 'none'}",
        f"- bare scorers: strict at {overall([row.bare for row in safe]):.1f} x upstream's rate",
        "",
        f"A mixed batch of {batch:,} answers to all tasks through a Scorer of {workers} workers, strict: "
        f"{batch_rate(every, batch, workers):,.0f} answers/s.",
        "",
        "| task | strict, judgements/s | upstream | ratio | strict, bare/s | upstream |",
        "|---|---|---|---|---|---|",
    ]
    for name, bare, (a, b) in rows:
        lines.append(f"| {name} | {a:,.0f} | {b:,.0f} | {a / b:.2f} | {bare[0]:,.0f} | {bare[1]:,.0f} |")
    return "\n".join(lines) + "\n"


def overall(rates: Sequence[tuple[float, float]]) -> float:
    """How much faster the first is when each task comes up as often."""
    return sum(1 / b for _, b in rates) / sum(1 / a for a, _ in rates)


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
    publish(report(options.items, options.batch, options.workers).splitlines(), options.output)


if __name__ == "__main__":
    main()
