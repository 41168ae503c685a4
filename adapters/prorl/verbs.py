"""What can be done with a run that exists: `prorl train page`, `push` and `reset`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from adapters.prorl.resets import ask
from adapters.prorl.settings import run_to_reset
from adapters.prorl.stages import parts_of
from adapters.prorl.telling.card import write_card
from adapters.prorl.telling.hub import check_push, push
from adapters.prorl.telling.page import PAGE, write_page

__all__ = ["VERBS"]


def _page(words: Sequence[str], console: Console) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.train page",
        description="Make the page of a run again, or of several in a row.",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the run's folder")
    parser.add_argument("-o", "--output", type=Path, help="instead of report.html in the last folder")
    known = parser.parse_args(words)
    parts = [part for run in known.runs for part in parts_of(run)]
    file = write_page(parts, known.output or known.runs[-1] / PAGE)
    console.print(str(file), highlight=False, soft_wrap=True)
    for folder in parts:
        write_card(folder)
    return 0


def _push(words: Sequence[str], console: Console) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.train push", description="Publish the trained model of a run on the hub."
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("repo_id", metavar="OWNER/NAME")
    parser.add_argument("--public", action="store_true", help="a new repository is private without this")
    known = parser.parse_args(words)
    check_push(known.repo_id)
    made = parts_of(known.run)[-1]
    console.print(push(made, known.repo_id, private=not known.public), highlight=False, soft_wrap=True)
    return 0


def _reset(words: Sequence[str], console: Console) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.train reset",
        description="Reset the reference policy and the optimizer of a run: after the step that it is in, or when a "
        "stopped one is resumed.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--reason", default="", help="for the run's log")
    known = parser.parse_args(words)
    folder = run_to_reset(known.run)
    ask(folder, known.reason)
    console.print(f"{folder}: will be reset at its next step", highlight=False, soft_wrap=True)
    return 0


VERBS: Mapping[str, Callable[[Sequence[str], Console], int]] = {"page": _page, "push": _push, "reset": _reset}
"""By the first word of the command line: takes the others and returns an exit code."""
