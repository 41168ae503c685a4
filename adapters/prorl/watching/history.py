"""What the alarms of a run look at: its first steps, its last ones, and its validations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

from adapters.prorl.watching.watch_settings import WatchSettings

__all__ = ["History", "Row"]

Row: TypeAlias = Mapping[str, Any]
"""One step's line of metrics."""


@dataclass(frozen=True)
class History:
    """What a rule looks at.

    Attributes:
        early: the run's first steps, at most `WatchSettings.baseline`.
        recent: its last steps, the newest last.
        settings: of the watch.
        validations: all so far: ``pass_at`` and its ``interval``, both by k as text.
    """

    early: Sequence[Row]
    recent: Sequence[Row]
    settings: WatchSettings
    validations: Sequence[Row] = ()

    def level(self, name: str, *, back: int = 0) -> float | None:
        """The median of `name` over one window that ended `back` steps ago; None unless every step has it."""
        end = len(self.recent) - back
        rows = self.recent[max(end - self.settings.window, 0) : max(end, 0)]
        return _median(rows, name) if len(rows) == self.settings.window else None

    def early_level(self, name: str, *, skip: int = 0) -> float | None:
        """The median of `name` over the early steps but for the first `skip`; None until they are complete."""
        if len(self.early) < self.settings.baseline:
            return None
        return _median(self.early[skip:] or self.early, name)


def _median(rows: Sequence[Row], name: str) -> float | None:
    values = [row.get(name) for row in rows]
    known = [float(value) for value in values if value is not None]
    return median(known) if known and len(known) == len(values) else None
