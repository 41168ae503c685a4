"""When the reference policy and the optimizer are reset (ProRL 2.3.1, 3.3), and how a person asks for it.

    python -m adapters.train reset runs/mine --reason "KL has been flat for a day"

leaves a request in the run's folder. A running process takes it up after the step it is in; a stopped run when it is
resumed. The request stays, with the step at which it was met, until a checkpoint holds the reset: a run that is
killed in between makes the same reset again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from adapters.prorl.config import ResetSettings
from adapters.prorl.durable import write_text
from prorl_envs.errors import ConfigError

__all__ = ["Cause", "History", "ask", "asked", "due", "settle"]

Trigger = Literal["hand", "interval", "plateau", "degradation", "kl"]
_REQUEST = "reset.request"


@dataclass(frozen=True)
class Cause:
    """Why a reset is due.

    Attributes:
        trigger: which rule asked for it.
        reason: the same in words, with the numbers.
    """

    trigger: Trigger
    reason: str

    @property
    def stalled(self) -> bool:
        """Whether validation stagnates or degrades: what ends one of the paper's runs."""
        return self.trigger in ("plateau", "degradation")


class History(Protocol):
    """What the rules look at; see `adapters.prorl.trainer.RunState`."""

    stale: int
    peak: float | None
    score: float | None
    kl_over: int


def due(settings: ResetSettings, run: History, step: int, *, validated: bool) -> Cause | None:
    """The first rule that asks for a reset after `step`.

    Args:
        settings: the rules.
        run: where validation and KL stand, `step` included.
        step: that is over.
        validated: whether this step was validated.
    """
    if settings.every and step % settings.every == 0:
        return Cause("interval", f"every {settings.every} steps")
    if settings.patience and validated and run.stale >= settings.patience:
        return Cause("plateau", f"{run.stale} validations without a new best")
    if settings.degradation and validated and run.peak is not None and run.score is not None:
        lost = run.peak - run.score
        if lost > settings.degradation:
            return Cause("degradation", f"pass@1 {run.score:.3f} is {lost:.3f} below {run.peak:.3f}")
    if settings.kl and run.kl_over >= settings.kl_steps:
        return Cause("kl", f"KL above {settings.kl:g} for {run.kl_over} steps")
    return None


def ask(folder: Path, reason: str = "") -> None:
    """Leaves a request for a reset in a run's folder.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        write_text(folder / _REQUEST, json.dumps({"reason": reason or "asked for", "step": None}))
    except OSError as error:
        raise ConfigError(f"the request cannot be left in {str(folder)!r}: {error}") from None


def asked(folder: Path, step: int) -> Cause | None:
    """The request that is to be met after `step`, if there is one. Notes the step in it."""
    file = folder / _REQUEST
    request = _read(file)
    if request is None or request["step"] not in (None, step):
        return None
    if request["step"] is None:
        write_text(file, json.dumps({**request, "step": step}))
    return Cause("hand", f"by hand: {request['reason']}")


def settle(folder: Path, step: int) -> None:
    """Forgets a request that a checkpoint of `step` holds."""
    request = _read(folder / _REQUEST)
    if request is not None and request["step"] is not None and request["step"] <= step:
        (folder / _REQUEST).unlink()


def _read(file: Path) -> dict[str, Any] | None:
    try:
        request: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return request
