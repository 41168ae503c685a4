"""A space of Unicode texts, for prompts and responses.

Gymnasium's own `Text` rejects spaces, newlines and anything outside ASCII by default, and takes seconds and
tens of megabytes when given all of Unicode. This one says what is true: any text up to a length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import Space

__all__ = ["Unicode"]

_SAMPLE_CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyz ABCXYZ 0123456789 \n\t.,;:!?()[]{}<>=+-*/^\\$'\"_ éßñ数学Ωπ√≤∞😀"
)
_SAMPLE_LENGTH = 64


class Unicode(Space[str]):
    """All texts of at most `max_length` characters; the empty text belongs.

    `AsyncVectorEnv` needs ``shared_memory=False`` for it, and says so: texts have no fixed size in memory.

    Args:
        max_length: the greatest number of characters.
        seed: for `sample`.
    """

    def __init__(self, max_length: int = 1 << 22, seed: int | np.random.Generator | None = None) -> None:
        if max_length < 0:
            raise ValueError(f"max_length must not be negative: {max_length}")
        self.max_length = max_length
        super().__init__(dtype=str, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """Texts have no fixed size: False."""
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """A short text of mixed scripts, for checks and exploration; masks do not apply."""
        if mask is not None or probability is not None:
            raise ValueError("a text space takes no mask and no probabilities")
        length = int(self.np_random.integers(0, min(self.max_length, _SAMPLE_LENGTH) + 1))
        picks = self.np_random.integers(0, len(_SAMPLE_CHARACTERS), size=length)
        return "".join(_SAMPLE_CHARACTERS[index] for index in picks)

    def contains(self, x: Any) -> bool:
        """Whether `x` is a text that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def to_jsonable(self, sample_n: Any) -> list[Any]:
        """Texts are their own JSON."""
        return list(sample_n)

    def from_jsonable(self, sample_n: list[Any]) -> list[str]:
        """Texts are their own JSON."""
        return [str(text) for text in sample_n]

    def __repr__(self) -> str:
        return f"Unicode(max_length={self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unicode) and self.max_length == other.max_length

    def __hash__(self) -> int:
        return hash((Unicode, self.max_length))
