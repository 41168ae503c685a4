"""The smallest run that has every part: a few hundred weights, two updates a step, four steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.prorl.settings import validated

MICRO: dict[str, Any] = {
    "name": "micro",
    "steps": 4,
    "seed": 3,
    "threads": 1,
    "environments": [
        {
            "id": "prorl/Logic-v0",
            "weight": 1,
            "options": {"task": "spell_backward", "size": 60, "seed": 1, "config": {"max_word_len": 4}},
        },
        {
            "id": "prorl/Logic-v0",
            "weight": 1,
            "options": {"task": "palindrome_generation", "size": 60, "seed": 1, "config": {"max_length": 4}},
        },
    ],
    "model": {"hidden": 16, "layers": 1, "heads": 2, "bf16": False, "gradient_checkpointing": False},
    "warm_start": {"updates": 30, "tasks": 60, "batch": 16},
    "rollout": {
        "prompts": 4,
        "group": 4,
        "temperature": 1.0,
        "max_prompt_tokens": 64,
        "max_response_tokens": 8,
        "max_rounds": 2,
    },
    "objective": {"kl": 0.05, "reward": "binary"},
    "optimizer": {"mini_batch": 2, "device_batch": 8, "learning_rate": 1e-3},
    "reset": {"every": 1},
    "validation": {"tasks": 8, "samples": 2, "every": 2},
    "checkpoint": {"every": 2, "keep": 2},
}


def micro_config(runs: Path, **changes: Any) -> Any:
    """`MICRO` in `runs`, with top-level settings changed."""
    return validated({**MICRO, "runs": str(runs), **changes}, "micro")
