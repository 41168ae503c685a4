"""Turns puzzles into `Task`s: the question, how to answer it, and what the verifier needs.

from prorl_envs.puzzles import generate
tasks = generate("sudoku", size=100, seed=7, config={"min_empty": 30, "max_empty": 40})
tasks = generate("sudoku", size=100, seed=7, level=3)      # the task's own curriculum
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prorl_envs.core import Task
from prorl_envs.errors import ConfigError
from prorl_envs.prompts import PROMPTS
from prorl_envs.puzzles.catalogue import category, has_curriculum, resolve, settings
from prorl_envs.puzzles.entries import HASH_ORDERED, WRITES_FILES, entries, plain
from prorl_envs.puzzles.isolation import entries_in_child, hash_order_is_fixed

__all__ = ["PROMPT", "SOURCE", "generate", "make_task"]

PROMPT = PROMPTS["logic-answer"].replace("{{problem}}", "{question}")
"""The default prompt; a template of your own holds ``{question}`` once or more."""

SOURCE = "reasoning-gym"


def generate(
    task: str,
    *,
    size: int,
    seed: int,
    config: Mapping[str, Any] | None = None,
    level: int | None = None,
    template: str = PROMPT,
) -> list[Task]:
    """Makes `size` tasks of one puzzle, or of a named set of puzzles, evenly.

    The same arguments give the same tasks in every process: generators that lean on Python's hash order run in
    a child process with a fixed one. Global random states are left as they were.

    Args:
        task: a registered Reasoning Gym dataset ("chain_sum", "sudoku", ...; see `task_names`), or "paper96",
            "paper_ood" or "all".
        size: how many, at least 1.
        seed: at least 0. Upstream adds the item's index to it, so neighboring seeds share most of their items:
            keep the seeds of sets that must not meet further apart than their sizes.
        config: the puzzle's own settings (difficulty); see `settings`.
        level: a level of the puzzle's own curriculum, from 0, in place of the default settings; in a set, the
            few puzzles without a curriculum keep their defaults.
        template: the prompt, with ``{question}`` in it.

    Raises:
        UnknownNameError: no such task; suggests the nearest.
        ConfigError: a setting is unknown or refused, `config` is given for a set, or the template lacks
            ``{question}``.
    """
    if "{question}" not in template:
        raise ConfigError("a prompt template must hold {question}")
    names = resolve(task)
    if len(names) > 1:
        return _generate_set(task, names, size, seed, config, level, template)
    chosen = chosen_settings(task, config, level)
    source = entries_in_child if needs_child(task, chosen) else entries
    made: Iterable[dict[str, Any]] = source(task, size=size, seed=seed, config=chosen)
    return [make_task(task, entry, config=chosen, template=template) for entry in made]


def _generate_set(
    task: str,
    names: Sequence[str],
    size: int,
    seed: int,
    config: Mapping[str, Any] | None,
    level: int | None,
    template: str,
) -> list[Task]:
    if config:
        raise ConfigError(
            f"{task!r} is a set of puzzles: its puzzles have settings, it has none (level= is for all)"
        )
    made: list[Task] = []
    for i, name in enumerate(names):
        own = level if has_curriculum(name) else None
        count = size // len(names) + (i < size % len(names))
        made += generate(name, size=count, seed=seed, level=own, template=template) if count else []
    return made


def chosen_settings(task: str, config: Mapping[str, Any] | None, level: int | None) -> dict[str, Any]:
    """The settings that differ from the task's defaults, JSON-safe: a curriculum's level under `config`."""
    defaults = plain(settings(task))
    leveled = plain(settings(task, level=level)) if level is not None else {}
    merged = {**leveled, **plain(dict(config or {}))}
    return {name: value for name, value in merged.items() if name not in defaults or value != defaults[name]}


def needs_child(task: str, config: Mapping[str, Any]) -> bool:
    """Whether this process must not make the items itself (a composite's parts count)."""
    parts = config.get("datasets") or [] if task == "composite" else []
    names = {task, *(part.get("name") for part in parts)}
    return bool(names & WRITES_FILES) or bool(names & HASH_ORDERED and not hash_order_is_fixed())


def make_task(
    task: str, entry: Mapping[str, Any], *, config: Mapping[str, Any], template: str = PROMPT
) -> Task:
    """The `Task` of one stored item.

    ``truth`` is ``{"task", "entry", "config"?}``; settings are kept when they differ from the defaults, because
    some upstream scorers read them.
    """
    metadata = entry.get("metadata") or {}
    meta: dict[str, Any] = {"task": task, "category": category(task)}
    if metadata.get("difficulty"):
        meta["difficulty"] = metadata["difficulty"]
    truth: dict[str, Any] = {"task": task, "entry": dict(entry)}
    if config:
        truth["config"] = dict(config)
    prompt = template.replace("{question}", str(entry["question"]))
    return Task("logic", prompt, truth, source=SOURCE, meta=meta)
