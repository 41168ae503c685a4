"""The run's folder: names, lines that a crash cut short, and curves from whatever is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("trl")

from adapters.prorl.journal import Journal, new_run_folder, read_metrics
from adapters.prorl.settings import validated
from adapters.prorl.telling.curves import draw_curves
from prorl_envs.errors import ConfigError


def test_runs_without_a_name_are_numbered(tmp_path: Path) -> None:
    config = validated({"runs": str(tmp_path / "deep" / "runs"), "preset": "quickstart"}, "test")
    assert [new_run_folder(config).name for _ in range(3)] == [f"quickstart-00{n}" for n in (1, 2, 3)]


def test_a_name_is_used_once(tmp_path: Path) -> None:
    config = validated({"runs": str(tmp_path), "name": "mine"}, "test")
    assert new_run_folder(config) == tmp_path / "mine"
    with pytest.raises(ConfigError, match="--resume"):
        new_run_folder(config)


def test_lines_after_a_step_are_forgotten_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for step in range(1, 6):
        journal.write("step", step=step, reward=step / 10)
    journal.write("reset", step=3, number=1, reason="by hand")
    journal.write("reset", step=3, number=2, reason="by hand, made at the resumption that is repeated")
    journal.write("reset", step=4, number=3, reason="by hand")
    with journal.metrics.open("a") as file:
        file.write('{"kind": "step", "st')
    journal.forget_after(3, resets=1)
    assert [row["step"] for row in read_metrics(tmp_path, "step")] == [1, 2, 3]
    assert [row["number"] for row in read_metrics(tmp_path, "reset")] == [1]
    journal.write("step", step=4, reward=0.4)
    assert [row["step"] for row in read_metrics(tmp_path, "step")] == [1, 2, 3, 4]


def test_curves_are_drawn_from_whatever_is_there(tmp_path: Path) -> None:
    assert draw_curves(tmp_path) is None
    journal = Journal(tmp_path)
    journal.write("step", step=1, reward=None, entropy=0.5)
    with Image.open(draw_curves(tmp_path) or "") as first:
        assert first.size == (1000, 520)
        before = first.tobytes()
    for step in range(2, 9):
        journal.write(
            "step", step=step, reward=step / 10, entropy=0.4, kl=0.1, length=7.0, tokens_per_s=900.0
        )
    journal.write("validation", step=8, pass_at={"1": 0.5, "8": 0.9})
    journal.write("reset", step=5, reason="by hand")
    with Image.open(draw_curves(tmp_path) or "") as second:
        assert second.tobytes() != before
