"""How every benchmark hands its table over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["publish"]


def publish(lines: Sequence[str], output: Path | None) -> None:
    """Prints `lines`, and writes them to `output` where one is given."""
    text = "\n".join(lines)
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
