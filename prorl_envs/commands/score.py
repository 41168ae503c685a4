"""`prorl score IN -o OUT`: the verdicts on a file of responses.

Rows in: ``{"id", "domain", "truth", "response", "prompt"?}`` as JSONL (``.gz`` too) or parquet. Rows out, one for
each and in order: the same ``id`` with the fields of the `Verdict`. A row that cannot be read is answered with
status ``failed`` and its line number, and stops nothing else.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from prorl_envs.core import Verdict
from prorl_envs.errors import ConfigError, RowError
from prorl_envs.row_verdicts import Entry, judge_rows, read_row
from prorl_envs.rows import Row, rows_of_file
from prorl_envs.scoring import Scorer

__all__ = ["main"]

_CHUNK = 1024


@dataclass
class Options:
    """Score a file of responses."""

    input: Annotated[Path, tyro.conf.Positional]
    """Rows {"id", "domain", "truth", "response", "prompt"?}: .jsonl, .jsonl.gz, .json or .parquet."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Where the verdicts go; standard output by default."""
    workers: int | None = None
    """Worker processes; one per CPU by default."""
    deadline: float = 5.0
    """Seconds one response may take."""
    verifier: tuple[str, ...] = ()
    """Options of a domain's verifier as DOMAIN.NAME=VALUE, such as math.mode=paper."""


@dataclass
class _Tally:
    rows: int = 0
    correct: int = 0
    reward: float = 0.0
    failed: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, verdict: Verdict) -> None:
        self.rows += 1
        self.correct += bool(verdict.correct)
        self.reward += verdict.reward or 0.0
        self.failed += verdict.reward is None
        self.statuses[verdict.status.value] += 1


def main(argv: Sequence[str]) -> int:
    """Scores the file. Returns 0 when every row was judged, 1 when some failed."""
    options = tyro.cli(Options, args=list(argv), prog="prorl score")
    if not options.input.is_file():
        raise ConfigError(f"{options.input} is no file")
    if options.output is not None and options.output.resolve() == options.input.resolve():
        raise ConfigError("the verdicts would overwrite the responses: give another -o")
    console = Console(stderr=True)
    start = time.monotonic()
    scorer = Scorer(options.workers, options.deadline, verifiers=_verifier_options(options.verifier))
    with scorer, _writer(options.output) as out:
        tallies = _score_file(options.input, out, scorer, console)
    _report(console, tallies, time.monotonic() - start)
    return 1 if any(tally.failed for tally in tallies.values()) else 0


def _score_file(source: Path, out: IO[str], scorer: Scorer, console: Console) -> dict[str, _Tally]:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("scoring", total=None)
        for chunk in _chunks(rows_of_file(source)):
            for judged in judge_rows([_entry(row, scorer) for row in chunk], scorer):
                tallies[judged.domain].add(judged.verdict)
                out.write(json.dumps(judged.to_dict()) + "\n")
                if judged.verdict.reward is None:
                    line = f"not judged: {judged.verdict.detail}"
                    console.print(line, markup=False, highlight=False, soft_wrap=True)
            out.flush()
            progress.advance(bar, len(chunk))
    return tallies


def _entry(row: Row | RowError, scorer: Scorer) -> Entry:
    if isinstance(row, RowError):
        return Entry(row.row, error=row)
    return read_row(row.data, row.number, scorer, file=row.file)


def _chunks(rows: Iterable[Row | RowError]) -> Iterator[list[Row | RowError]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _verifier_options(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = defaultdict(dict)
    for text in given:
        name, equals, value = text.partition("=")
        domain, dot, key = name.partition(".")
        if not (equals and dot):
            raise ConfigError(f"--verifier takes DOMAIN.NAME=VALUE, not {text!r}")
        try:
            options[domain][key] = json.loads(value)
        except ValueError:
            options[domain][key] = value
    return dict(options)


@contextlib.contextmanager
def _writer(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        out = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the verdicts cannot be written to {path}: {error.strerror}") from error
    with out:
        yield out


def _report(console: Console, tallies: dict[str, _Tally], seconds: float) -> None:
    table = Table("domain", "rows", "correct", "mean reward", "failed", "statuses")
    for domain, tally in sorted(tallies.items()):
        judged = tally.rows - tally.failed
        table.add_row(
            domain,
            str(tally.rows),
            f"{tally.correct / judged:.1%}" if judged else "-",
            f"{tally.reward / judged:.3f}" if judged else "-",
            str(tally.failed),
            ", ".join(f"{name} {count}" for name, count in sorted(tally.statuses.items())),
        )
    console.print(table)
    rows = sum(tally.rows for tally in tallies.values())
    console.print(f"{rows} rows in {seconds:.1f} s", highlight=False)
