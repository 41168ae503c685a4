"""Languages by configuration: one YAML file says how a language's programs are compiled and run.

    name: lua                      # what Program(language=...) and a task's "language" say
    fences: [lua]                  # what fenced blocks call it
    source: main.lua               # the file the program is written to
    compile: [gcc, ..., main.c]    # optional; runs in the jail, and its time counts
    keep: [main.lua]               # the files a test starts with: the source, or what the compiler made
    run: [lua, main.lua]
    memory: address_space          # or "data", for runtimes that reserve more than they use
    environment: {KEY: value}      # optional

Programs of such languages are judged by standard input and output. Python is built in. The files shipped are in
``sandbox/languages``; ``Sandbox(languages=[...])`` takes more.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import InvalidProgramError, ToolchainError, UnknownLanguageError

__all__ = ["PATH", "PYTHON", "Language", "Languages", "shipped"]

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin"
"""Where programs find their tools, in the jail."""


@dataclass(frozen=True)
class Language:
    """How the programs of one language are run; the fields of its YAML file."""

    name: str
    source: str
    run: tuple[str, ...]
    keep: tuple[str, ...]
    compile: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()
    memory: str = "address_space"
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Language:
        """The language in a YAML file.

        Raises:
            InvalidProgramError: the file cannot be read, or a field is missing, unknown or of the wrong kind.
        """
        import yaml  # the one place of this package that needs more than the standard library

        try:
            told = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InvalidProgramError(f"cannot read the language file {path}: {error}") from None
        return cls._checked(told, path)

    @classmethod
    def _checked(cls, told: Any, path: Path) -> Language:
        kinds = {"name": str, "source": str, "memory": str, "environment": dict}
        lists = ("run", "keep", "compile", "fences")
        if not isinstance(told, dict):
            raise InvalidProgramError(f"{path}: a language file is a mapping")
        for key in ("name", "source", "run", "keep"):
            if key not in told:
                raise InvalidProgramError(f"{path}: field {key!r} is missing")
        for key, value in told.items():
            if key in lists:
                good = isinstance(value, list) and all(isinstance(item, str) for item in value)
            else:
                good = key in kinds and isinstance(value, kinds[key])
            if not good:
                raise InvalidProgramError(f"{path}: field {key!r} is unknown or of the wrong kind")
        if told.get("memory", "data") not in ("data", "address_space"):
            raise InvalidProgramError(f"{path}: memory is 'data' or 'address_space'")
        if not told["run"]:
            raise InvalidProgramError(f"{path}: field 'run' is empty")
        fields: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in told.items()}
        return cls(**fields)

    @property
    def tools(self) -> list[str]:
        """The programs it needs."""
        return [command[0] for command in (self.compile, self.run) if command and "/" not in command[0]]

    def require_tools(self) -> None:
        """Raises `ToolchainError` if a program it needs is not installed."""
        missing = [tool for tool in self.tools if shutil.which(tool, path=PATH) is None]
        if missing:
            raise ToolchainError(
                f"programs in {self.name!r} need {', '.join(missing)}, which is not installed"
            )

    def command(self) -> dict[str, Any]:
        """As the agent reads it."""
        environment = {"PATH": PATH, "LANG": "C.UTF-8", **self.environment}
        return {
            "source": self.source,
            "compile": list(self.compile),
            "keep": list(self.keep),
            "run": list(self.run),
            "environment": environment,
        }


PYTHON = "python"
"""The language that is built in."""


class Languages:
    """The languages a sandbox knows: those shipped and any others.

    Args:
        more: YAML files; one whose name is shipped already replaces it.
    """

    def __init__(self, more: Iterable[str | Path] = ()) -> None:
        self._by_name: dict[str, Language] = {}
        for path in more:
            language = Language.read(Path(path))
            self._by_name[language.name] = language

    def get(self, name: str) -> Language:
        """The language called `name`. Raises `UnknownLanguageError`."""
        known = {**shipped(), **self._by_name}
        if name not in known:
            raise UnknownLanguageError(name, [PYTHON, *known])
        return known[name]


@functools.cache
def shipped() -> Mapping[str, Language]:
    """The languages that come with this package, by name."""
    files = sorted(Path(__file__).with_name("languages").glob("*.yaml"))
    return {language.name: language for language in map(Language.read, files)}
