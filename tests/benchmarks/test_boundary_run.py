"""The whole experiment at its smallest: every job runs in a process of its own, and none runs twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")


def _run(folder: Path) -> None:
    words = [
        "--preset",
        "smoke",
        "--seeds",
        "0",
        "--out",
        str(folder / "out"),
        "--results",
        str(folder / "results"),
    ]
    subprocess.run([sys.executable, "-m", "benchmarks.boundary", *words], check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_condition_runs_and_a_second_start_repeats_nothing(tmp_path: Path) -> None:
    _run(tmp_path)
    text = (tmp_path / "results" / "boundary.md").read_text(encoding="utf-8")
    for condition in (
        "base",
        "full recipe",
        "no resets",
        "no KL, no resets",
        "no dynamic sampling",
        "imitation",
    ):
        assert f"| {condition} | 0 |" in text
    done = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*/result.json")}
    assert len(done) == 6
    _run(tmp_path)
    assert done == {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*/result.json")}
