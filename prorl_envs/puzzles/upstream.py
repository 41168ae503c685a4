"""Reasoning Gym's own scorers, for fidelity with the paper, with a fence around them.

Nine of them evaluate the answer as code, others raise, loop for hours or return more than 1. Here an answer must
first pass the fence of its task (`prorl_envs.puzzles.fences`); then the value is clamped to [0, 1], and NaN or an
exception counts as 0, with the reason. Run it inside a `prorl_envs.scoring.Scorer`, whose workers can be killed.
"""

from __future__ import annotations

import copy
import functools
import importlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from prorl_envs.puzzles.catalogue import build_scorer
from prorl_envs.puzzles.fences import fenced_off
from prorl_envs.puzzles.rules import Entry

__all__ = ["upstream_score", "warm_up"]


def warm_up() -> None:
    """Imports Reasoning Gym."""
    importlib.import_module("reasoning_gym")


def upstream_score(task: str, answer: str, entry: Entry) -> tuple[float, str]:
    """Upstream's value, clamped to [0, 1], and why it is what it is.

    Raises:
        UnknownNameError: no such task.
        ConfigError: the entry's settings are refused.
        ValueError: the entry holds what its generator never writes, where upstream would evaluate it.
    """
    if reason := fenced_off(task, answer, entry):
        return 0.0, f"not shown to upstream's scorer: {reason}"
    dataset = _dataset(task, json.dumps(dict(entry.config), sort_keys=True))
    try:
        value = float(dataset.score_answer(answer, _restored(task, entry)))
    except Exception as error:  # noqa: BLE001  # the boundary: upstream scorers may raise anything
        return 0.0, f"upstream's scorer raised {type(error).__name__}"
    if math.isnan(value):
        return 0.0, "upstream's scorer returned NaN"
    return min(1.0, max(0.0, value)), "upstream's scorer"


@functools.lru_cache(maxsize=128)
def _dataset(task: str, config: str) -> Any:
    return build_scorer(task, json.loads(config))


def _restored(task: str, entry: Entry) -> dict[str, Any]:
    """The entry as the generator made it: a scorer may write into it, and some compare with tuples."""
    metadata = copy.deepcopy(dict(entry.metadata))
    restore = _RESTORE.get(task)
    if restore:
        restore(metadata)
    answer = None if task in _WITHOUT_ANSWER else entry.answer
    return {"question": entry.question, "answer": answer, "metadata": metadata}


def _boards_as_tuples(metadata: dict[str, Any]) -> None:
    for name in ("input", "output"):
        metadata[name] = tuple(tuple(row) for row in metadata[name])


_WITHOUT_ANSWER = frozenset({"boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"})

_RESTORE: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "arc_agi": _boards_as_tuples,
    "rearc": _boards_as_tuples,
}
