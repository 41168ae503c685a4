"""Keeps an eye on a run, so that nobody has to: raises an alarm once, with advice, and says when it is over.

    watch = Watch(config.watch)
    watch.replay(read_metrics(folder, "step"))        # a resumed run knows what was going on
    for alarm in watch.observe(row).raised: ...

The watch has no state of its own to save: it is a function of the lines of metrics, and is recomputed from them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.prorl.watching.alarms import ALARMS
from adapters.prorl.watching.history import History, Row
from adapters.prorl.watching.watch_settings import WatchSettings

__all__ = ["Alarm", "Change", "Watch"]

_MEMORY = 30
"""Steps that a gradient norm is compared with; the windows need fewer by default."""


@dataclass(frozen=True)
class Alarm:
    """An alarm that was raised.

    Attributes:
        name: of the rule.
        step: after which it was raised.
        value: what was measured; may be infinite or NaN.
        threshold: what it was compared with.
        advice: what to look at and what to change.
    """

    name: str
    step: int
    value: float
    threshold: float
    advice: str


@dataclass(frozen=True)
class Change:
    """What one step changed: alarms raised, and names of those that are over."""

    raised: list[Alarm] = field(default_factory=list)
    over: list[str] = field(default_factory=list)


class Watch:
    """Applies the rules to each step's line of metrics.

    An alarm is raised when its condition comes to hold, not again while it holds, and is over once the condition has
    not held for ``clear_after`` steps in a row.

    Args:
        settings: thresholds, and which alarms are off.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._rules = [rule for name, rule in ALARMS.items() if name not in settings.off]
        self._early: list[Row] = []
        self._recent: deque[Row] = deque(maxlen=max(_MEMORY, 2 * settings.window, settings.baseline + 1))
        self._validations: list[Row] = []
        self._calm: dict[str, int] = {}

    @property
    def active(self) -> frozenset[str]:
        """Names of the alarms that are neither over nor yet to be raised."""
        return frozenset(self._calm)

    def replay(self, steps: Iterable[Row], validations: Iterable[Row] = ()) -> None:
        """Takes note of what was watched before: lines of steps, and of validations, each after its step."""
        rows = [(row["step"], 0, row) for row in steps] + [(row["step"], 1, row) for row in validations]
        for _, is_validation, row in sorted(rows, key=lambda item: item[:2]):
            if is_validation:
                self.validated(row)
            else:
                self.observe(row)

    def validated(self, row: Row) -> None:
        """Takes note of a validation; what it means is said after the next step.

        Args:
            row: ``pass_at``, and its ``interval`` where there is one, by k.
        """
        by_k = {
            name: {str(k): v for k, v in (row.get(name) or {}).items()} for name in ("pass_at", "interval")
        }
        self._validations.append(by_k)

    def observe(self, row: Row) -> Change:
        """Judges the run after one more step.

        Args:
            row: its line of metrics; has ``step``.
        """
        if len(self._early) < self._settings.baseline:
            self._early.append(row)
        self._recent.append(row)
        history = History(self._early, list(self._recent), self._settings, self._validations)
        change = Change()
        for rule in self._rules:
            found = rule.check(history)
            if found is None:
                self._calms_down(rule.name, change)
                continue
            if rule.name not in self._calm:
                advice = found.advice or rule.advice
                change.raised.append(Alarm(rule.name, row["step"], found.value, found.threshold, advice))
            self._calm[rule.name] = 0
        return change

    def _calms_down(self, name: str, change: Change) -> None:
        if name not in self._calm:
            return
        self._calm[name] += 1
        if self._calm[name] >= self._settings.clear_after:
            del self._calm[name]
            change.over.append(name)
