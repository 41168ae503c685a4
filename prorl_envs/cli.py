"""The `prorl` command: finds the verb, runs it, turns errors into exit codes.

Our own verbs live in `prorl_envs.commands`; others (`train`, which needs a trainer) join through the entry-point
group ``prorl.commands``: a callable that takes the arguments after the verb and returns the exit code.

Exit codes: 0 all is well, 1 something could not be judged or a check failed, 2 usage.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TypeAlias

from rich.console import Console
from rich.markup import escape

from prorl_envs.errors import MissingExtraError, ProrlError, UnknownNameError

__all__ = ["COMMAND_GROUP", "main"]

COMMAND_GROUP = "prorl.commands"
Command: TypeAlias = Callable[[Sequence[str]], int]

_VERBS: Mapping[str, str] = MappingProxyType(
    {
        "envs": "list the environments",
        "play": "answer a problem yourself and see the verdict",
        "score": "score a file of responses",
        "audit": "check reward functions: references, garbage, hostile texts",
        "serve": "the rewards over HTTP",
        "doctor": "look at this installation",
    }
)
_EXTRAS: Mapping[str, str] = MappingProxyType({"train": "train"})


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``prorl VERB ...`` and returns its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(stderr=True)
    if not words or words[0] in ("-h", "--help", "help"):
        _usage(Console())
        return 0 if words else 2
    try:
        return _find(words[0])(words[1:])
    except ProrlError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def _find(verb: str) -> Command:
    """The command of that verb.

    Raises:
        UnknownNameError: no such verb; suggests the nearest.
        MissingExtraError: the verb exists, its extra is not installed.
    """
    if verb in _VERBS:
        command: Command = importlib.import_module(f"prorl_envs.commands.{verb}").main
        return command
    plugins = _plugins()
    if verb not in plugins:
        if verb in _EXTRAS:
            raise MissingExtraError(f"prorl {verb}", _EXTRAS[verb])
        raise UnknownNameError("verb", verb, [*_VERBS, *plugins])
    try:
        loaded: Command = plugins[verb].load()
    except ImportError as error:
        if verb in _EXTRAS:
            raise MissingExtraError(f"prorl {verb} ({error})", _EXTRAS[verb]) from error
        raise
    return loaded


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=COMMAND_GROUP)}


def _usage(console: Console) -> None:
    console.print("usage: prorl VERB [options]      (prorl VERB --help tells the options)\n", highlight=False)
    for verb, text in _VERBS.items():
        console.print(f"  [bold]{verb:<8}[/bold] {text}", highlight=False)
    for name, point in sorted(_plugins().items()):
        console.print(f"  [bold]{name:<8}[/bold] from {point.module}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
