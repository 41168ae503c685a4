"""Every error the sandbox raises on purpose.

    SandboxError (RuntimeError)
    ├── InvalidProgramError (ValueError)   what was handed in cannot be judged: no tests, a negative limit, ...
    ├── UnknownLanguageError (LookupError) no such language; suggests the nearest
    ├── ToolchainError                     the language is known, its compiler or interpreter is not installed
    ├── RequirementError                   this machine does not reach the level that was asked for
    ├── InfrastructureError                our own machinery failed; never a wrong answer
    └── ClosedError                        the Sandbox was used after close()

What a *program* does wrong is never an error: it is a `sandbox.ProgramResult`. All of them survive pickling.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ClosedError",
    "InfrastructureError",
    "InvalidProgramError",
    "RequirementError",
    "SandboxError",
    "ToolchainError",
    "UnknownLanguageError",
]


class SandboxError(RuntimeError):
    """Base of every error of the sandbox."""


class InvalidProgramError(SandboxError, ValueError):
    """What was handed in cannot be judged: it has no tests, a limit is negative, a test is not plain data."""


class ToolchainError(SandboxError):
    """The language is known, but its compiler or interpreter is not installed here."""


class RequirementError(SandboxError):
    """This machine does not reach the level that was asked for. The message lists what is missing and why."""


class InfrastructureError(SandboxError):
    """Our own machinery failed. Whoever catches this must drop the sample, not score it 0."""


class ClosedError(SandboxError):
    """The Sandbox was used after `close()`."""


class UnknownLanguageError(SandboxError, LookupError):
    """No such language. The message suggests the nearest known one.

    Args:
        name: the language that was asked for.
        known: the languages that exist.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(self.known)}."
        super().__init__(f"There is no language {name!r}. {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.known)
