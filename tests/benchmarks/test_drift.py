"""Drift: found where there is one, not found in noise, and read from a run as it grows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.drift import drift_of

_STEPS = list(range(0, 2000, 10))


def test_a_slope_is_found_with_an_interval_around_it() -> None:
    noise = np.random.default_rng(0).normal(0, 1, len(_STEPS))
    drift = drift_of(_STEPS, [500 + 0.01 * step + error for step, error in zip(_STEPS, noise, strict=True)])
    assert drift.slope == pytest.approx(0.01, abs=drift.margin)
    assert 0 < drift.margin < 0.002
    assert drift.over_span == pytest.approx(19.9, abs=2)
    assert drift.grows(10)
    assert not drift.grows(30)


def test_noise_whose_neighbours_resemble_each_other_seldom_counts_as_a_rise() -> None:
    rises = 0
    for seed in range(200):
        steps = np.random.default_rng(seed).normal(0, 1, len(_STEPS))
        wandering = np.convolve(steps, np.ones(5) / 5, mode="same")
        rises += drift_of(_STEPS, list(wandering)).rises
    assert rises <= 14


def test_a_constant_does_not_drift() -> None:
    drift = drift_of(_STEPS, [7.0] * len(_STEPS))
    assert (drift.slope, drift.margin, drift.rises) == (0.0, 0.0, False)


@pytest.mark.parametrize("values", [[1.0] * 19, [1.0] * 5])
def test_too_few_measurements_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="too few"):
        drift_of(list(range(len(values))), values)


def test_one_value_per_step() -> None:
    with pytest.raises(ValueError, match="belong"):
        drift_of(_STEPS, [1.0])


def test_the_soak_reads_a_journal_that_is_being_written(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from benchmarks.soak import journal_of, newest_step

    assert newest_step(tmp_path) is None
    rows = [{"kind": "step", "step": step, "filler": "x" * 500} for step in range(1, 101)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    journal_of(tmp_path).write_text(text + '{"kind": "step", "st', encoding="utf-8")
    assert newest_step(tmp_path) == 100


def test_the_soak_measures_a_process_and_what_is_below_it() -> None:
    pytest.importorskip("trl")
    from benchmarks.soak import measure

    found = measure(psutil.Process())
    assert found["rss_mib"] > 10
    assert found["files"] >= 3
    assert found["threads"] >= 1


def test_the_stretch_is_of_the_process_that_ran_longest_without_its_start() -> None:
    pytest.importorskip("trl")
    from benchmarks.soak import grown, longest_stretch, series, table

    rows = [{"pid": 1, "step": step, "rss_mib": 1.0} for step in range(0, 100, 5)]
    rows += [{"pid": 2, "step": step, "rss_mib": 2.0} for step in range(100, 1100, 5)]
    stretch = longest_stretch(rows)
    assert {row["pid"] for row in stretch} == {2}
    assert stretch[0]["step"] == 200
    drifts = {"rss_mib": drift_of(*series(stretch, "rss_mib"))}
    assert grown(drifts) == []
    assert "| memory of the trainer, MiB | 2.0 | +0.00 |" in table(drifts)[-1]
