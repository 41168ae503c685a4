"""A short supervised start: what an answer looks like, and nothing about which answer is right.

Each response it shows is well formed and consists of the right pieces (the numbers or letters of the question) in
an order drawn anew, uniformly, each time the problem is shown. A model that learns all of it perfectly answers
correctly as often as a shuffled deck does.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence
from typing import Any

from adapters.prorl.config import WarmStart
from prorl_envs.core import Task
from prorl_envs.errors import ConfigError

__all__ = ["imitate", "scrambled_response", "warm_start"]

Progress = Callable[[int, float], None]
"""Told the number of updates made and the loss."""

Example = tuple[list[int], str]
"""The tokens of a prompt, and the response to it."""


def scrambled_response(task: Task, rng: random.Random) -> str:
    """A response to a logic puzzle: the items of its answer in random order, between the answer tags.

    Items are the elements of a list, the parts between commas, or single characters.

    Raises:
        ConfigError: the task is no logic puzzle with an answer of its own.
    """
    answer = (task.truth.get("entry") or {}).get("answer") if task.domain == "logic" else None
    if not isinstance(answer, str) or not answer:
        raise ConfigError(f"task {task.id}: a warm start needs logic puzzles that store an answer")
    if answer.startswith("["):
        items = list(ast.literal_eval(answer))
        rng.shuffle(items)
        return f"<answer>{items!r}</answer>"
    joint = ", " if ", " in answer else ""
    parts = answer.split(joint) if joint else list(answer)
    rng.shuffle(parts)
    return f"<answer>{joint.join(parts)}</answer>"


def warm_start(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[Task],
    settings: WarmStart,
    *,
    seed: int,
    encode: Callable[[Any, Task], list[int]],
    progress: Progress | None = None,
) -> None:
    """Trains `model` in place on scrambled responses to `tasks`, by next-token prediction on the response alone.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        tasks: logic puzzles.
        settings: updates, batch, learning rate.
        seed: decides the order of the problems and of the items.
        encode: the tokens of a task's prompt.
        progress: called after each update.
    """
    rng = random.Random(seed)
    prompts = {task.id: encode(tokenizer, task) for task in tasks}

    def draw() -> list[Example]:
        return [
            (prompts[task.id], scrambled_response(task, rng)) for task in rng.choices(tasks, k=settings.batch)
        ]

    imitate(model, tokenizer, draw, settings, progress=progress)


def imitate(
    model: Any,
    tokenizer: Any,
    draw: Callable[[], Sequence[Example]],
    settings: WarmStart,
    *,
    progress: Progress | None = None,
) -> None:
    """Trains `model` in place to give the responses it is shown, by next-token prediction on them alone.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        draw: gives the examples of one update.
        settings: updates and learning rate.
        progress: called after each update.
    """
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    for update in range(settings.updates):
        for group in optimizer.param_groups:
            rise = min(1.0, (update + 1) / 30)
            group["lr"] = settings.learning_rate * rise * max(0.05, 1 - update / settings.updates)
        rows = [(ids, [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]) for ids, text in draw()]
        loss = model(**_batch(rows, tokenizer.pad_token_id)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if progress is not None:
            progress(update + 1, loss.item())


def _batch(rows: Sequence[tuple[list[int], list[int]]], pad: int) -> dict[str, Any]:
    """Prompts and responses padded on the right; labels are -100 outside the responses."""
    import torch

    width = max(len(prompt) + len(response) for prompt, response in rows)
    input_ids_B_T = torch.full((len(rows), width), pad)
    labels_B_T = torch.full((len(rows), width), -100)
    mask_B_T = torch.zeros((len(rows), width), dtype=torch.long)
    for row, (prompt, response) in enumerate(rows):
        end = len(prompt) + len(response)
        input_ids_B_T[row, :end] = torch.tensor(prompt + response)
        labels_B_T[row, len(prompt) : end] = torch.tensor(response)
        mask_B_T[row, :end] = 1
    return {"input_ids": input_ids_B_T, "labels": labels_B_T, "attention_mask": mask_B_T}
