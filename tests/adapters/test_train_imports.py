"""The command answers a wrong request without loading a trainer, and says which extra brings one."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters import train
from adapters.prorl import preflight

_HEAVY = ("torch", "transformers", "trl", "matplotlib", "tokenizers")


def test_planning_and_refusing_load_no_trainer() -> None:
    script = (
        "import sys; from adapters import train; "
        "codes = train.main(['--dry-run']), train.main(['--preset', 'nope']); "
        f"print(codes, [name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "(0, 2) []"


def test_without_the_extra_the_command_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda name: None if name == "trl" else find_spec(name))
    assert train.main(["--runs", str(tmp_path / "runs")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "without trl" in said
    assert "prorl-envs[train]" in said
    assert not (tmp_path / "runs").exists()
