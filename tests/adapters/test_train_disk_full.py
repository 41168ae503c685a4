"""A disk that fills up costs at most the newest checkpoint: on a small file system of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import torch
from rich.console import Console
from safetensors.torch import load_file

from adapters.prorl.durable import STATE, latest_checkpoint
from adapters.prorl.journal import read_metrics
from adapters.prorl.problems import load_problems
from adapters.prorl.run import execute
from prorl_envs.errors import InfrastructureError
from tests.adapters.micro_run import micro_config

_CHANGES: dict[str, Any] = {
    "steps": 3, "reset": {"every": 1}, "validation": {"tasks": 0},
    "checkpoint": {"every": 1, "keep": 1},
}  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory; `resize` makes it smaller or larger."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("needs root that may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def resize(place: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)


def run(folder: Path, *, resume: bool = False) -> Any:
    folder.mkdir(exist_ok=True)
    config = micro_config(folder.parent, **_CHANGES)
    return execute(config, load_problems(config), folder, resume=resume, console=Console(quiet=True))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def test_a_full_disk_and_a_larger_one(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, folder = tmp_path / "straight", small_disk / "full"
    assert run(straight).finished
    folder.mkdir()
    shutil.copytree(straight / "warm_start", folder / "warm_start")

    from adapters.prorl import trainer

    def rotates_then_leaves_little(output: Path, keep: int) -> None:
        real(output, keep)
        # Room for half of what the next checkpoint needs: it breaks off in the middle of one of its files.
        used = shutil.disk_usage(small_disk).used
        checkpoint = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
        resize(small_disk, used + checkpoint // 2)

    real = trainer.rotate
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "rotate", rotates_then_leaves_little)
        with pytest.raises(InfrastructureError, match=r"could not be written.*Make room, then --resume"):
            run(folder)
    kept = latest_checkpoint(folder / "checkpoints")
    assert kept is not None, "the only complete checkpoint went before the newer one was complete"
    assert (kept / STATE).stat().st_size > 0
    resize(small_disk, 64 * 2**20)
    assert run(folder, resume=True).finished
    assert all(tensor.equal(weights(straight)[name]) for name, tensor in weights(folder).items())
    losses = [[row["loss"] for row in read_metrics(f, "step")] for f in (folder, straight)]
    assert losses[0] == losses[1]
