"""The paper's puzzle sets, made on all cores: 37,000 for training and 9,600 for validation (ProRL D.4).

    python -m prorl_envs.puzzles build --split validation --out data/puzzles

or through the recipe ``reasoning-gym``. A set is a pure function of its plan: same plan, same tasks, same content
hash on any machine with the same versions of Reasoning Gym and Python. Training and validation draw from different
seeds, share no problem, and repeat none where a puzzle has enough to offer.

Parts are files of their own, written whole or not at all, so that an interrupted build goes on where it stopped.
Each worker is a process: a slow generator occupies one, and a stuck one is killed and named in the error, after
everything else is done.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prorl_envs.core import Task
from prorl_envs.errors import ConfigError
from prorl_envs.puzzles.catalogue import resolve
from prorl_envs.puzzles.parts import Part, make_parts, read_part
from prorl_envs.puzzles.tasks import PROMPT, make_task

__all__ = ["SPLITS", "Built", "Plan", "build", "content_hash", "paper_set", "plan_of"]

log = logging.getLogger(__name__)

_SEEDS = {"validation": 1_000_000_000, "train": 2_000_000_000}
"""Far apart: upstream's item i of seed s is item 0 of seed s + i."""

_ROWS_OF_96 = {"validation": 9_600, "train": 37_000}
_TRIES = 4
_FRESH = 0.75
_SIZE = 2_000
_CHUNK = 50
SPLITS: tuple[str, ...] = ("train", "validation")

Progress = Callable[[int, int], None]
"""Told how many items of how many are made."""


@dataclass(frozen=True)
class Plan:
    """What a set is made of.

    Attributes:
        counts: how many of each puzzle.
        seed: where its items begin.
        avoid: the plan whose problems it must not share.
        template: the prompt.
    """

    counts: Mapping[str, int]
    seed: int
    avoid: Plan | None = None
    template: str = PROMPT


@dataclass(frozen=True)
class Built:
    """A finished set.

    Attributes:
        tasks: in the order of the plan.
        sha256: hash over the ids of all tasks, in order.
        repeats: how many tasks repeat an earlier one, by puzzle: these puzzles have no more to offer.
    """

    tasks: tuple[Task, ...]
    sha256: str
    repeats: Mapping[str, int]


def plan_of(split: str, *, puzzles: str = "paper96", rows: int | None = None, template: str = PROMPT) -> Plan:
    """The plan of a split of the paper's sets, or of smaller or other ones in their manner.

    Args:
        split: "train" or "validation".
        puzzles: a puzzle, a named set, or "all".
        rows: how many tasks in total, spread evenly; by default as many of each puzzle as in the paper's set.
        template: the prompt, with ``{question}`` in it.

    Raises:
        ConfigError: there is no such split, or `rows` is not positive.
        UnknownNameError: there are no such puzzles.
    """
    if split not in SPLITS:
        raise ConfigError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
    names = resolve(puzzles)
    total = _ROWS_OF_96[split] * len(names) // 96 if rows is None else rows
    if total < 1:
        raise ConfigError(f"a set needs at least one row, not {total}")
    counts = {name: total // len(names) + (i < total % len(names)) for i, name in enumerate(names)}
    # Whatever the size of this training set, it must not meet the whole validation set.
    avoid = plan_of("validation", puzzles=puzzles, template=template) if split == "train" else None
    return Plan({name: count for name, count in counts.items() if count}, _SEEDS[split], avoid, template)


def build(plan: Plan, folder: Path, *, workers: int | None = None, progress: Progress | None = None) -> Built:
    """Makes a set, or what is missing of it in `folder`.

    Args:
        plan: what to make.
        folder: where the parts are kept; one folder may serve several plans.
        workers: how many processes; one for each core by default.
        progress: called after each part, with the items made and the items planned.

    Raises:
        InfrastructureError: names the puzzles whose generators died or got stuck, after all others are done.
        ConfigError: a puzzle has no problem that is not to be avoided.
    """
    avoided = _avoided(plan, folder, workers)
    rounds = dict.fromkeys(plan.counts, 1)
    while True:
        parts = [part for name in plan.counts for part in _parts(plan, name, rounds[name])]
        make_parts(parts, folder, workers=workers or os.cpu_count() or 1, progress=progress)
        chosen = {
            name: _chosen(plan, name, rounds[name], folder, avoided.get(name, set())) for name in plan.counts
        }
        short = [name for name, tasks in chosen.items() if _is_short(plan, name, tasks, rounds[name])]
        if not short:
            break
        for name in short:
            rounds[name] += 1
    tasks = tuple(task for name in plan.counts for task in _filled(name, chosen[name], plan.counts[name]))
    repeats = {name: plan.counts[name] - len(chosen[name]) for name in plan.counts}
    built = Built(tasks, content_hash(tasks), {name: count for name, count in repeats.items() if count > 0})
    _write_manifest(plan, built, folder)
    return built


def paper_set(
    split: str = "train",
    *,
    puzzles: str = "paper96",
    rows: int | None = None,
    template: str = PROMPT,
    folder: str | None = None,
    workers: int | None = None,
) -> Iterator[Task]:
    """The tasks of `plan_of(split, ...)`: the generator of the recipe ``reasoning-gym``.

    Made once, then read from `folder` (``$XDG_CACHE_HOME/prorl-envs/puzzles`` by default).

    Raises:
        ConfigError, UnknownNameError, InfrastructureError: as `plan_of` and `build` do.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prorl-envs" / "puzzles"
    plan = plan_of(split, puzzles=puzzles, rows=rows, template=template)
    built = build(plan, Path(folder) if folder else cache, workers=workers, progress=_log_progress())
    return iter(built.tasks)


def content_hash(tasks: Iterable[Task]) -> str:
    """SHA-256 over the tasks' content hashes, in order."""
    digest = hashlib.sha256()
    for task in tasks:
        digest.update(f"{task.id}\n".encode())
    return digest.hexdigest()


def _avoided(plan: Plan, folder: Path, workers: int | None) -> dict[str, set[str]]:
    if plan.avoid is None:
        return {}
    only = {name: count for name, count in plan.avoid.counts.items() if name in plan.counts}
    other = build(Plan(only, plan.avoid.seed, None, plan.avoid.template), folder, workers=workers)
    avoided: dict[str, set[str]] = {name: set() for name in only}
    for task in other.tasks:
        avoided[task.truth["task"]].add(task.text)
    return avoided


def _parts(plan: Plan, name: str, rounds: int) -> list[Part]:
    count = plan.counts[name]
    size, stop = max(_SIZE, count * _TRIES), count * rounds
    return [Part(name, size, plan.seed, at, min(at + _CHUNK, stop)) for at in range(0, stop, _CHUNK)]


def _chosen(plan: Plan, name: str, rounds: int, folder: Path, avoided: set[str]) -> list[Task]:
    """The first distinct problems, as many as are wanted or as there are."""
    seen, chosen = set(avoided), []
    for part in _parts(plan, name, rounds):
        for entry in read_part(part, folder):
            task = make_task(name, entry, config={}, template=plan.template)
            if task.text not in seen:
                seen.add(task.text)
                chosen.append(task)
    return chosen[: plan.counts[name]]


def _is_short(plan: Plan, name: str, tasks: list[Task], rounds: int) -> bool:
    """Whether to look for more problems.

    A validation set stops when a puzzle begins to repeat itself: taking its last problems would leave none for
    training.
    """
    count = plan.counts[name]
    running_out = plan.avoid is None and len(tasks) < _FRESH * count * rounds
    return len(tasks) < count and rounds < _TRIES and not running_out


def _filled(name: str, tasks: list[Task], count: int) -> list[Task]:
    """`count` tasks: the distinct ones, over again where they do not suffice."""
    if not tasks:
        raise ConfigError(f"puzzle {name!r} has no problem left that the validation set does not hold")
    return [tasks[i % len(tasks)] for i in range(count)]


def _write_manifest(plan: Plan, built: Built, folder: Path) -> None:
    manifest = {
        "counts": dict(plan.counts),
        "seed": plan.seed,
        "sha256": built.sha256,
        "tasks": len(built.tasks),
        "repeats": dict(built.repeats),
        "versions": {"reasoning-gym": version("reasoning-gym"), "python": platform.python_version()},
    }
    name = hashlib.sha256(json.dumps(manifest["counts"], sort_keys=True).encode()).hexdigest()[:8]
    path = folder / f"manifest-{plan.seed}-{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _log_progress() -> Progress:
    shown = -1

    def progress(made: int, planned: int) -> None:
        nonlocal shown
        percent = 100 * made // planned
        if percent // 10 > shown:
            shown = percent // 10
            log.info("puzzles: %d of %d made (%d %%)", made, planned, percent)

    return progress
