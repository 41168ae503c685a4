"""The main job's speed: tokens per second and where a step's time goes.

    python benchmarks/train.py                 runs the quickstart for 30 steps and prints the shares
    python benchmarks/train.py RUN [RUN ...]   reads runs that exist, and prints their results as a table

Shares are of the steps alone; validation, start and warm start are left out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from adapters import train
from adapters.prorl.journal import read_metrics, read_run_seed

PHASES = ("generation", "scoring_wait", "update")
"""Scoring that is hidden behind generation takes no time of the step."""


def shares(run: Path) -> dict[str, float]:
    """The share of each phase in the time of all steps but the first, which warms caches up."""
    steps = read_metrics(run, "step")[1:]
    total = sum(row["seconds"] for row in steps)
    return {phase: sum(row[f"{phase}_s"] for row in steps) / total for phase in PHASES}


def speed(run: Path) -> tuple[float, float]:
    """Median response tokens per second of step, and median seconds per step."""
    steps = read_metrics(run, "step")[1:]
    return median(row["tokens_per_s"] for row in steps), median(row["seconds"] for row in steps)


def report(run: Path) -> None:
    """Prints one run's speed and shares."""
    tokens, seconds = speed(run)
    split = ", ".join(f"{phase.replace('_', ' ')} {share:.1%}" for phase, share in shares(run).items())
    print(f"{run.name}: {tokens:,.0f} tokens/s, {seconds:.2f} s a step; {split}")


def table(runs: list[Path]) -> None:
    """Prints the runs' results as a Markdown table."""
    columns = ("seed", "warm start pass@1 / @8", "trained pass@1 / @8", "rise", "steps", "RL, s", "in all, s")
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for run in runs:
        validations = read_metrics(run, "validation")
        first, last = validations[0]["pass_at"], validations[-1]["pass_at"]
        cells = " | ".join("{:.3f} / {:.3f}".format(*scores.values()) for scores in (first, last))
        steps = read_metrics(run, "step")
        whole = sum(row["seconds"] for row in read_metrics(run, "session"))
        print(
            f"| {read_run_seed(run)} | {cells} | {last['1'] - first['1']:+.3f} | {steps[-1]['step']} | "
            f"{steps[-1]['elapsed_s']:.0f} | {whole:.0f} |"
        )


def main() -> int:
    """Runs or reads, and prints."""
    given = [Path(word) for word in sys.argv[1:]]
    if given:
        table(given)
    else:
        folder = tempfile.mkdtemp(prefix="prorl-benchmark-")
        code = train.main(["--runs", folder, "--name", "quickstart", "--steps", "30"])
        if code:
            return code
        given = [Path(folder) / "quickstart"]
    for run in given:
        report(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
