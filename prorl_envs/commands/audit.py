"""`prorl audit`: is the reward of an environment fit to train on?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from prorl_envs.audit import AuditReport, audit
from prorl_envs.env import VerifiableEnv
from prorl_envs.errors import ConfigError
from prorl_envs.registry import environment, environments

__all__ = ["main"]

_SHOWN = 10


@dataclass
class Options:
    """Check the rewards of environments: references, garbage, swapped answers, hostile texts, determinism."""

    ids: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """The environments, such as prorl/Math-v0."""
    all: bool = False
    """Every registered environment."""
    recipe: str | None = None
    """Tasks with references; the environment's own samples by default."""
    verifier: str | None = None
    """Audit another verifier, module:Class, on the same tasks."""


def main(argv: Sequence[str]) -> int:
    """Audits and prints a table. Returns 1 when something was found."""
    options = tyro.cli(Options, args=list(argv), prog="prorl audit")
    specs = environments() if options.all else [environment(id) for id in options.ids]
    if not specs:
        raise ConfigError("which environment? Name some, or use --all")
    console = Console()
    table = Table("environment", "tasks", "responses judged", "findings", "seconds")
    reports: dict[str, AuditReport] = {}
    for spec in specs:
        start = time.monotonic()
        given = {"recipe": options.recipe, "verifier": options.verifier}
        chosen = {name: value for name, value in given.items() if value is not None}
        env = VerifiableEnv(**{**spec.make_kwargs, **chosen})
        report = reports[spec.id] = audit(env.scorer.score, env.tasks, answers=spec.domain != "instruction")
        seconds = f"{time.monotonic() - start:.1f}"
        judged = ", ".join(f"{count} {check}" for check, count in report.counts.items())
        table.add_row(spec.id, str(len(env.tasks)), judged, str(len(report.findings)), seconds)
    console.print(table)
    for id, report in reports.items():
        for finding in report.findings[:_SHOWN]:
            line = f"{id} {finding.check} {finding.task_id}: {finding.response!r} {finding.problem}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if len(report.findings) > _SHOWN:
            console.print(f"{id}: {len(report.findings) - _SHOWN} more", highlight=False)
    return 0 if all(report.passed for report in reports.values()) else 1
