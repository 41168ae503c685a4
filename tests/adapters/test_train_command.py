"""`python -m adapters.train` on wrong requests: exit code 2, a clear word, and nothing left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters import train


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert train.main(list(words)) == 2
    return " ".join(capsys.readouterr().err.split())


def model_folder(path: Path, **config: object) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "qwen3", **config}))
    (path / "model.safetensors").write_bytes(b"")
    (path / "tokenizer.json").write_text("{}")
    return path


def test_a_model_path_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"

    def said(model: Path | str) -> str:
        return refused(capsys, "--model", str(model), "--env", "prorl/Math-v0", "--runs", str(runs))

    assert "not a folder" in said(tmp_path / "nothing")
    assert "hf download Qwen/Qwen3-0.6B" in said("Qwen/Qwen3-0.6B")
    (tmp_path / "empty").mkdir()
    assert "config.json" in said(tmp_path / "empty")
    assert "no causal language model" in said(
        model_folder(tmp_path / "bert", architectures=["BertForMaskedLM"])
    )
    bare = model_folder(tmp_path / "bare", architectures=["Qwen3ForCausalLM"])
    (bare / "model.safetensors").unlink()
    assert "no weights" in said(bare)
    mute = model_folder(tmp_path / "mute", architectures=["Qwen3ForCausalLM"])
    (mute / "tokenizer.json").unlink()
    assert "no tokenizer" in said(mute)
    short = model_folder(tmp_path / "short", architectures=["Qwen3ForCausalLM"], max_position_embeddings=512)
    assert "512 positions" in said(short)
    assert not runs.exists()


def test_an_unknown_environment_suggests_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "--env", "prorl/Maths-v0", "--runs", str(tmp_path / "runs"))
    assert "prorl/Math-v0" in said
    assert not (tmp_path / "runs").exists()


def test_a_typo_in_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text("optimzer: {learning_rate: 1}")
    said = refused(capsys, "--config", str(tmp_path / "mine.yaml"), "--runs", str(tmp_path / "runs"))
    assert "optimzer" in said
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(capsys, "--runs", str(tmp_path / "file" / "runs"))


def test_a_name_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    assert "--resume" in refused(capsys, "--runs", str(tmp_path), "--name", "mine")


def test_a_full_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10 * 2**20))
    assert "0.01 GiB free" in refused(capsys, "--runs", str(tmp_path / "runs"))


def test_options_that_an_environment_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--env", "prorl/Logic-v0:task=spell_bckward", "--runs", str(tmp_path / "runs"))
    assert "spell_backward" in said
    assert not list((tmp_path / "runs").iterdir())


def test_problems_that_the_tiny_model_has_no_form_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--env", "prorl/Math-v0", "--validation.tasks", "2", "--runs", str(tmp_path / "runs"))
    assert "give --model PATH" in refused(capsys, *words)
    assert not list((tmp_path / "runs").iterdir())


def test_a_dry_run_of_the_papers_setting_needs_neither_model_nor_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train.main(["--preset", "prorl-1.5b", "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "1,776",
        "256 prompts x 16 responses, 4 updates",
        "400 steps = 1600 updates",
        "8 stages",
        "run-8",
        "GiB",
    ):
        assert words in said
    assert not list(tmp_path.iterdir())
