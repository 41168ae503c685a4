"""Makes puzzles: Reasoning Gym's items as plain, storable data.

An upstream item carries tuples, NumPy strings and integer keys, and its seed does not always bring it back.
So items are stored, not seeds, in the shape that a JSON round trip leaves unchanged. Everything random about
an item follows from the task, its settings, the seed and the item's index, so that any slice of a set can be
made alone and comes out the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import random
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

from prorl_envs.errors import ConfigError
from prorl_envs.puzzles.catalogue import build_dataset
from prorl_envs.puzzles.repairs import repaired

__all__ = ["HASH_ORDERED", "WRITES_FILES", "entries", "plain"]

HASH_ORDERED: frozenset[str] = frozenset(
    {"isomorphic_strings", "knight_swap", "polynomial_multiplication", "ransom_note", "word_ladder"}
)
"""Tasks whose upstream generators iterate over sets of strings: their items depend on PYTHONHASHSEED."""

WRITES_FILES: frozenset[str] = frozenset({"codeio"})
"""Tasks whose upstream generators run programs that leave files in the current folder."""


def entries(
    task: str,
    *,
    size: int,
    seed: int,
    config: Mapping[str, Any] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yields items `start` to `stop` of a set of `size`, each ``{"question", "answer", "metadata"}``, JSON-safe.

    The global random states of Python and NumPy are put back after each item (some generators draw from them).

    Raises:
        UnknownNameError: no such task.
        ConfigError: a setting, the size or the seed is refused.
    """
    if size < 1 or seed < 0:
        raise ConfigError(f"a set needs a size of at least 1 and a seed of at least 0, not {size} and {seed}")
    with _own_randomness(task, seed, -1):
        dataset = build_dataset(task, size=size, seed=seed, config=config)
    for index in range(start, size if stop is None else stop):
        with _own_randomness(task, seed, index), contextlib.redirect_stdout(io.StringIO()):
            item = dataset[index]
        yield repaired(task, plain({name: item.get(name) for name in ("question", "answer", "metadata")}))


def plain(value: Any) -> Any:
    """`value` as JSON keeps it: lists for tuples, sorted lists for sets, texts for keys, dates, enums,
    exact numbers, infinities and NaN, mappings for dataclasses.

    Raises:
        TypeError: for an object that has no such form.
    """
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=json.dumps)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | Fraction | Decimal):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if callable(getattr(value, "tolist", None)):  # NumPy arrays and scalars
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextlib.contextmanager
def _own_randomness(task: str, seed: int, index: int) -> Iterator[None]:
    import numpy as np

    digest = hashlib.sha256(f"{task}/{seed}/{index}".encode()).digest()
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(digest)
    np.random.seed(int.from_bytes(digest[:4], "big"))
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
