"""Everything that can be known to be wrong before any work starts: the model's folder, the run's folder, the disk."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from pathlib import Path

from adapters.prorl.config import RunConfig
from adapters.prorl.problems import Problems
from adapters.prorl.scale.plan import make_plan
from adapters.prorl.scale.processes import world_size
from adapters.prorl.scale.sharding import check_sharding
from adapters.prorl.warm_start import scrambled_response
from prorl_envs.errors import ConfigError, MissingExtraError

__all__ = ["check_extra", "check_model", "check_processes", "check_warm_start", "disk_needed"]

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json")
_NEEDED = ("torch", "transformers", "trl", "datasets", "accelerate", "matplotlib")
_MARGIN = 64 * 2**20


def check_extra() -> None:
    """Raises `MissingExtraError` unless what training needs is installed. Imports none of it."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"Training (without {', '.join(missing)})", "train")


def check_model(config: RunConfig) -> None:
    """Raises `ConfigError` unless ``model.path`` is a folder that holds a causal language model and its tokenizer."""
    if config.model.path is None:
        return
    folder = Path(config.model.path).expanduser()
    if not folder.is_dir():
        hub = config.model.path.count("/") == 1 and not config.model.path.startswith((".", "/", "~"))
        hint = (
            f" Fetch it first: hf download {config.model.path} --local-dir DIR, then --model DIR."
            if hub
            else ""
        )
        raise ConfigError(f"--model {config.model.path!r} is not a folder on this machine.{hint}")
    try:
        described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--model {config.model.path!r} is no Hugging Face model: config.json: {error}"
        ) from None
    if not isinstance(described, dict) or "model_type" not in described:
        raise ConfigError(
            f"--model {config.model.path!r} is no Hugging Face model: config.json has no model_type"
        )
    names = described.get("architectures") or []
    if names and not any("CausalLM" in name or "ConditionalGeneration" in name for name in names):
        raise ConfigError(f"--model {config.model.path!r} is no causal language model but {', '.join(names)}")
    if not list(folder.glob("*.safetensors")) and not list(folder.glob("pytorch_model*.bin")):
        raise ConfigError(f"--model {config.model.path!r} has no weights (*.safetensors)")
    if not any((folder / name).exists() for name in _TOKENIZER_FILES):
        raise ConfigError(f"--model {config.model.path!r} has no tokenizer beside the weights")
    limit = described.get("max_position_embeddings")
    wanted = config.rollout.max_prompt_tokens + config.rollout.max_response_tokens
    if isinstance(limit, int) and wanted > limit:
        raise ConfigError(
            f"prompt and response may take {wanted} tokens, and the model knows {limit} positions: lower "
            f"rollout.max_response_tokens or rollout.max_prompt_tokens"
        )


def check_processes(config: RunConfig) -> None:
    """Raises `ConfigError` when the processes of this launch cannot share the run's batches, or its model, out."""
    config.device_batch(world_size())
    check_sharding(config)


def check_warm_start(config: RunConfig, problems: Problems) -> None:
    """Raises `ConfigError` when a tiny model is asked to learn problems that its warm start has no form for."""
    if config.model.path is not None:
        return
    for name, tasks in problems.components.items():
        try:
            scrambled_response(tasks[0], random.Random(0))
        except ConfigError:
            raise ConfigError(
                f"component {name!r}: the tiny model is for logic puzzles with short answers; give --model PATH"
            ) from None


def disk_needed(config: RunConfig) -> int:
    """Bytes that the run's folder may grow to, with a margin for its logs."""
    return make_plan(config).disk_bytes + _MARGIN
