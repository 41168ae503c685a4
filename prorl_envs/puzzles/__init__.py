"""Logic puzzles: every Reasoning Gym dataset, as stored tasks with scorers that cannot be gamed or hijacked."""

from __future__ import annotations

from prorl_envs.puzzles.catalogue import PAPER_96, PAPER_OOD, TASK_SETS, resolve, settings, task_names
from prorl_envs.puzzles.oracles import oracle
from prorl_envs.puzzles.tasks import PROMPT, generate, make_task

__all__ = [
    "PAPER_96",
    "PAPER_OOD",
    "PROMPT",
    "TASK_SETS",
    "generate",
    "make_task",
    "oracle",
    "resolve",
    "settings",
    "task_names",
]
