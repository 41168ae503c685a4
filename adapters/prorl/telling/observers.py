"""Who is told what happens in a run, beside its journal: the terminal, the page, loggers of other people."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters.prorl.telling.page import write_page
from adapters.prorl.watching.watch import Alarm

if TYPE_CHECKING:
    from adapters.prorl.validation import Validation

__all__ = ["Observer", "Observers", "PageWriter"]

log = logging.getLogger(__name__)


class Observer(Protocol):
    """Told what happens in a run, after it was written down."""

    def step(self, row: dict[str, Any]) -> None:
        """One step is done; `row` is its line of metrics."""

    def validation(self, step: int, result: Validation) -> None:
        """A validation is done."""

    def reset(self, step: int, reason: str) -> None:
        """The reference was reset."""

    def alarm(self, alarm: Alarm) -> None:
        """The watch raised an alarm."""

    def alarm_over(self, step: int, name: str) -> None:
        """What the alarm was about has not been the case for a while."""

    def close(self) -> None:
        """The session is over, however it ended."""


class Observers:
    """Several observers as one. A context manager, which closes them.

    Args:
        members: told in this order.
    """

    def __init__(self, members: Sequence[Observer]) -> None:
        self._members = members

    def step(self, row: dict[str, Any]) -> None:
        """One step is done."""
        for member in self._members:
            member.step(row)

    def validation(self, step: int, result: Validation) -> None:
        """A validation is done."""
        for member in self._members:
            member.validation(step, result)

    def reset(self, step: int, reason: str) -> None:
        """The reference was reset."""
        for member in self._members:
            member.reset(step, reason)

    def alarm(self, alarm: Alarm) -> None:
        """The watch raised an alarm."""
        for member in self._members:
            member.alarm(alarm)

    def alarm_over(self, step: int, name: str) -> None:
        """An alarm is over."""
        for member in self._members:
            member.alarm_over(step, name)

    def close(self) -> None:
        """Closes each."""
        for member in self._members:
            member.close()

    def __enter__(self) -> Observers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PageWriter:
    """Keeps a run's page up to date: rewritten after each validation and alarm, and at the end.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self) -> None:
        """Writes the page. A page that cannot be written is no reason to end a run."""
        try:
            write_page([self._folder])
        except OSError as error:
            log.warning("the page of the run could not be written: %s", error)

    def step(self, row: dict[str, Any]) -> None:
        """One step is done: the page can wait."""

    def validation(self, step: int, result: Validation) -> None:
        """A validation is done."""
        del step, result
        self.write()

    def reset(self, step: int, reason: str) -> None:
        """The reference was reset: the page can wait."""

    def alarm(self, alarm: Alarm) -> None:
        """The watch raised an alarm."""
        del alarm
        self.write()

    def alarm_over(self, step: int, name: str) -> None:
        """An alarm is over: the page can wait."""

    def close(self) -> None:
        """The session is over."""
        self.write()
