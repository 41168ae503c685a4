"""How responses are sampled: batches and dynamic sampling, who samples, and the check that it is the policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RolloutSettings", "VllmSettings", "sampler_contradictions"]

Backend = Literal["transformers", "transformers-cb", "vllm", "vllm-server"]
Correction = Literal["none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]


class VllmSettings(BaseModel):
    """vLLM as the sampler: ``rollout.backend`` is ``vllm`` (in the trainer's processes) or ``vllm-server``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: float = Field(default=0.3, gt=0, lt=1)
    """Share of the GPU's memory for a colocated engine. TRL's default."""
    tensor_parallel: int = Field(default=1, ge=1)
    """Processes that share one colocated engine."""
    sleep: bool = False
    """A colocated engine gives its memory back during the update; waking it up costs a copy of the weights."""
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Of a colocated engine's weights. `auto` turns float32 into 16 bits; the closer to the trainer's arithmetic, the
    smaller the mismatch that the correction has to mend."""
    eager: bool = False
    """Run a colocated engine without compiling it: starts at once, samples more slowly."""
    server_url: str = "http://localhost:8000"
    """Of ``vllm serve`` (docs/rollouts.md has its command)."""
    server_timeout_s: float = Field(default=30.0, ge=0)
    """How long to wait for the server to answer."""
    group_port: int = Field(default=51216, ge=1, le=65535)
    """Port of the NCCL group that carries the weights to the server. TRL's default."""
    weights_folder: Path | None = None
    """Send a server the weights through this folder, which it must see too, instead of over NCCL."""
    check_every: int | None = Field(default=25, ge=1)
    """Steps between comparisons of vLLM's log-probs with the trainer's. The first step of a session and the first
    after a reset are always compared; None is those alone."""
    check_responses: int = Field(default=8, ge=1)
    """Responses that are compared."""
    warn_above: float = Field(default=0.1, gt=0)
    """Mean absolute difference of log-probs, nats per token, that is written down as a warning. 16-bit engines were
    measured at 0.01 (7B, TRL issue 4772) to 0.05 (models of a few thousand weights)."""
    stop_above: float = Field(default=0.4, gt=0)
    """The difference that stops the run: an engine with other weights (0.49 in TRL issue 5312), not with other
    rounding."""


class RolloutSettings(BaseModel):
    """How responses are sampled (ProRL 3.2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompts: int = Field(default=256, ge=1)
    """Prompts per step that reach the update."""
    group: int = Field(default=16, ge=2)
    """Responses per prompt."""
    temperature: float = Field(default=1.2, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_prompt_tokens: int = Field(default=1024, ge=1)
    """Longer prompts are passed over. Not the paper's, which states only the total."""
    max_response_tokens: int = Field(default=8192, ge=1)
    """The paper's context is 8,096 for prompt and response; ProRL v2's script caps responses at 8,192."""
    dynamic_sampling: bool = True
    """Replace prompts whose responses are all right or all wrong (DAPO; ProRL 2.3.1)."""
    chunk: int = Field(default=512, ge=1)
    """Responses generated at once on one device (transformers backend); bounds the memory of the key-value cache."""
    max_rounds: int = Field(default=10, ge=1)
    """Rounds of sampling in one step before dead groups are let through. 10 is DAPO's published script."""
    backend: Backend = "transformers"
    """``transformers``; ``transformers-cb`` (its continuous batching); ``vllm`` in the trainer's own processes
    (colocated); ``vllm-server``. See docs/rollouts.md."""
    correction: Correction = "token_mask"
    """Importance weights between vLLM and the trainer, per token or per response, cut to the bounds or left out
    beyond them. Masked tokens are ProRL v2's published script (ICE-POP, 0.5 to 5)."""
    correction_min: float | None = Field(default=0.5, ge=0)
    correction_max: float | None = Field(default=5.0, gt=0)
    vllm: VllmSettings = VllmSettings()


def sampler_contradictions(rollout: RolloutSettings) -> Iterator[str]:
    """What is wrong with these settings together, each with what to change."""
    low, high, vllm = rollout.correction_min, rollout.correction_max, rollout.vllm
    if low is not None and high is not None and low >= high:
        yield f"rollout.correction_min ({low:g}) must be below rollout.correction_max ({high:g})"
    if rollout.correction.endswith("truncate") and low is None and high is None:
        yield f"rollout.correction {rollout.correction} needs a bound: set rollout.correction_max (or correction_min)"
    if vllm.warn_above > vllm.stop_above:
        yield "rollout.vllm.warn_above must not be above rollout.vllm.stop_above"
    if rollout.backend == "vllm-server" and (
        vllm.sleep or vllm.tensor_parallel > 1 or vllm.dtype != "auto" or vllm.eager
    ):
        yield (
            "rollout.vllm.sleep, tensor_parallel, dtype and eager are of a colocated engine (rollout.backend vllm): "
            "give them to `vllm serve` instead"
        )
