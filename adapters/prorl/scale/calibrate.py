"""How fast this machine really is at a model of the run's shape, in a few seconds (`--dry-run --calibrate`).

The model has random weights: its words are nonsense, its cost is not. A model too large to be made in passing is
measured with fewer layers and a smaller vocabulary; operations per second are what is carried over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.prorl.config import RunConfig
    from adapters.prorl.scale.plan import Shape

__all__ = ["Speed", "measure"]

_LARGEST = 60_000_000
_RESPONSES, _NEW_TOKENS = 64, 24


@dataclass(frozen=True)
class Speed:
    """Operations per second, counting 2 per weight and token forward and 4 backward.

    Attributes:
        generation: while sampling.
        training: in forward and backward passes with the optimizer's step.
        device: what was measured.
        scaled: whether the model was smaller than the run's.
    """

    generation: float
    training: float
    device: str
    scaled: bool


def measure(config: RunConfig, shape: Shape) -> Speed:
    """Samples and trains for a few seconds. Needs the extra ``train``."""
    import torch

    if config.threads is not None:
        torch.set_num_threads(config.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    measured = _scaled(shape)
    model = _model(measured).to(device)
    narrow = device.type == "cuda" and config.model.bf16
    with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
        generation = 2 * measured.weights * _sampled_per_second(model, config, device)
        training = 6 * measured.weights * _trained_per_second(model, config, device)
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"this machine's CPU, {torch.get_num_threads()} threads"
    return Speed(generation, training, name, measured != shape)


def _scaled(shape: Shape) -> Shape:
    """`shape`, or its like at a size that is made in a second."""
    if shape.weights <= _LARGEST:
        return shape
    fewer = replace(shape, layers=min(shape.layers, 2), vocab=min(shape.vocab, 8192))
    return fewer if fewer.weights <= 4 * _LARGEST else replace(fewer, layers=1)


def _model(shape: Shape) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(  # type: ignore[no-untyped-call]
        Qwen3Config(
            vocab_size=shape.vocab, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
            num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
            head_dim=shape.head_dim, max_position_embeddings=4096, tie_word_embeddings=shape.tied,
            bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )
    )  # fmt: skip


def _sampled_per_second(model: Any, config: RunConfig, device: Any) -> float:
    """Tokens, prompts included."""
    import torch

    prompt = min(config.rollout.max_prompt_tokens, 64)
    new = min(config.rollout.max_response_tokens, _NEW_TOKENS)
    count = min(config.rollout.chunk, config.rollout.prompts * config.rollout.group, _RESPONSES)
    ids = torch.randint(model.config.vocab_size, (count, prompt), device=device)
    model.eval()

    def sample() -> None:
        model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=True, max_new_tokens=new,
            min_new_tokens=new,
        )  # fmt: skip

    return count * (prompt + new) / _seconds(sample, device)


def _trained_per_second(model: Any, config: RunConfig, device: Any) -> float:
    import torch

    length = min(config.rollout.max_prompt_tokens + config.rollout.max_response_tokens, 256)
    rows = max(min(config.device_batch(), 8192 // length), 1)
    ids = torch.randint(model.config.vocab_size, (rows, length), device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-9)
    model.train()

    def update() -> None:
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return rows * length / _seconds(update, device)


def _seconds(work: Any, device: Any) -> float:
    """Of the second time: the first one warms up."""
    import torch

    took = 0.0
    for _ in range(2):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        took = time.perf_counter() - began
    return took
