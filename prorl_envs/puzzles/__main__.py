"""`python -m prorl_envs.puzzles`: build a puzzle set on all cores, or print the table of scoring differences."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from prorl_envs.errors import ProrlError
from prorl_envs.puzzles.differences import table, with_table
from prorl_envs.puzzles.sets import build, plan_of


@dataclass
class BuildOptions:
    """Make a set (or what is missing of it) and write its tasks as JSON lines."""

    split: Literal["train", "validation"] = "train"
    """Training and validation share no problem."""
    puzzles: str = "paper96"
    """A puzzle, a named set (paper96, paper_ood), or all."""
    rows: int | None = None
    """How many tasks in total; by default the paper's 37,000 and 9,600."""
    out: Path = Path("data/puzzles")
    """Where parts, tasks and manifest go."""
    workers: int | None = None
    """Processes; by default one for each core."""


@dataclass
class TableOptions:
    """Print the differences between strict and upstream scoring."""

    write: Path | None = None
    """Renew the table in this page instead."""


def main() -> int:
    """Runs the command line. Returns the exit code: 0 done, 1 failed."""
    options = tyro.cli(
        Annotated[BuildOptions, tyro.conf.subcommand("build")]
        | Annotated[TableOptions, tyro.conf.subcommand("table")],
        prog="python -m prorl_envs.puzzles",
    )
    try:
        if isinstance(options, BuildOptions):
            _build(options)
        elif options.write:
            options.write.write_text(with_table(options.write.read_text("utf-8")), "utf-8")
        else:
            sys.stdout.write(table() + "\n")
    except (ProrlError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _build(options: BuildOptions) -> None:
    plan = plan_of(options.split, puzzles=options.puzzles, rows=options.rows)
    columns = (
        TextColumn(options.split),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as shown:
        bar = shown.add_task(options.split, total=None)
        built = build(
            plan,
            options.out,
            workers=options.workers,
            progress=lambda made, planned: shown.update(bar, completed=made, total=planned),
        )
    path = options.out / f"{options.puzzles}-{options.split}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for task in built.tasks:
            file.write(json.dumps(task.to_row(), ensure_ascii=False) + "\n")
    repeats = f"; repeats: {dict(built.repeats)}" if built.repeats else ""
    sys.stdout.write(f"{len(built.tasks)} tasks in {path}\nsha256 {built.sha256}{repeats}\n")


if __name__ == "__main__":
    sys.exit(main())
