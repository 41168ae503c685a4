"""The loose view of a response (IFEval, section 3.2).

Models wrap answers in small talk and Markdown. A loose check accepts an instruction that any of eight variants
follows: the text, without its first line, without its last, without both, and each of them without asterisks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

__all__ = ["VIEWS", "View", "variants"]

View: TypeAlias = Literal["strict", "loose"]

VIEWS: tuple[View, ...] = ("strict", "loose")


def variants(text: str, view: View) -> Iterator[str]:
    """The texts of which one must follow an instruction: `text` alone if strict, up to eight if loose."""
    if view == "strict":
        yield text
        return
    lines = text.split("\n")
    cut = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    yield from dict.fromkeys([*cut, *(variant.replace("*", "") for variant in cut)])
