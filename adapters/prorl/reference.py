"""The reference policy in its forms, a second model (sharded or not) or adapter; and the optimizer's moments.

A hard reset (ProRL 2.3.1) makes the current policy the reference and forgets the optimizer's state. What that takes
depends on where the weights live:

- one device, or DDP: parameters are copied.
- FSDP2: both models are sharded alike, parameter by parameter, so each process copies its shards.
- DeepSpeed: ZeRO-3 gathers both first.
- LoRA: one adapter is copied over the other; see `adapters.prorl.scale.lora`.
"""

from __future__ import annotations

from typing import Any

import torch
from trl.trainer.callbacks import SyncRefModelCallback

from adapters.prorl.scale.lora import POLICY, REFERENCE
from prorl_envs.errors import ConfigError

__all__ = ["forget_moments", "load_reference", "make_policy_reference", "reference_state"]


def make_policy_reference(trainer: Any) -> None:
    """Copies the policy over the reference. All processes must call it.

    Raises:
        ConfigError: there is no reference.
    """
    policy = trainer.accelerator.unwrap_model(trainer.model)
    if _by_adapter(trainer):
        for name, parameter in policy.named_parameters():
            if f".{POLICY}." in name:
                policy.get_parameter(_twin(name)).data.copy_(parameter.data)
        return
    if trainer.ref_model is None:
        raise ConfigError("there is no reference policy to reset: objective.kl is 0")
    reference = trainer.accelerator.unwrap_model(trainer.ref_model)
    if trainer.is_fsdp_enabled:
        _reshard(policy)
        _reshard(reference)
        with torch.no_grad():
            for ours, theirs in zip(policy.parameters(), reference.parameters(), strict=True):
                theirs.copy_(ours)
        return
    SyncRefModelCallback.sync_target_model(policy, reference, 1.0)  # type: ignore[no-untyped-call]


def forget_moments(optimizer: Any) -> None:
    """Brings an AdamW back to where it was before its first update, in place.

    An emptied state would do for PyTorch's on one device. But DeepSpeed's optimizers hold on to theirs, and a
    checkpoint under FSDP fills an empty one by a step of its own, which the bias correction then counts.

    Args:
        optimizer: of the trainer: PyTorch's, in accelerate's wrapping or DeepSpeed's.
    """
    inner = optimizer
    while hasattr(inner, "optimizer"):
        inner = inner.optimizer
    for state in inner.state.values():
        for name, value in state.items():
            if isinstance(value, torch.Tensor):
                value.zero_()
            elif isinstance(value, int):
                state[name] = 0
    for group in inner.param_groups:
        if "step" in group:  # some fused ones count here
            group["step"] = 0


def reference_state(trainer: Any) -> dict[str, torch.Tensor] | None:
    """The reference's whole weights on the CPU; elsewhere than on process 0 they may be empty. None: there is none.

    All processes must call it.
    """
    if _by_adapter(trainer):
        policy = trainer.accelerator.unwrap_model(trainer.model)
        return {
            name: parameter.detach().cpu().clone()
            for name, parameter in policy.named_parameters()
            if f".{REFERENCE}." in name
        }
    if trainer.ref_model is None:
        return None
    reference = trainer.accelerator.unwrap_model(trainer.ref_model)
    if trainer.is_fsdp_enabled:
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        _reshard(reference)
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        found: dict[str, Any] = get_model_state_dict(reference, options=options)
        return found
    if _zero3(trainer):
        return {name: whole.cpu().clone() for name, whole in _gathered(reference)}
    return {str(name): values for name, values in reference.state_dict().items()}


def load_reference(trainer: Any, state: dict[str, torch.Tensor]) -> None:
    """Puts whole weights back into the reference. All processes must call it, each with the same `state`."""
    if _by_adapter(trainer):
        policy = trainer.accelerator.unwrap_model(trainer.model)
        for name, values in state.items():
            policy.get_parameter(name).data.copy_(values)
        return
    reference = trainer.accelerator.unwrap_model(trainer.ref_model)
    if trainer.is_fsdp_enabled:
        from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict

        # Typed for optimizers too: a dictionary of tensors alone is none of its kind.
        given: dict[str, Any] = {**state}
        set_model_state_dict(reference, given, options=StateDictOptions(full_state_dict=True))
    elif _zero3(trainer):
        for name, whole in _gathered(reference, modifier_rank=0):
            whole.data.copy_(state[name])
    else:
        reference.load_state_dict(state)


def _reshard(model: Any) -> None:
    """Back to shards: after generation alone, FSDP2 leaves the outermost parameters whole."""
    from torch.distributed.fsdp import FSDPModule

    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def _by_adapter(trainer: Any) -> bool:
    return REFERENCE in getattr(trainer.accelerator.unwrap_model(trainer.model), "peft_config", {})


def _twin(name: str) -> str:
    """The reference's parameter for one of the policy's."""
    return name.replace(f".{POLICY}.", f".{REFERENCE}.")


def _zero3(trainer: Any) -> bool:
    plugin = trainer.accelerator.state.deepspeed_plugin
    return plugin is not None and plugin.zero_stage == 3


def _gathered(model: Any, modifier_rank: int | None = None) -> Any:
    """The parameters of a ZeRO-3 model one by one, whole for as long as they are looked at."""
    import deepspeed

    for name, parameter in model.named_parameters():
        with deepspeed.zero.GatheredParameters([parameter], modifier_rank=modifier_rank):
            yield name, parameter
