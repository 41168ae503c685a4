"""The plan for many devices, calibration, and the arithmetic of the GPU benchmark, run here at a tiny shape."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from adapters import train
from adapters.prorl.scale.calibrate import Speed, measure
from adapters.prorl.scale.memory import trained_weights
from adapters.prorl.scale.plan import Shape, make_plan, model_shape
from adapters.prorl.scale.sharding import SHARDINGS
from adapters.prorl.settings import parse
from benchmarks.gpu import run, shares
from prorl_envs.errors import ConfigError
from tests.adapters.micro_run import micro_config

PAPER = parse(["--preset", "prorl-1.5b"]).config


@pytest.mark.parametrize(
    ("sharding", "weights", "gradients", "moments"),
    [("none", 1, 1, 1), ("zero2", 1, 8, 8), ("zero3", 8, 8, 8), ("fsdp2", 8, 8, 8)],
)
def test_what_is_shared_out_is_divided(sharding: str, weights: int, gradients: int, moments: int) -> None:
    memory = make_plan(PAPER, processes=8, sharding=SHARDINGS[sharding]).memory
    whole = make_plan(PAPER).memory
    assert memory.steady["weights"] * weights == pytest.approx(whole.steady["weights"], rel=1e-6)
    assert memory.steady["reference policy"] * weights == pytest.approx(whole.steady["weights"], rel=1e-6)
    assert memory.update["gradients"] * gradients == pytest.approx(whole.update["gradients"], rel=1e-6)
    assert memory.steady["AdamW moments"] * moments == pytest.approx(whole.steady["AdamW moments"], rel=1e-6)
    assert (memory.update["weights gathered for a layer"] > 0) is (weights > 1)
    assert (memory.update["gradients on their way"] > 0) is (gradients == 1)


def test_processes_share_the_time() -> None:
    one, eight = make_plan(PAPER), make_plan(PAPER, processes=8)
    assert sum(one.step_seconds.values()) == pytest.approx(8 * sum(eight.step_seconds.values()))
    assert eight.device.startswith("8 x")


def test_an_adapter_is_counted_as_peft_counts_it(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = micro_config(tmp_path, model={"hidden": 32, "heads": 2, "lora": {"rank": 4}})
    shape = model_shape(config)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=128, hidden_size=32, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16,
        )
    )  # fmt: skip
    adapter = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear"))
    assert trained_weights(config, shape) == adapter.get_nb_trainable_parameters()[0]
    assert make_plan(config).memory.update["gradients"] == 4 * trained_weights(config, shape)


def test_calibration_measures_this_machine_and_the_plan_uses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = micro_config(tmp_path)
    speed = measure(config, model_shape(config))
    assert speed.generation > 1e5
    assert speed.training > 1e5
    assert not speed.scaled
    slow, fast = (make_plan(config, speed=Speed(f, f, "x", False)).step_seconds for f in (1e9, 4e9))
    assert slow["update"] == pytest.approx(4 * fast["update"])
    assert train.main(["--dry-run", "--calibrate", "--threads", "1"]) == 0
    assert "this machine's CPU" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", [["--calibrate"], ["--processes", "2"], ["--dry-run", "--processes", "0"]])
def test_a_plans_options_without_a_plan_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError):
        parse(words)


def test_the_gpu_benchmarks_arithmetic() -> None:
    warming = {"tokens": 1, "generation_s": 9.0, "update_s": 9.0}
    steady = {"tokens": 2000, "generation_s": 4.0, "update_s": 2.0}
    found = shares([warming, steady, steady], weights=1000, trained=3000, passes=1, peak=1e8)
    assert found.generation_tokens == 500
    assert found.update_tokens == 1500
    assert found.generation == pytest.approx(2 * 1000 * 500 / 1e8)
    assert found.update == pytest.approx(8 * 1000 * 1500 / 1e8)


def test_the_gpu_benchmark_runs_at_a_tiny_shape(tmp_path: Path) -> None:
    shape = Shape(
        layers=1, hidden=32, intermediate=64, heads=2, kv_heads=1, vocab=128, head_dim=16, tied=True
    )
    options: Any = argparse.Namespace(backend="transformers", steps=2, prompts=2, response=8)
    (line,) = run(tmp_path, shape, 1e12, options)
    assert line.startswith("| transformers | ")
    assert line.count("|") == 8
