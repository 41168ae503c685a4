"""pass@1 and pass@k on held-out problems, with the policy as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from adapters.prorl.config import RunConfig
from adapters.prorl.generation import encode_prompt
from adapters.prorl.judging import sample_and_judge
from prorl_envs.core import Task
from prorl_envs.errors import InfrastructureError
from prorl_envs.passk import mean_pass_at_k
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
    """

    pass_at: dict[int, float]
    by_source: dict[str, float]
    length: float
    truncated: float
    failed: int
    seconds: float


def validate(trainer: Any, config: RunConfig, tasks: Sequence[Task], scorer: Scorer) -> Validation:
    """Samples ``validation.samples`` responses to each task and judges them by strict correctness.

    The random states of the run are left as they were, and the same noise is used each time.

    Raises:
        InfrastructureError: not one problem could be judged.
    """
    began, samples = time.perf_counter(), config.validation.samples
    tokenizer = trainer.processing_class
    training = trainer.model.training
    prompts = [encode_prompt(tokenizer, task) for task in tasks]
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        trainer.model.eval()
        done = sample_and_judge(
            trainer, scorer, tokenizer, tasks, prompts, samples,
            chunk=config.rollout.chunk, temperature=config.validation.temperature,
        )  # fmt: skip
        trainer.model.train(training)
    responses, verdicts = done.responses, done.verdicts
    judged: dict[str, list[int]] = {}
    failed = 0
    for index, task in enumerate(tasks):
        views = [verdict.correct for verdict in verdicts[index * samples : (index + 1) * samples]]
        failed += sum(view is None for view in views)
        if None not in views:
            judged.setdefault(source_of(task), []).append(sum(bool(view) for view in views))
    correct = [count for counts in judged.values() for count in counts]
    if not correct:
        raise InfrastructureError(f"no validation response could be judged: {verdicts[0].detail}")
    return Validation(
        pass_at={k: mean_pass_at_k(correct, samples, k) for k in sorted({1, samples})},
        by_source={name: mean_pass_at_k(counts, samples, 1) for name, counts in sorted(judged.items())},
        length=sum(map(len, responses)) / len(responses),
        truncated=sum(ids[-1] not in trainer.eos_token_ids for ids in responses) / len(responses),
        failed=failed,
        seconds=time.perf_counter() - began,
    )


def source_of(task: Task) -> str:
    """What a task's results are listed under: its puzzle, else its recipe, else its domain."""
    return str(task.meta.get("task") or task.source or task.domain)
