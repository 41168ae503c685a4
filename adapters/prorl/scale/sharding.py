"""What the launcher says about sharing the model out among processes, and whether a run can work that way.

`accelerate launch --config_file ...` hands its settings over as environment variables. They are read here, before
anything is loaded; ``adapters/prorl/accelerate/`` holds files that pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from prorl_envs.errors import ConfigError

if TYPE_CHECKING:
    from adapters.prorl.config import RunConfig

__all__ = ["SHARDINGS", "Sharding", "check_sharding", "sharding_of"]


@dataclass(frozen=True)
class Sharding:
    """How the model's parts are kept. The default keeps all of them on every process.

    Attributes:
        name: for people.
        weights: whether each process keeps its share of the weights and the reference alone.
        gradients: the same of gradients.
        moments: the same of the optimizer's.
        fsdp: version of FSDP, 0 where it is off.
        zero: DeepSpeed's ZeRO stage, None where it is off.
    """

    name: str = "none"
    weights: bool = False
    gradients: bool = False
    moments: bool = False
    fsdp: int = 0
    zero: int | None = None


SHARDINGS = {
    "none": Sharding(),
    "fsdp2": Sharding("FSDP2", True, True, True, fsdp=2),
    "zero2": Sharding("ZeRO-2", False, True, True, zero=2),
    "zero3": Sharding("ZeRO-3", True, True, True, zero=3),
}
"""Those that ship, by the names of their files; for ``--dry-run``, which is not launched that way."""


def sharding_of(environ: Mapping[str, str] = os.environ) -> Sharding:
    """What the launcher asked for."""
    if _on(environ, "ACCELERATE_USE_FSDP"):
        version = int(environ.get("FSDP_VERSION", "1"))
        return Sharding(f"FSDP{version}", True, True, True, fsdp=version)
    if _on(environ, "ACCELERATE_USE_DEEPSPEED"):
        stage = int(environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2"))
        return Sharding(f"ZeRO-{stage}", stage >= 3, stage >= 2, stage >= 1, zero=stage)
    return Sharding()


def check_sharding(
    config: RunConfig, environ: Mapping[str, str] = os.environ, *, on_gpu: bool | None = None
) -> None:
    """Raises `ConfigError` when the launcher's settings do not go with the run's, with what to change.

    Args:
        config: of the run.
        environ: where the launcher left its settings.
        on_gpu: whether there is a CUDA device; None looks.
    """
    sharding = sharding_of(environ)
    if sharding == Sharding():
        return
    if on_gpu is None:
        import torch

        on_gpu = torch.cuda.is_available()
    for problem in _problems(config, sharding, environ, on_gpu=on_gpu):
        raise ConfigError(problem)


def _problems(
    config: RunConfig, sharding: Sharding, environ: Mapping[str, str], *, on_gpu: bool
) -> Iterator[str]:
    if not on_gpu:
        yield f"{sharding.name} needs GPUs: on CPUs accelerate would quietly leave it out. Use torchrun without it"
    if sharding.fsdp == 1:
        yield "FSDP 1 mixes parameters of one shard; resets need FSDP 2: set fsdp_version: 2 (accelerate/fsdp2.yaml)"
    if sharding.fsdp and environ.get("FSDP_STATE_DICT_TYPE", "").upper() != "FULL_STATE_DICT":
        yield "the finished model must be whole: set fsdp_state_dict_type: FULL_STATE_DICT"
    if (
        sharding.fsdp
        and config.model.gradient_checkpointing
        and _on(environ, "FSDP_ACTIVATION_CHECKPOINTING")
    ):
        yield "activations would be recomputed twice: set model.gradient_checkpointing or FSDP's own to false"
    if sharding.zero is not None:
        yield from _deepspeed_problems(config, sharding, environ)
    if config.model.lora.rank and sharding.weights and config.objective.has_reference:
        yield (
            f"model.lora under {sharding.name}: a reference that is a sharded adapter has not been made to work; use "
            f"accelerate/ddp.yaml or zero2.yaml (an adapter's gradients and moments are small), or objective.kl 0"
        )


def _deepspeed_problems(config: RunConfig, sharding: Sharding, environ: Mapping[str, str]) -> Iterator[str]:
    if find_spec("deepspeed") is None:
        yield "DeepSpeed is not installed: pip install deepspeed, or use accelerate/fsdp2.yaml"
    if (environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE") or "none") != "none":
        yield "a DeepSpeed file of its own hides its settings from this check: use accelerate/zero2.yaml or zero3"
    resets = bool(config.reset.every or config.reset.patience or config.reset.degradation or config.reset.kl)
    offloads = (
        environ.get("ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE"),
        environ.get("ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE"),
    )
    if resets and "nvme" in offloads:
        yield "resets cannot reach moments and weights that DeepSpeed keeps on a disk: offload them to cpu or none"
    saves = _on(environ, "ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL")
    if sharding.zero == 3 and not saves:
        yield "the finished model must be whole: set zero3_save_16bit_model: true"


def _on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "false").lower() in ("1", "true", "yes")
