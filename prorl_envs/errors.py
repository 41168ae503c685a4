"""Every error this library raises on purpose.

    ProrlError
    ├── TaskError (ValueError)             a task, or a row that should become one, is not well formed
    │   └── RowError                       the same, with the file, the row and the field that are wrong
    ├── RecipeError (ValueError)           a recipe is unknown, malformed, or its data cannot be had
    ├── ConfigError (ValueError)           a setting is unknown, out of range, or contradicts another
    ├── UnknownNameError (LookupError)     nothing has this name; suggests the nearest
    ├── InfrastructureError (RuntimeError) our own machinery failed; never a reward of 0
    │   └── ScorerClosedError              the Scorer was used after close()
    └── MissingExtraError (ImportError)    an optional dependency is absent; names the extra to install

What a *response* does wrong is never an error: it is a `Verdict` (see `prorl_envs.core`).
All of them survive pickling, because trainers carry them across processes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ConfigError",
    "InfrastructureError",
    "MissingExtraError",
    "ProrlError",
    "RecipeError",
    "RowError",
    "ScorerClosedError",
    "TaskError",
    "UnknownNameError",
]


class ProrlError(Exception):
    """Base of every error of this library."""


class TaskError(ProrlError, ValueError):
    """A task, or the row it is made from, is not well formed."""


class RowError(TaskError):
    """A row of a file cannot become a task.

    Args:
        problem: what is wrong, and what to do about it.
        file: the file (or recipe) the row came from.
        row: its 1-based line or row number.
        field: the field that is missing or malformed, dotted for nested ones (`truth.answer`).
    """

    def __init__(
        self, problem: str, *, file: str | None = None, row: int | None = None, field: str | None = None
    ) -> None:
        self.problem, self.file, self.row, self.field = problem, file, row, field
        place = [part for part in (file, f"row {row}" if row is not None else None) if part]
        place += [f"field {field!r}"] if field else []
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_row_error, (self.problem, self.file, self.row, self.field)


def _rebuild_row_error(problem: str, file: str | None, row: int | None, field: str | None) -> RowError:
    return RowError(problem, file=file, row=row, field=field)


class RecipeError(ProrlError, ValueError):
    """A recipe is unknown, malformed, or its data cannot be had."""


class ConfigError(ProrlError, ValueError):
    """A setting is unknown, out of range, or contradicts another."""


class UnknownNameError(ProrlError, LookupError):
    """No such name. The message suggests the nearest known one.

    Args:
        kind: what the name should have been ("domain", "recipe", "environment", ...).
        name: the name that was asked for.
        known: the names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(self.known) or 'none'}."
        super().__init__(f"There is no {kind} {name!r}. {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.kind, self.name, self.known)


class InfrastructureError(ProrlError, RuntimeError):
    """Our own machinery failed. Whoever catches this must drop the sample, not score it 0."""


class ScorerClosedError(InfrastructureError):
    """The Scorer was used after `close()`."""


class MissingExtraError(ProrlError, ImportError):
    """An optional dependency is absent.

    Args:
        what: what was asked for ("The Docker backend").
        extra: the extra of this package that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs an optional dependency: pip install 'prorl-envs[{extra}]'")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.extra)
