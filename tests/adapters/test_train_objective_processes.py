"""What the objective adds to TRL's is, over two processes, what it is over one."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("trl")

from safetensors.torch import load_file

from adapters.prorl.journal import read_metrics
from adapters.prorl.scale.processes import ALONE
from tests.adapters.two_processes import finish, objective, start


@pytest.mark.slow
def test_two_processes_make_the_updates_of_one(tmp_path: Path) -> None:
    """Batch-normalised advantages, own KL and entropy terms, a masked half, an extension's term; KL in the reward."""
    ended = finish(start("objective", tmp_path))
    assert [code for code, _ in ended] == [0, 0], ended
    objective(tmp_path, ALONE)
    for name in ("added", "taken-off"):
        one, two = (load_file(tmp_path / f"{name}-{size}" / "model" / "model.safetensors") for size in (1, 2))
        before = load_file(tmp_path / f"{name}-2" / "warm_start" / "model.safetensors")
        assert max((one[key] - before[key]).abs().max() for key in one) > 1e-3
        assert max((one[key] - two[key]).abs().max() for key in one) < 1e-6
        for first, second in zip(
            *(read_metrics(tmp_path / f"{name}-{n}", "step") for n in (1, 2)), strict=True
        ):
            for figure in ("loss", "kl", "entropy", "grad_norm", "reward", "reward_shaped"):
                assert second[figure] == pytest.approx(first[figure], rel=1e-3, abs=1e-5), figure
