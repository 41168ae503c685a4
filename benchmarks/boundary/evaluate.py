"""How many of n responses are right, for each problem of each split: what pass@k is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from adapters.prorl.sampling.generation import encode_prompt
from benchmarks.boundary.strings import DOMAIN, Pairs, StringVerifier, sample_tasks
from prorl_envs.core import Task
from prorl_envs.scoring import Scorer

__all__ = ["SPLITS", "count_correct", "load", "sample", "splits"]

SPLITS: Mapping[str, tuple[int, Pairs]] = {
    "depth 2": (2, "trained"),
    "depth 3": (3, "trained"),
    "depth 2, new pairs": (2, "held out"),
    "depth 3, new pairs": (3, "held out"),
    "depth 4": (4, "any"),
    "depth 5": (5, "any"),
}
"""Depth and pairs of each split. Training stops at depth 3 and never applies a held-out pair."""

MAX_TOKENS = 72
"""A chain of depth 5 over the longest strings takes 60."""
_TOKENS_AT_ONCE = 1024 * 24
_SEED = 505_24864


def splits(problems: int) -> dict[str, list[Task]]:
    """`problems` of each split; the same ones for every model."""
    return {
        name: sample_tasks(depth, pairs, problems, seed="test") for name, (depth, pairs) in SPLITS.items()
    }


def count_correct(folder: Path, problems: int, samples: int) -> dict[str, list[int]]:
    """Right responses by problem, by split.

    Args:
        folder: of the model.
        problems: of each split.
        samples: responses to each of them, at temperature 1.
    """
    model, tokenizer = load(folder)
    found: dict[str, list[int]] = {}
    with Scorer(workers=1, verifiers={DOMAIN: f"{StringVerifier.__module__}:StringVerifier"}) as scorer:
        for name, tasks in splits(problems).items():
            torch.manual_seed(_SEED)
            responses = sample(model, tokenizer, tasks, samples, max_tokens=MAX_TOKENS)
            verdicts = scorer.score([task for task in tasks for _ in range(samples)], responses)
            found[name] = [
                sum(verdict.correct is True for verdict in verdicts[start : start + samples])
                for start in range(0, len(verdicts), samples)
            ]
    return found


def load(folder: Path) -> tuple[Any, Any]:
    """The model and the tokenizer of a folder."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer


def sample(model: Any, tokenizer: Any, tasks: Sequence[Task], samples: int, *, max_tokens: int) -> list[str]:
    """`samples` responses to each of `tasks` at temperature 1 from the whole vocabulary, those of a task together."""
    texts: list[str] = []
    at_once = max(_TOKENS_AT_ONCE // max_tokens // samples, 1)
    for start in range(0, len(tasks), at_once):
        prompts = [encode_prompt(tokenizer, task) for task in tasks[start : start + at_once]]
        inputs = tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            tokens_B_T = model.generate(
                **inputs,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                num_return_sequences=samples,
                max_new_tokens=max_tokens,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        answers_B_T = tokens_B_T[:, inputs["input_ids"].shape[1] :]
        texts += tokenizer.batch_decode(answers_B_T, skip_special_tokens=True)
    return texts
