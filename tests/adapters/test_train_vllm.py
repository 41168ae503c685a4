"""Training with the real vLLM, on a CPU, through the command: `make vllm-test`.

It runs where vLLM is installed: in this Python, or in the one that PRORL_VLLM_PYTHON names. Every run is a process of
its own, as an engine cannot be made twice in one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from adapters.prorl.journal import read_metrics

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1800)]

PYTHON = os.environ.get("PRORL_VLLM_PYTHON") or (sys.executable if find_spec("vllm") else "")
ENVIRONMENT = {
    **os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}  # fmt: skip
EXACT = ["--rollout.backend", "vllm", "--rollout.vllm.dtype", "float32", "--rollout.vllm.eager"]
TINY = ["--model.heads", "2", "--rollout.temperature", "1.2", "--validation.every", "None"]


@pytest.fixture(autouse=True)
def _python() -> None:
    if not PYTHON:
        pytest.skip("vLLM is not installed: set PRORL_VLLM_PYTHON, or use make vllm-test")


def train(
    *words: str, program: str = "import sys; from adapters import train; sys.exit(train.main())"
) -> Any:
    return subprocess.run(
        [PYTHON, "-c", program, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=900
    )


def trained(runs: Path, name: str, *words: str) -> Path:
    done = train("--runs", str(runs), "--name", name, *TINY, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    return runs / name


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 steps of the quickstart in float32, stopped after 12 and resumed with a fresh engine."""
    runs = tmp_path_factory.mktemp("vllm")
    folder = trained(
        runs, "exact", *EXACT, "--steps", "12", "--checkpoint.every", "12", "--rollout.vllm.check-every", "4"
    )
    done = train("--resume", str(folder), "--steps", "24")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_it_learns_and_the_engine_has_the_policys_weights_at_every_step(exact: Path) -> None:
    steps = read_metrics(exact, "step")
    assert [row["step"] for row in steps] == list(range(1, 25))
    # Float32 against float32: nothing but the order of additions differs, at a temperature that is not 1.
    assert max(row["mismatch"] for row in steps) < 1e-5
    assert min(row["weight_min"] for row in steps) > 0.999
    assert max(row["weight_max"] for row in steps) < 1.001
    validations = read_metrics(exact, "validation")
    assert validations[-1]["pass_at"]["1"] - validations[0]["pass_at"]["1"] > 0.05


def test_a_resumed_run_gives_a_fresh_engine_the_checkpoints_weights(exact: Path) -> None:
    compared = read_metrics(exact, "sampler")
    assert [row["step"] for row in compared] == [0, 4, 8, 12, 16, 20]
    assert max(row["difference"] for row in compared) < 1e-5
    assert not any(row["warning"] for row in compared)


def test_a_resumed_run_equals_an_uninterrupted_one(exact: Path, tmp_path: Path) -> None:
    """A colocated engine on a CPU draws from PyTorch's generator, which a checkpoint restores."""
    straight = read_metrics(trained(tmp_path, "straight", *EXACT, "--steps", "14"), "step")
    for name in ("loss", "reward", "grad_norm", "mismatch"):
        assert [row[name] for row in straight] == [row[name] for row in read_metrics(exact, "step")[:14]], (
            name
        )


def test_scoring_is_hidden_behind_vllms_generation(exact: Path) -> None:
    steps = read_metrics(exact, "step")
    assert sum(row["scoring_wait_s"] for row in steps) < 0.5 * sum(row["scoring_s"] for row in steps)


def test_sixteen_bits_and_compiled_it_stays_near_the_policy(tmp_path: Path) -> None:
    folder = trained(tmp_path, "half", "--rollout.backend", "vllm", "--steps", "6", "--validation.tasks", "8")
    steps = read_metrics(folder, "step")
    assert all(1e-4 < row["mismatch"] < 0.1 for row in steps), "bfloat16 differs, and not by much"
    assert all(0.9 < row["weight_mean"] < 1.1 for row in steps)


def test_an_engine_that_gets_no_weights_is_found_out(tmp_path: Path) -> None:
    program = (
        "import sys; from adapters import train; import adapters.prorl.trainer as trainer; "
        "trainer.sync_by_reload = lambda made, rollout: setattr(made.vllm_generation, 'sync_weights', lambda: None); "
        "sys.exit(train.main())"
    )
    done = train(
        "--runs", str(tmp_path), "--name", "stale", *TINY, *EXACT, "--steps", "6", "--validation.tasks", "8",
        "--rollout.vllm.check-every", "1", "--rollout.vllm.warn-above", "1e-4", "--rollout.vllm.stop-above", "1e-3",
        program=program,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-3000:]
    assert "vLLM does not sample from the policy" in " ".join(done.stderr.split())
    first, *_, last = read_metrics(tmp_path / "stale", "sampler")
    assert first["difference"] < 1e-5
    assert last["difference"] > 1e-3
    assert list((tmp_path / "stale" / "checkpoints").glob("checkpoint-*"))


@pytest.fixture
def untied(exact: Path, tmp_path: Path) -> Path:
    """The tiny model with an output layer of its own."""
    program = (
        "import sys, torch; from transformers import AutoModelForCausalLM, AutoTokenizer; "
        "source, folder = sys.argv[1:]; model = AutoModelForCausalLM.from_pretrained(source); "
        "model.config.tie_word_embeddings = False; "
        "model.lm_head.weight = torch.nn.Parameter(model.get_input_embeddings().weight.detach().clone()); "
        "model.save_pretrained(folder); AutoTokenizer.from_pretrained(source).save_pretrained(folder)"
    )
    folder = tmp_path / "untied"
    subprocess.run(
        [PYTHON, "-c", program, str(exact / "warm_start"), str(folder)], check=True, env=ENVIRONMENT
    )
    return folder


@pytest.fixture
def server(untied: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        "--model", str(untied), "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager",
        "--max-model-len", "76", "--logprobs-mode", "processed_logprobs", "--max-logprobs", "-1",
    ]  # fmt: skip
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            # Not `vllm serve`, which looks for the package's name and finds vllm-cpu.
            [PYTHON, "-m", "vllm.entrypoints.openai.api_server", *words],
            env={**ENVIRONMENT, "VLLM_SERVER_DEV_MODE": "1"}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def test_a_server_samples_from_the_policy_it_gets_through_a_folder(
    untied: Path, server: str, tmp_path: Path
) -> None:
    folder = trained(
        tmp_path, "served", "--model.path", str(untied), "--rollout.backend", "vllm-server", "--steps", "6",
        "--validation.tasks", "8", "--rollout.vllm.server-url", server, "--rollout.vllm.server-timeout-s", "300",
        "--rollout.vllm.weights-folder", str(tmp_path / "weights"), "--rollout.vllm.check-every", "1",
    )  # fmt: skip
    compared = read_metrics(folder, "sampler")
    assert [row["step"] for row in compared] == list(range(6))
    assert max(row["difference"] for row in compared) < 1e-5
    steps = read_metrics(folder, "step")
    assert max(row["mismatch"] for row in steps) < 1e-5
    assert steps[0]["kl"] < steps[-1]["kl"], "a policy that stands still is easy to follow"
