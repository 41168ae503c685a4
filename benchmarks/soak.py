"""Thousands of steps of the quickstart, watched from outside: does memory, do files, threads or workers pile up?

    python -m benchmarks.soak --steps 2000 [--runs runs/soak] [--output benchmarks/results/soak.md]

The run is a process of its own (`python -m adapters.train --preset quickstart --steps N`, nothing else changed), and
is read through /proc as its journal grows. Started again, it goes on from the newest checkpoint. A process that was
resumed is a new one, so that drift is told of the longest stretch that one process ran, and the first tenth of
it, in which caches fill, is left out.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from adapters.prorl.journal import read_metrics
from benchmarks.drift import Drift, drift_of
from benchmarks.tables import publish

_WARM = 0.1
_QUANTITIES = {
    "rss_mib": ("memory of the trainer, MiB", 0.03),
    "workers_mib": ("memory of the processes below it, MiB", 0.05),
    "files": ("open files", 0.0),
    "threads": ("threads", 0.0),
    "children": ("processes below it", 0.0),
}
"""What is measured: its name, and the share of its level that it may rise by over the stretch."""


def main() -> int:
    """Runs, or goes on with, the soak, and says whether anything drifts. Exit code 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="steps of the quickstart")
    parser.add_argument("--every", type=int, default=5, help="steps between measurements")
    parser.add_argument("--runs", type=Path, default=Path("runs/soak"), help="where the run lives")
    parser.add_argument("--report", action="store_true", help="only read what was measured so far")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    folder = options.runs / f"quickstart-{options.steps}"
    code = 0 if options.report else soak(folder, options.steps, options.every)
    if code:
        return code
    rows = longest_stretch(read_samples(folder / "soak.jsonl"))
    drifts = {name: drift_of(*series(rows, name)) for name in _QUANTITIES}
    lines = [*head(options.steps, rows, folder), "", *table(drifts), "", verdict(drifts)]
    if rows[-1]["step"] < options.steps - options.every:
        lines += ["", "The run is not finished: a slope that the interval does not exclude may yet add up."]
    publish(lines, options.output)
    return int(any(grown(drifts)))


def soak(folder: Path, steps: int, every: int) -> int:
    """Runs the quickstart in a process of its own, measuring it; returns its exit code."""
    words = ["--runs", str(folder.parent), "--name", folder.name, "--steps", str(steps)]
    if (folder / "config.yaml").exists():
        words = ["--resume", str(folder), "--steps", str(steps)]
    child = subprocess.Popen([sys.executable, "-m", "adapters.train", *words])
    watched, last = psutil.Process(child.pid), -every
    began = time.time()
    while child.poll() is None:
        time.sleep(0.5)
        step = newest_step(folder)
        if step is None or step < last + every or not journal_of(folder).stat().st_mtime > began:
            continue
        try:
            row = {"pid": child.pid, "step": step, **measure(watched), **sizes(folder)}
        except psutil.NoSuchProcess:
            break
        last = step
        with (folder / "soak.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
    return child.wait()


def measure(process: psutil.Process) -> dict[str, float]:
    """Memory, files, threads and descendants of `process`, now."""
    below = process.children(recursive=True)
    return {
        "rss_mib": process.memory_info().rss / 2**20,
        "workers_mib": sum(_memory(child) for child in below) / 2**20,
        "files": process.num_fds(),
        "threads": process.num_threads(),
        "children": len(below),
    }


def _memory(process: psutil.Process) -> int:
    """Bytes of its own; workers are forked and share the rest. 0 for one that has just gone."""
    try:
        return int(process.memory_full_info().uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def sizes(folder: Path) -> dict[str, float]:
    """Kilobytes of the journal's files."""
    return {
        f"{name}_kib": (folder / f"{name}.jsonl").stat().st_size / 1024
        for name in ("metrics", "rollouts")
        if (folder / f"{name}.jsonl").exists()
    }


def journal_of(folder: Path) -> Path:
    """The file that a line is added to with every step."""
    return folder / "metrics.jsonl"


def newest_step(folder: Path) -> int | None:
    """The step of the last whole line of a step, read from the end of the file."""
    if not journal_of(folder).exists():
        return None
    with journal_of(folder).open("rb") as file:
        file.seek(max(journal_of(folder).stat().st_size - 20_000, 0))
        lines = file.read().decode(errors="replace").splitlines()[1:]
    for line in reversed(lines):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("kind") == "step":
            return int(row["step"])
    return None


def read_samples(file: Path) -> list[dict[str, Any]]:
    """The measurements so far, in order."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def longest_stretch(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The measurements of the process that made most steps, without the first tenth of them."""
    by_process: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_process.setdefault(row["pid"], []).append(row)
    stretch = max(by_process.values(), key=lambda part: part[-1]["step"] - part[0]["step"])
    first, last = stretch[0]["step"], stretch[-1]["step"]
    return [row for row in stretch if row["step"] >= first + _WARM * (last - first)]


def series(rows: Sequence[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """Steps and values of one quantity."""
    return [row["step"] for row in rows], [float(row[name]) for row in rows]


def grown(drifts: dict[str, Drift]) -> list[str]:
    """The quantities that certainly rise by more than they may; a count may not rise by half a unit."""
    return [
        name for name, drift in drifts.items() if drift.grows(max(_QUANTITIES[name][1] * drift.level, 0.5))
    ]


def head(steps: int, rows: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """What was run and where."""
    done = read_metrics(folder, "step")
    resets, sessions = read_metrics(folder, "reset"), read_metrics(folder, "session")
    kib = sum(rows[-1][name] - rows[0][name] for name in ("metrics_kib", "rollouts_kib"))
    span = rows[-1]["step"] - rows[0]["step"]
    made = f"{done[-1]['step']} steps" + ("" if done[-1]["step"] >= steps else f" of {steps}, not finished,")
    return [
        "# Soak: the quickstart, prolonged",
        "",
        f"`python -m benchmarks.soak --steps {steps}`: {made} in {done[-1]['elapsed_s']:.0f} s of "
        f"training and {len(sessions)} session(s), {len(resets)} resets; Python {platform.python_version()}, "
        f"{psutil.cpu_count()} CPUs shared with other work. Drift is told of steps {rows[0]['step']} to "
        f"{rows[-1]['step']} of one process, {len(rows)} measurements. The journal grows by "
        f"{kib / span:.2f} KiB a step, as it should.",
    ]


def table(drifts: dict[str, Drift]) -> list[str]:
    """One line per quantity."""
    lines = [
        "| quantity | mean | change per 1,000 steps | 95 % interval | over the stretch | allowed |",
        "|---|---|---|---|---|---|",
    ]
    for name, drift in drifts.items():
        title, share = _QUANTITIES[name]
        low, high = ((drift.slope + sign * drift.margin) * 1000 for sign in (-1, 1))
        allowed = max(share * drift.level, 0.5)
        lines.append(
            f"| {title} | {drift.level:,.1f} | {drift.slope * 1000:+,.2f} | {low:+,.2f} to {high:+,.2f} | "
            f"{drift.over_span:+,.2f} | {allowed:,.1f} |"
        )
    return lines


def verdict(drifts: dict[str, Drift]) -> str:
    """The result in a sentence."""
    bad = grown(drifts)
    if not bad:
        return "Nothing drifts: no quantity rises for certain by more than it may."
    return f"Drift: {', '.join(_QUANTITIES[name][0] for name in bad)}."


if __name__ == "__main__":
    sys.exit(main())
