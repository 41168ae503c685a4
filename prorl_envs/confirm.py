r"""Keeps the tasks whose gold an independent answer confirms.

The paper's STEM data keeps a problem when a strong model's answer equals the gold taken from its worked solution
(ProRL appendix D.3; there GPT-4o compares them, here the domain's verifier does). A gold that was extracted
wrongly is very unlikely to be what somebody else found.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from prorl_envs.core import Task
from prorl_envs.rows import LoadReport
from prorl_envs.scoring import shared_scorer

__all__ = ["Candidate", "confirmed"]

log = logging.getLogger(__name__)

Candidate: TypeAlias = "tuple[Task, str | None]"
"""A task, and the independent answer that must agree with its gold, if there is one."""

_BATCH = 512


def confirmed(candidates: Iterable[Candidate], report: LoadReport) -> Iterator[Task]:
    r"""The tasks whose answer the verifier accepts in a ``\boxed{}``, and those without an answer to compare.

    The others are counted in `report`. Judging happens in the process's Scorer, since answers are model text.
    """
    source = iter(candidates)
    while batch := list(islice(source, _BATCH)):
        asked = [(task, answer) for task, answer in batch if answer is not None]
        boxed = [f"\\boxed{{{answer}}}" for _, answer in asked]
        verdicts = iter(shared_scorer().score([task for task, _ in asked], boxed))
        for task, answer in batch:
            verdict = next(verdicts) if answer is not None else None
            if verdict is None or verdict.correct:
                yield task
                continue
            report.unconfirmed += 1
            if verdict.correct is None:
                log.warning("%s: could not be confirmed, and is left out: %s", task.id, verdict.detail)
