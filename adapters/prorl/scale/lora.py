"""Training a LoRA adapter in place of all weights (Hu et al., arXiv 2106.09685), through the extra package PEFT.

    model: {path: models/my-model, lora: {rank: 32, alpha: 64}}

The reference policy is a second, frozen adapter over the same base weights. At the start it does nothing, so it is
the base model; a reset copies the policy's adapter over it (ProRL 2.3.1). A run's ``model/`` holds the adapter in
PEFT's layout, or with ``merge`` the whole model.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from prorl_envs.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from adapters.prorl.config import RunConfig

__all__ = ["LoraSettings", "check_lora", "lora_policy", "quiet_reference", "save_merged"]

POLICY, REFERENCE = "default", "ref"
"""Names of the two adapters. They are TRL's."""


class LoraSettings(BaseModel):
    """A low-rank adapter. Rank 0 trains all weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=0, ge=0)
    alpha: int = Field(default=32, ge=1)
    """The adapter is scaled by alpha / rank. PEFT's and TRL's tutorials take once or twice the rank."""
    targets: tuple[str, ...] = ()
    """Names of the linear layers that get one, such as q_proj; empty is all but the output layer."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of the adapter's input in training. It makes the old log-probs noisy: ratios do not start at 1."""
    merge: bool = False
    """Keep the finished model whole, the adapter added to the base weights."""


def check_lora(config: RunConfig) -> None:
    """Looks at what LoRA needs, without loading anything.

    Raises:
        MissingExtraError: PEFT is not installed.
        ConfigError: ``model.path`` holds an adapter instead of a base, or lacks a layer of ``lora.targets``.
    """
    path = Path(config.model.path).expanduser() if config.model.path else None
    if path and (path / "adapter_config.json").exists() and not (path / "config.json").exists():
        raise ConfigError(
            f"--model {config.model.path!r} is a LoRA adapter, and the reference policy needs whole weights: merge "
            f"it into its base first (model.lora.merge does that at the end of a run)"
        )
    lora = config.model.lora
    if not lora.rank:
        return
    if find_spec("peft") is None:
        raise MissingExtraError("model.lora (without peft)", "train")
    names = _module_names(path) if path else set()
    for target in lora.targets if names else ():
        if not any(name == target or name.endswith(f".{target}") for name in names):
            near = sorted({name.rpartition(".")[2] for name in names if name.endswith("_proj")})
            raise ConfigError(
                f"model.lora.targets: the model has no layer {target!r}; it has {', '.join(near) or 'none'}"
            )


def lora_policy(path: str, config: RunConfig) -> Any:
    """The base model of `path` with a new adapter, which depends on the run's seed alone.

    Raises:
        ConfigError: the model has no layer of ``lora.targets``.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from trl.trainer.utils import create_model_from_path

    lora = config.model.lora
    base = create_model_from_path(path, dtype=config.model.dtype, device_map=None)
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=list(lora.targets) or "all-linear",
        lora_dropout=lora.dropout,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        try:
            return get_peft_model(base, settings)
        except ValueError as error:
            raise ConfigError(f"model.lora.targets: {error}") from None


def quiet_reference(model: Any) -> None:
    """Takes the dropout out of the reference's adapter: a reference that changes from call to call is none."""
    import torch

    for module in model.modules():
        dropout = getattr(module, "lora_dropout", {})
        if REFERENCE in dropout:
            dropout[REFERENCE] = torch.nn.Identity()


def save_merged(base: str, adapter: Path, folder: Path, dtype: str) -> None:
    """Writes the model whose weights are those of `base` with the adapter added, without its tokenizer.

    Args:
        base: folder of the model that the adapter was trained over.
        adapter: its folder.
        folder: where to write.
        dtype: of the weights.
    """
    from peft import PeftModel
    from trl.trainer.utils import create_model_from_path

    model = PeftModel.from_pretrained(create_model_from_path(base, dtype=dtype, device_map=None), adapter)
    model.merge_and_unload().save_pretrained(folder)


def _module_names(folder: Path) -> set[str]:
    """Modules that have weights, from the headers of the weight files alone."""
    from safetensors import safe_open

    names: set[str] = set()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="np") as weights:
            names |= {key.rpartition(".")[0] for key in weights.keys()}  # noqa: SIM118 - not a mapping
    return names
