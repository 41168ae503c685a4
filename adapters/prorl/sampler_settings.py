"""Settings of the samplers beside `model.generate`: vLLM's engine, and the check that it samples from the policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Backend", "Correction", "VllmSettings", "sampler_contradictions"]

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


def sampler_contradictions(
    backend: Backend, correction: Correction, low: float | None, high: float | None, vllm: VllmSettings
) -> Iterator[str]:
    """What is wrong with these settings of ``rollout`` together, each with what to change."""
    if low is not None and high is not None and low >= high:
        yield f"rollout.correction_min ({low:g}) must be below rollout.correction_max ({high:g})"
    if correction.endswith("truncate") and low is None and high is None:
        yield f"rollout.correction {correction} needs a bound: set rollout.correction_max (or correction_min)"
    if vllm.warn_above > vllm.stop_above:
        yield "rollout.vllm.warn_above must not be above rollout.vllm.stop_above"
    if backend == "vllm-server" and (
        vllm.sleep or vllm.tensor_parallel > 1 or vllm.dtype != "auto" or vllm.eager
    ):
        yield (
            "rollout.vllm.sleep, tensor_parallel, dtype and eager are of a colocated engine (rollout.backend vllm): "
            "give them to `vllm serve` instead"
        )
