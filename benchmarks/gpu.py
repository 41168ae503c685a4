"""What a GPU gives: tokens per second and share of its peak, in generation and update, and memory beside the plan.

    python -m benchmarks.gpu [-o benchmarks/results/gpu.md] [--backend vllm] [--steps 6]

The model has the shape of Qwen2.5-0.5B with random weights, so that responses run to their cap of 1,024 tokens and
nothing is downloaded. Operations are counted as 2 per weight and token sampled, and per pass of an update 2 forward
and 4 backward (recomputed layers are not counted as work). Needs a CUDA device.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from adapters import train
from adapters.prorl.journal import read_metrics
from adapters.prorl.scale.plan import Shape, make_plan, model_shape
from adapters.prorl.settings import validated
from adapters.prorl.tiny import build_tokenizer
from benchmarks.tables import publish

QWEN = Shape(
    layers=24, hidden=896, intermediate=4864, heads=14, kv_heads=2, vocab=151_936, head_dim=64, tied=True
)
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
"""Operations per second in dense bfloat16, from the makers' data sheets."""


@dataclass(frozen=True)
class Shares:
    """One run's rates.

    Attributes:
        generation_tokens: response tokens sampled per second.
        update_tokens: tokens trained on per second, prompts included.
        generation: share of the device's peak while sampling.
        update: the same while updating.
    """

    generation_tokens: float
    update_tokens: float
    generation: float
    update: float


def shares(rows: list[dict[str, Any]], weights: int, trained: float, passes: int, peak: float) -> Shares:
    """The rates of a run's steps.

    Args:
        rows: lines of metrics, the first of which only warms up.
        weights: of the model.
        trained: tokens in one step's updates, prompts included.
        passes: forward passes without gradient over them: old log-probs, and the reference's.
        peak: operations per second of the device.
    """
    steady = rows[1:]
    sampled = median(row["tokens"] / row["generation_s"] for row in steady)
    updated = median(trained / row["update_s"] for row in steady)
    return Shares(sampled, updated, 2 * weights * sampled / peak, (6 + 2 * passes) * weights * updated / peak)


def random_model(folder: Path, shape: Shape) -> None:
    """A model of `shape` with random weights, with a tokenizer of characters."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = build_tokenizer(["Sort these numbers: 3, 1, 2\n"], kinds=1)
    tokenizer.save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=shape.vocab, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        max_position_embeddings=4096, tie_word_embeddings=shape.tied, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    Qwen2ForCausalLM(config).save_pretrained(folder)  # type: ignore[no-untyped-call]


def words(model: Path, runs: Path, *, backend: str, steps: int, response: int, prompts: int) -> list[str]:
    """The command line of the run that is measured."""
    return f"""--model {model} --env prorl/Logic-v0:task=number_sorting,size=500,seed=1 --runs {runs} --name gpu
        --steps {steps} --rollout.backend {backend} --rollout.prompts {prompts} --optimizer.mini-batch {prompts}
        --rollout.group 8 --rollout.max-prompt-tokens 1024 --rollout.max-response-tokens {response}
        --rollout.temperature 1.0 --rollout.no-dynamic-sampling --validation.tasks 0 --reset.patience None
        --checkpoint.every 1000""".split()


def run(folder: Path, shape: Shape, peak: float, options: argparse.Namespace) -> list[str]:
    """Trains a random model of `shape` and describes it as lines of Markdown."""
    import torch

    random_model(folder / "model", shape)
    command = words(
        folder / "model", folder / "runs", backend=options.backend, steps=options.steps,
        response=options.response, prompts=options.prompts,
    )  # fmt: skip
    if not torch.cuda.is_available():
        command += ["--threads", "1"]
    if train.main(command):
        raise SystemExit("the run failed")
    rows = read_metrics(folder / "runs" / "gpu", "step")
    config = validated(train.parse(command).config.model_dump(mode="json"), "benchmark")
    plan = make_plan(config)
    count = options.prompts * config.rollout.group
    trained = count * (median(row["length"] for row in rows) + 64)
    found = shares(rows, model_shape(config).weights, trained, int(config.objective.has_reference), peak)
    high = torch.cuda.max_memory_reserved() / 2**30 if torch.cuda.is_available() else float("nan")
    return [
        f"| {options.backend} | {found.generation_tokens:,.0f} | {found.generation:.1%} | {found.update_tokens:,.0f} "
        f"| {found.update:.1%} | {plan.memory.peak / 2**30:.1f} | {high:.1f} |"
    ]


def main() -> int:
    """Measures where there is a CUDA device, and says so where there is none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--backend", default="transformers")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--response", type=int, default=1024)
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("this benchmark measures a GPU, and PyTorch sees no CUDA device here; nothing was written")
        return 0
    name = torch.cuda.get_device_name()
    peak = next((value for key, value in PEAKS.items() if key in name), None)
    if peak is None:
        print(f"the peak of {name} is not known: add it to PEAKS in {__file__}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            f"# {name}, Qwen2.5-0.5B's shape, responses of {options.response} tokens",
            "",
            f"`python -m benchmarks.gpu --backend {options.backend} --steps {options.steps}`.",
            "",
            "| backend | sampled tokens/s | of peak | trained tokens/s | of peak | planned GiB | reserved GiB |",
            "|---|---|---|---|---|---|---|",
            *run(Path(folder), QWEN, peak, options),
        ]
    publish(lines, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
