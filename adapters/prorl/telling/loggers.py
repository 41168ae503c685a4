"""A run's metrics in TensorBoard, trackio or W&B too. ``metrics.jsonl`` is always written and needs none of them.

    python -m adapters.train --log-to tensorboard wandb

Everything stays on this machine unless ``log_online`` is set: TensorBoard files and offline W&B runs lie in the
run's folder, trackio keeps its database where it always does (``TRACKIO_DIR``). ``wandb sync`` uploads later.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import math
import os
import uuid
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters.prorl.config import LoggerName, RunConfig
from adapters.prorl.watching.watch import Alarm
from prorl_envs.errors import MissingExtraError

if TYPE_CHECKING:
    from adapters.prorl.validation import Validation

__all__ = ["Logger", "LoggerObserver", "check_loggers", "flattened", "make_loggers"]

log = logging.getLogger(__name__)

_IDS = "tracking.json"


class Logger(Protocol):
    """Another project's place for metrics."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""

    def close(self) -> None:
        """Everything is written."""


class LoggerObserver:
    """Passes a run's numbers on to one logger. A logger that fails is dropped, and never ends a run.

    Args:
        name: for messages.
        start: makes the logger.
    """

    def __init__(self, name: str, start: Callable[[], Logger]) -> None:
        self._name = name
        self._logger: Logger | None = None
        self._guarded(lambda: setattr(self, "_logger", start()))

    def step(self, row: dict[str, Any]) -> None:
        """One step is done."""
        self._send(row["step"], flattened("train", {k: v for k, v in row.items() if k != "step"}))

    def validation(self, step: int, result: Validation) -> None:
        """A validation is done."""
        values: dict[str, Any] = {f"pass@{k}": value for k, value in result.pass_at.items()}
        for name in ("by_source", "by_domain", "length", "truncated", "reward"):
            values[name] = getattr(result, name)
        self._send(step, flattened("heldout", values))

    def reset(self, step: int, reason: str) -> None:
        """The reference was reset."""
        del reason
        self._send(step, {"events/reset": 1.0})

    def alarm(self, alarm: Alarm) -> None:
        """The watch raised an alarm."""
        self._send(alarm.step, {f"alarms/{alarm.name}": 1.0})

    def alarm_over(self, step: int, name: str) -> None:
        """An alarm is over."""
        self._send(step, {f"alarms/{name}": 0.0})

    def close(self) -> None:
        """The run has ended."""
        if self._logger is not None:
            self._guarded(self._logger.close)

    def _send(self, step: int, values: Mapping[str, float]) -> None:
        logger = self._logger
        if logger is not None:
            self._guarded(lambda: logger.log(step, values))

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - three projects, each with its own errors; none may end a run
            log.warning("%s failed and gets no more metrics of this run: %s", self._name, error)
            self._logger = None


def check_loggers(config: RunConfig) -> None:
    """Raises `MissingExtraError` unless every logger that `config` names is installed. Imports none of them."""
    for name in config.log_to:
        if find_spec(name) is None:
            raise MissingExtraError(f"Logging to {name}", name)


def make_loggers(config: RunConfig, folder: Path) -> list[LoggerObserver]:
    """The loggers of a run, ready. For the main process of several.

    Args:
        config: of the run.
        folder: of the run. A resumed run goes on under the id that is kept in it.
    """
    return [
        LoggerObserver(name, functools.partial(_MAKERS[name], config, folder))
        for name in dict.fromkeys(config.log_to)
    ]


def flattened(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among `values`, those of inner mappings too, as ``prefix/name/inner``."""
    flat: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(f"{prefix}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            flat[f"{prefix}/{name}"] = float(value)
    return flat


class _TensorBoard:
    def __init__(self, config: RunConfig, folder: Path) -> None:
        del config
        module = importlib.import_module("torch.utils.tensorboard")
        self._writer = module.SummaryWriter(log_dir=str(folder / "tensorboard"))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, config: RunConfig, folder: Path) -> None:
        if not config.log_online:
            # Crash reports of W&B itself would go to its makers.
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        wandb = importlib.import_module("wandb")
        self._run = wandb.init(
            project=config.log_project,
            name=folder.resolve().name,
            id=_run_id(folder),
            resume="allow" if config.log_online else None,
            dir=str(folder),
            mode="online" if config.log_online else "offline",
            config=config.model_dump(mode="json"),
        )
        # W&B's own counter forbids steps to be repeated, which is what a resumed run does.
        self._run.define_metric("*", step_metric="step")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log({**values, "step": step})

    def close(self) -> None:
        self._run.finish()


class _Trackio:
    def __init__(self, config: RunConfig, folder: Path) -> None:
        self._trackio = importlib.import_module("trackio")
        self._trackio.init(
            project=config.log_project,
            name=f"{folder.resolve().name}-{_run_id(folder)[:6]}",
            config=config.model_dump(mode="json"),
            resume="allow",
            embed=False,
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._trackio.log(dict(values), step=step)

    def close(self) -> None:
        self._trackio.finish()


_MAKERS: Mapping[LoggerName, Callable[[RunConfig, Path], Logger]] = {
    "tensorboard": _TensorBoard,
    "trackio": _Trackio,
    "wandb": _Wandb,
}


def _run_id(folder: Path) -> str:
    """An id of this run alone, made once: folders are removed and their names used again."""
    file = folder / _IDS
    if file.is_file():
        return str(json.loads(file.read_text(encoding="utf-8"))["id"])
    made = uuid.uuid4().hex[:12]
    file.write_text(json.dumps({"id": made}) + "\n", encoding="utf-8")
    return made
