"""`prorl envs`: what can be made with `gymnasium.make`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.table import Table

from prorl_envs.registry import broken_plugins, environments

__all__ = ["main"]


@dataclass
class Options:
    """List the environments."""

    json: bool = False
    """One JSON object a line instead of a table."""


def main(argv: Sequence[str]) -> int:
    """Prints the environments."""
    options = tyro.cli(Options, args=list(argv), prog="prorl envs")
    console = Console()
    if options.json:
        for spec in environments():
            row = {"id": spec.id, "domain": spec.domain, "kind": spec.kind, "description": spec.description}
            console.print(json.dumps(row), highlight=False, soft_wrap=True, markup=False)
        return 0
    table = Table("id", "domain", "reward", "the paper trains on", "what it is")
    for spec in environments():
        table.add_row(spec.id, spec.domain, spec.kind, spec.training_source, spec.description)
    console.print(table)
    for name, reason in broken_plugins().items():
        console.print(f"[red]plug-in {name} was not loaded:[/red] {reason}")
    return 0
