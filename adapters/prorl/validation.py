"""pass@1 and pass@k on held-out problems, with the policy as it is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from adapters.prorl.config import RunConfig
from adapters.prorl.generation import encode_prompt
from adapters.prorl.judging import sample_and_judge
from prorl_envs.core import Task
from prorl_envs.errors import InfrastructureError
from prorl_envs.passk import bootstrap_interval, mean_pass_at_k
from prorl_envs.scoring import Scorer

__all__ = ["Validation", "validate"]

_SEED = 20_250_530


@dataclass(frozen=True)
class Validation:
    """Results on the held-out problems.

    Attributes:
        pass_at: by k, the unbiased estimate over all problems; k is 1 and the number of samples.
        by_source: pass@1 by puzzle, recipe or domain.
        length: mean tokens of a response.
        truncated: share of responses that hit the cap.
        failed: responses that could not be judged; their problems are left out.
        seconds: time it took.
        interval: by k, a 95 % bootstrap interval of `pass_at` over problems.
    """

    pass_at: dict[int, float]
    by_source: dict[str, float]
    length: float
    truncated: float
    failed: int
    seconds: float
    interval: dict[int, tuple[float, float]] = field(default_factory=dict)


def validate(trainer: Any, config: RunConfig, tasks: Sequence[Task], scorer: Scorer) -> Validation:
    """Samples ``validation.samples`` responses to each task and judges them by strict correctness.

    Processes share the tasks out; each returns the result over all of them. The random states of the run are left as
    they were, and the same noise is used each time.

    Raises:
        InfrastructureError: not one problem could be judged.
    """
    began, processes = time.perf_counter(), trainer.processes
    mine = processes.together(lambda: _share(trainer, config, tasks, scorer))
    parts = [row for rows in processes.gather(mine) for row in rows]
    samples = config.validation.samples
    judged: dict[str, list[int]] = {}
    for row in sorted(parts, key=lambda row: row.position):
        if None not in row.correct:
            judged.setdefault(row.source, []).append(sum(map(bool, row.correct)))
    correct = [count for counts in judged.values() for count in counts]
    if not correct:
        raise InfrastructureError(f"no validation response could be judged: {parts[0].detail}")
    responses = len(parts) * samples
    return Validation(
        pass_at={k: mean_pass_at_k(correct, samples, k) for k in sorted({1, samples})},
        by_source={name: mean_pass_at_k(counts, samples, 1) for name, counts in sorted(judged.items())},
        length=sum(sum(row.lengths) for row in parts) / responses,
        truncated=sum(row.truncated for row in parts) / responses,
        failed=sum(view is None for row in parts for view in row.correct),
        seconds=time.perf_counter() - began,
        interval={k: bootstrap_interval(correct, samples, k) for k in sorted({1, samples})},
    )


@dataclass(frozen=True)
class _Problem:
    """One held-out problem with what its responses were worth, as it travels between processes."""

    position: int
    source: str
    correct: list[bool | None]
    lengths: list[int]
    truncated: int
    detail: str


def _share(trainer: Any, config: RunConfig, tasks: Sequence[Task], scorer: Scorer) -> list[_Problem]:
    """This process's share of the tasks, sampled and judged."""
    samples, processes, tokenizer = config.validation.samples, trainer.processes, trainer.processing_class
    positions = list(range(processes.rank, len(tasks), processes.size))
    # Processes that generate together do so equally often: the first problem fills up where the shares are uneven.
    filled = positions + [0] * (math.ceil(len(tasks) / processes.size) - len(positions))
    chosen = [tasks[position] for position in filled]
    prompts = [encode_prompt(tokenizer, task) for task in chosen]
    training = trainer.model.training
    with torch.random.fork_rng():
        torch.manual_seed(_SEED + processes.rank)
        trainer.model.eval()
        done = sample_and_judge(
            trainer, scorer, tokenizer, chosen, prompts, samples,
            chunk=config.rollout.chunk, temperature=config.validation.temperature,
        )  # fmt: skip
        trainer.model.train(training)
    rows = []
    for index, position in enumerate(positions):
        part = slice(index * samples, (index + 1) * samples)
        responses, verdicts = done.responses[part], done.verdicts[part]
        rows.append(
            _Problem(
                position=position,
                source=source_of(tasks[position]),
                correct=[verdict.correct for verdict in verdicts],
                lengths=[len(ids) for ids in responses],
                truncated=sum(ids[-1] not in trainer.eos_token_ids for ids in responses),
                detail=verdicts[0].detail,
            )
        )
    return rows


def source_of(task: Task) -> str:
    """What a task's results are listed under: its puzzle, else its recipe, else its domain."""
    return str(task.meta.get("task") or task.source or task.domain)
