"""What a run will need, before anything is loaded: memory, disk, tokens and time (`--dry-run`).

Memory follows from sizes. Time is an estimate from arithmetic alone: 2 operations per weight and token to generate,
6 to train (8 with gradient checkpointing), 2 for each of the passes that give old and reference log-probs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adapters.prorl.config import RunConfig
from prorl_envs.errors import ConfigError

__all__ = ["Plan", "Shape", "make_plan", "model_shape", "print_plan"]

_GIB = 2**30
_UTILISATION = {"generation": 0.10, "training": 0.35}
_CPU_FLOPS, _H100_FLOPS = 2e10, 989e12
_LONG = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "intermediate": "intermediate_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "vocab": "vocab_size",
}


@dataclass(frozen=True)
class Shape:
    """The sizes of a decoder that decide memory and time."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocab: int
    head_dim: int
    tied: bool

    @property
    def weights(self) -> int:
        """Parameters, norms and biases left out (below 0.1 %)."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        block = attention + 3 * self.hidden * self.intermediate
        return self.layers * block + self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def kv_bytes(self) -> int:
        """Bytes of key-value cache per token at 16 bits."""
        return 2 * 2 * self.layers * self.kv_heads * self.head_dim


@dataclass(frozen=True)
class Plan:
    """The estimates of a run. Bytes, tokens and seconds; "full" is at the response cap, the upper bound.

    Attributes:
        shape: of the model.
        memory: bytes by purpose on one device, without sharding.
        checkpoint_bytes: of one checkpoint.
        disk_bytes: of the checkpoints that are kept, one more in the writing, the final model, and the best one
            with those that may replace it.
        tokens_full: response tokens of one step.
        step_seconds: of one step at half the cap, by phase, on `device`.
        device: what that is estimated for.
    """

    shape: Shape
    memory: Mapping[str, int]
    checkpoint_bytes: int
    disk_bytes: int
    tokens_full: int
    step_seconds: Mapping[str, float]
    device: str


def model_shape(config: RunConfig) -> Shape:
    """The model's sizes: from its ``config.json`` when it is on this machine, else from ``model.shape``.

    Raises:
        ConfigError: neither is there, or they lack a size.
    """
    model = config.model
    if model.path is None:
        return Shape(
            model.layers, model.hidden, 3 * model.hidden, model.heads, model.heads, 128,
            model.hidden // model.heads, True,
        )  # fmt: skip
    file = Path(model.path) / "config.json"
    if file.is_file():
        return _shape_of(_text_config(json.loads(file.read_text(encoding="utf-8"))), str(file))
    if model.shape:
        return _shape_of({_LONG.get(key, key): value for key, value in model.shape.items()}, "model.shape")
    raise ConfigError(f"{model.path!r} is not on this machine: give model.shape to plan without it")


def make_plan(config: RunConfig) -> Plan:
    """The estimates for `config` on one process.

    Raises:
        ConfigError: the model's sizes are not known, or the batches do not fit together.
    """
    shape = model_shape(config)
    weights, rollout = shape.weights, config.rollout
    width = 4 if config.model.dtype == "float32" else 2
    length = rollout.max_prompt_tokens + rollout.max_response_tokens
    tokens = config.device_batch() * length
    per_layer = tokens * shape.hidden * 2
    kept = shape.layers if config.model.gradient_checkpointing else shape.layers * 16
    sequences = rollout.prompts * rollout.group
    at_once = min(sequences, 256 if rollout.backend == "vllm" else rollout.chunk)
    at_once = 0 if rollout.backend == "vllm-server" else at_once
    memory = {
        "weights": width * weights,
        "gradients": width * weights,
        "AdamW moments": 2 * width * weights,
        "reference policy": width * weights if config.objective.has_reference else 0,
        "activations of one pass": per_layer * (kept + 16),
        f"key-value cache of {at_once} responses": at_once * length * shape.kv_bytes,
    }
    if rollout.backend == "vllm":
        memory["vLLM's own weights"] = 2 * weights
    checkpoint = width * weights * (4 if config.objective.has_reference else 3)
    device, flops = _device(config)
    return Plan(
        shape=shape,
        memory=memory,
        checkpoint_bytes=checkpoint,
        disk_bytes=checkpoint * (config.checkpoint.keep + 1)
        + width * weights * (1 + 3 * config.validation.keep_best),
        tokens_full=sequences * rollout.max_response_tokens,
        step_seconds=_step_seconds(config, weights, flops),
        device=device,
    )


def print_plan(config: RunConfig, plan: Plan, console: Console) -> None:
    """Shows the plan as tables."""
    rollout, half = config.rollout, plan.tokens_full / 2
    table = Table(
        title=f"plan of {config.preset or 'run'}", title_justify="left", show_header=False, box=None
    )
    rows = [
        ("model", f"{config.model.path or 'tiny, built here'}, {plan.shape.weights / 1e6:,.2f} M weights"),
        (
            "mixture",
            "\n".join(_component(item.id, item.options, item.weight) for item in config.environments),
        ),
        ("step", f"{rollout.prompts} prompts x {rollout.group} responses, {config.updates_per_step} updates"),
        ("run", f"{config.steps} steps = {config.steps * config.updates_per_step} updates"),
        ("response tokens per step", f"at most {plan.tokens_full:,}"),
        *((f"memory: {name}", _size(size)) for name, size in plan.memory.items() if size),
        ("memory in all", f"{_size(sum(plan.memory.values()))} (one device, unsharded, longest responses)"),
        ("disk", f"{_size(plan.disk_bytes)} ({_size(plan.checkpoint_bytes)} per checkpoint)"),
        *((f"time: {name}", _time(value)) for name, value in plan.step_seconds.items()),
        ("time per step", f"{_time(sum(plan.step_seconds.values()))} for {half:,.0f} response tokens"),
        ("time of the run", f"{_time(config.steps * sum(plan.step_seconds.values()))} on {plan.device}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    console.print(table, highlight=False)


def _step_seconds(config: RunConfig, weights: int, flops: float) -> dict[str, float]:
    """By phase, for responses of half the cap and prompts of half theirs."""
    rollout = config.rollout
    tokens = rollout.prompts * rollout.group * (rollout.max_response_tokens + rollout.max_prompt_tokens) / 2
    sampled = tokens * (1.5 if rollout.dynamic_sampling else 1.0)
    passes = 6 + (2 if config.model.gradient_checkpointing else 0)
    scores = 2 * (config.updates_per_step > 1) + 2 * config.objective.has_reference
    return {
        "generation": 2 * weights * sampled / (flops * _UTILISATION["generation"]),
        "log-probs": scores * weights * tokens / (flops * _UTILISATION["training"]),
        "update": passes * weights * tokens / (flops * _UTILISATION["training"]),
    }


def _device(config: RunConfig) -> tuple[str, float]:
    if config.model.path is None:
        return "one CPU core", _CPU_FLOPS / _UTILISATION["training"]
    return "one H100 (bf16), a third of its peak in training", _H100_FLOPS


def _shape_of(data: Mapping[str, object], origin: str) -> Shape:
    try:
        sizes = {name: int(str(data[name])) for name in (
            "num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")}  # fmt: skip
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{origin} lacks a size that the plan needs: {error}") from None
    hidden, heads = sizes["hidden_size"], sizes["num_attention_heads"]
    return Shape(
        layers=sizes["num_hidden_layers"],
        hidden=hidden,
        intermediate=int(str(data.get("intermediate_size") or 4 * hidden)),
        heads=heads,
        kv_heads=int(str(data.get("num_key_value_heads") or heads)),
        vocab=sizes["vocab_size"],
        head_dim=int(str(data.get("head_dim") or hidden // heads)),
        tied=bool(data.get("tie_word_embeddings", False)),
    )


def _text_config(data: dict[str, object]) -> Mapping[str, object]:
    inner = data.get("text_config")
    return inner if isinstance(inner, dict) else data


def _component(id_: str, options: Mapping[str, object], weight: float | None) -> str:
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{id_} {told}" + (f" (weight {weight:g})" if weight else "")


def _size(size: float) -> str:
    return f"{size / _GIB:,.2f} GiB" if size >= _GIB / 100 else f"{size / 2**20:,.2f} MiB"


def _time(seconds: float) -> str:
    if seconds >= 86_400:
        return f"{seconds / 86_400:,.1f} days"
    return f"{seconds / 3600:,.1f} hours" if seconds >= 7200 else f"{seconds:,.1f} s"
