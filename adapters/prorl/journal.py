"""The folder of a run: what was asked for, what happened, and with which versions.

runs/<name>/
  config.yaml        the resolved configuration; `--resume` reads it
  run.json           versions, machine, seed, command
  metrics.jsonl      one line per step, validation, reset and session, told apart by "kind"
  rollouts.jsonl     some responses of each step with their verdicts
  curves.png         drawn from metrics.jsonl
  checkpoints/       resumable states
  best/              the model of the best validation
  warm_start/        the tiny model before RL
  model/             the trained model and its tokenizer
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from adapters.prorl.config import RunConfig
from adapters.prorl.durable import sync, write_text
from adapters.prorl.sampling.groups import Group
from prorl_envs.errors import ConfigError

__all__ = ["Journal", "check_room", "new_run_folder", "read_metrics", "read_run_seed"]

_LINES = ("metrics.jsonl", "rollouts.jsonl")
_PACKAGES = (
    "prorl-envs",
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "datasets",
    "reasoning-gym",
    "math-verify",
    "numpy",
    "gymnasium",
)


class Journal:
    """Writes a run's folder, line by line, so that a crash loses nothing that was said.

    Args:
        folder: of the run; exists.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def metrics(self) -> Path:
        """The file of metrics."""
        return self.folder / "metrics.jsonl"

    def begin(self, config: RunConfig, argv: Iterable[str]) -> None:
        """Writes the resolved configuration and what it runs on."""
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_text(self.folder / "config.yaml", text)
        self.describe(config, argv)

    def describe(self, config: RunConfig, argv: Iterable[str]) -> None:
        """Writes versions, machine, seed and command."""
        about = {
            "began": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(argv),
            "seed": config.seed,
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "versions": {name: _version(name) for name in _PACKAGES},
        }
        write_text(self.folder / "run.json", json.dumps(about, indent=2) + "\n")

    def write(self, kind: str, **values: Any) -> None:
        """Appends one line to the metrics."""
        _append(self.metrics, {"kind": kind, **values})

    def write_rollouts(self, step: int, groups: Iterable[Group]) -> None:
        """Appends the responses of `groups`, one line each."""
        for group in groups:
            for text, ids, verdict in zip(group.texts, group.response_ids, group.verdicts, strict=True):
                row = {
                    "step": step,
                    "id": group.task.id,
                    "domain": group.task.domain,
                    "prompt": group.task.text,
                    "response": text,
                    "tokens": len(ids),
                    "reward": verdict.reward,
                    "status": verdict.status.value,
                    "detail": verdict.detail,
                }
                _append(self.folder / "rollouts.jsonl", row)

    def sync(self) -> None:
        """Returns once every line is on the disk."""
        for name in _LINES:
            if (self.folder / name).exists():
                sync(self.folder / name)

    def forget_after(self, step: int, *, resets: int) -> None:
        """Drops the lines of what a resumed run repeats: steps after `step`, and resets after the first `resets`."""
        for name in _LINES:
            file = self.folder / name
            if file.exists():
                kept = [
                    row
                    for row in _rows(file)
                    if row.get("step", 0) <= step and row.get("number", 0) <= resets
                ]
                write_text(file, "".join(json.dumps(row) + "\n" for row in kept))


def read_metrics(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of one kind, in order."""
    file = folder / "metrics.jsonl"
    return [row for row in _rows(file) if row["kind"] == kind] if file.exists() else []


def read_run_seed(folder: Path) -> int:
    """The seed that a run was made with."""
    return int(json.loads((folder / "run.json").read_text(encoding="utf-8"))["seed"])


def new_run_folder(config: RunConfig) -> Path:
    """Makes the folder of a new run: ``runs/<name>``, or the preset's name with the next free number.

    Raises:
        ConfigError: it exists already, or cannot be made or written.
    """
    try:
        config.runs.mkdir(parents=True, exist_ok=True)
        if config.name:
            folder = config.runs / config.name
            folder.mkdir(parents=True)
        else:
            folder = _next_free(config.runs, config.preset or "run")
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except FileExistsError:
        raise ConfigError(
            f"{str(config.runs / config.name)!r} exists already: give another --name, or --resume it"
        ) from None
    except OSError as error:
        raise ConfigError(f"the run's folder cannot be written: {error}. Give another --runs") from None
    return folder


def check_room(folder: Path, needed: int) -> None:
    """Raises `ConfigError` when the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigError(
            f"the disk of {str(folder)!r} has {free / 2**30:.2f} GiB free, and the run's checkpoints and model need "
            f"{needed / 2**30:.2f} GiB: make room, lower checkpoint.keep, or give another --runs"
        )


def _next_free(runs: Path, stem: str) -> Path:
    for number in range(1, 10_000):
        folder = runs / f"{stem}-{number:03d}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(stem)


def _append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    """The rows of a JSONL file; a last line that a crash cut short is left out."""
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
