"""The model of the best validation, kept as ``best/`` in the run's folder: weights, tokenizer and ``best.json``.

A checkpoint's rotation does not touch it. A new best waits as ``best.next/`` until a checkpoint that knows of it is
complete: a run that is killed in between goes on from before that validation, with the best it had then.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.prorl.durable import publish, staging, written

__all__ = ["BEST", "BestModel"]

BEST = "best"
_ABOUT = "best.json"


class BestModel:
    """Keeps the best model of the run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._best = folder / BEST
        self._next, self._old = folder / f"{BEST}.next", folder / f"{BEST}.old"

    def offer(self, save: Callable[[Path], None], about: dict[str, Any]) -> None:
        """Writes a new best aside.

        Args:
            save: writes weights and tokenizer into the folder it is given.
            about: ``step``, and what the validation of that step said.

        Raises:
            InfrastructureError: the disk is full.
        """
        with written("the best model"):
            part = staging(self._next)
            save(part)
            (part / _ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            shutil.rmtree(self._next, ignore_errors=True)
            publish(part, self._next)

    def settle(self, step: int | None) -> None:
        """Makes the best of `step` the one that is kept, wherever a crash has left it. None: there is none yet."""
        places = (self._best, self._next, self._old)
        found = next((place for place in places if step is not None and self.step_of(place) == step), None)
        if found == self._next and self._best.exists():
            shutil.rmtree(self._old, ignore_errors=True)
            self._best.rename(self._old)
        elif found != self._best:
            shutil.rmtree(self._best, ignore_errors=True)
        if found is not None and found != self._best:
            found.rename(self._best)
        for leftover in (self._next, self._old):
            shutil.rmtree(leftover, ignore_errors=True)

    @staticmethod
    def step_of(folder: Path) -> int | None:
        """The step that a kept model is of; None for what is none."""
        try:
            return int(json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["step"])
        except (OSError, ValueError):
            return None
