"""The model that reinforcement learning starts from: it knows every function alone, and the form of a chain.

Half of what it is shown are *atoms*: one function, one string, the right result. The rest are chains of two and three
steps in the right form (each line drops the function that is done) in which a step applies the function that is due
only now and then, and one drawn at random otherwise. So the model can write chains before it is rewarded for any,
and the function that a step has to apply is one possibility among others. No program it sees holds a held-out pair.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.prorl.config import ModelSettings, WarmStart
from adapters.prorl.tiny import build_model, build_tokenizer, save_model
from adapters.prorl.warm_start import imitate
from benchmarks.boundary.strings import FUNCTIONS, apply, chain, random_program, random_string

__all__ = ["CONTEXT", "BaseSettings", "make_base"]

CONTEXT = 128
"""Positions of the model: the longest problem and its chain fit."""
_ATOM_LENGTHS = tuple(range(1, 9))


@dataclass(frozen=True)
class BaseSettings:
    """What the base model is made of.

    Attributes:
        updates, batch, learning_rate: of the supervised training.
        chains: share of the examples that are chains.
        care: how often a step of a chain applies the function that is due.
        depths: lengths of the chains.
        hidden, layers, heads: of the model.
    """

    updates: int = 1200
    batch: int = 128
    learning_rate: float = 5e-3
    chains: float = 0.5
    care: float = 0.25
    depths: tuple[int, ...] = (2, 3)
    hidden: int = 64
    layers: int = 3
    heads: int = 4


def make_base(folder: Path, settings: BaseSettings, *, seed: int, told: Callable[[str], None]) -> None:
    """Trains the base model and writes it to `folder`, in Hugging Face's layout.

    Args:
        folder: where to.
        settings: sizes and examples.
        seed: of weights and examples.
        told: hears about the progress.
    """
    rng = random.Random(seed)
    shown = [_example(settings, rng) for _ in range(2000)]
    tokenizer = build_tokenizer([f"{prompt}{response}" for prompt, response in shown], kinds=1)
    shape = ModelSettings(hidden=settings.hidden, layers=settings.layers, heads=settings.heads)
    model = build_model(shape, tokenizer, seed=seed, context=CONTEXT)

    def draw() -> list[tuple[list[int], str]]:
        pairs = [_example(settings, rng) for _ in range(settings.batch)]
        return [(tokenizer(prompt)["input_ids"], response) for prompt, response in pairs]

    def progress(done: int, loss: float) -> None:
        if done % 200 == 0:
            told(f"base: {done} of {settings.updates} updates, loss {loss:.3f}")

    imitate(
        model, tokenizer, draw,
        WarmStart(updates=settings.updates, batch=settings.batch, learning_rate=settings.learning_rate),
        progress=progress,
    )  # fmt: skip
    save_model(model, tokenizer, folder)


def _example(settings: BaseSettings, rng: random.Random) -> tuple[str, str]:
    """A prompt, with the newline that ends it, and a response."""
    if rng.random() >= settings.chains:
        program, text = rng.choice(tuple(FUNCTIONS)), random_string(rng, _ATOM_LENGTHS)
        return f"{program} {text}\n", chain(program, text)
    program, text = random_program(rng, rng.choice(settings.depths), "trained"), random_string(rng)
    return f"{program} {text}\n", careless_chain(program, text, settings.care, rng)


def careless_chain(program: str, text: str, care: float, rng: random.Random) -> str:
    """A chain of the right form whose steps apply the function that is due with probability `care`, else any."""
    lines = []
    for done, name in enumerate(program, start=1):
        text = apply(name if rng.random() < care else rng.choice(tuple(FUNCTIONS)), text)
        lines.append(f"{program[done:]} {text}" if done < len(program) else text)
    return "\n".join(lines)
