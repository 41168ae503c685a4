"""A run as its folder tells it, or several runs in a row: what pages and cards are made from.

Reads whatever is there; a run that is still going on, or was cut short, has a story too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prorl_envs.errors import ConfigError

__all__ = ["Story", "read_story"]

_HEAD, _TAIL = 2**18, 2**20
"""Bytes of rollouts.jsonl that are read at its beginning and at its end: whole, it may be as large as a model."""


@dataclass(frozen=True)
class Story:
    """One run, or several whose steps are counted on.

    Attributes:
        name: of the (last) run.
        config: its resolved configuration, plain data.
        about: its run.json: versions, machine, seed, command.
        steps, validations, resets, alarms, overs, sessions: lines of metrics.jsonl by kind, with steps counted on.
        chapters: for each run its name and the step before its first one.
        rollouts: some lines of rollouts.jsonl, of the beginning and of the end.
    """

    name: str
    config: dict[str, Any]
    about: dict[str, Any]
    steps: list[dict[str, Any]]
    validations: list[dict[str, Any]]
    resets: list[dict[str, Any]]
    alarms: list[dict[str, Any]]
    overs: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    chapters: list[tuple[str, int]]
    rollouts: list[dict[str, Any]]

    @property
    def step(self) -> int:
        """Steps made so far."""
        return int(self.steps[-1]["step"]) if self.steps else self.chapters[-1][1]

    @property
    def finished(self) -> bool:
        """Whether the last session came to the end."""
        return bool(self.sessions and self.sessions[-1].get("finished"))


def read_story(folders: Sequence[Path]) -> Story:
    """Reads runs, in order.

    Args:
        folders: of one run or more.

    Raises:
        ConfigError: a folder is not a run.
    """
    kinds: dict[str, list[dict[str, Any]]] = {}
    chapters: list[tuple[str, int]] = []
    offset = 0
    for folder in folders:
        chapters.append((folder.name, offset))
        rows = [row for row in _lines(folder / "metrics.jsonl") if isinstance(row.get("step"), int)]
        for row in rows:
            kinds.setdefault(str(row.get("kind")), []).append({**row, "step": row["step"] + offset})
        offset += max((row["step"] for row in rows), default=0)
    last = folders[-1]
    return Story(
        name=last.resolve().name,
        config=_configuration(last),
        about=_about(last),
        steps=kinds.get("step", []),
        validations=kinds.get("validation", []),
        resets=kinds.get("reset", []),
        alarms=kinds.get("alarm", []),
        overs=kinds.get("alarm_over", []),
        sessions=kinds.get("session", []),
        chapters=chapters,
        rollouts=_ends(last / "rollouts.jsonl"),
    )


def _configuration(folder: Path) -> dict[str, Any]:
    file = folder / "config.yaml"
    if not file.is_file():
        raise ConfigError(f"{str(folder)!r} is not a run: it has no config.yaml")
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    return data if isinstance(data, dict) else {}


def _about(folder: Path) -> dict[str, Any]:
    file = folder / "run.json"
    data = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return data if isinstance(data, dict) else {}


def _ends(file: Path) -> list[dict[str, Any]]:
    """The rows in the first and the last part of a long file."""
    if not file.is_file():
        return []
    size = file.stat().st_size
    if size <= _HEAD + _TAIL:
        return _lines(file)
    with file.open("rb") as source:
        head = source.read(_HEAD)
        source.seek(size - _TAIL)
        tail = source.read()
    # The line that each part ends or begins in the middle of is no JSON, and is passed over.
    return _rows(head) + _rows(tail)


def _lines(file: Path) -> list[dict[str, Any]]:
    return _rows(file.read_bytes()) if file.is_file() else []


def _rows(raw: bytes) -> list[dict[str, Any]]:
    rows = []
    for line in raw.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows
