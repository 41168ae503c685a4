"""The parts of an ``--env`` option, whose values may hold commas of their own."""

from __future__ import annotations

__all__ = ["split_at_commas"]


def split_at_commas(text: str) -> list[str]:
    """`text` at its commas, but for those inside brackets, braces and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
        elif char == "," and depth <= 0:
            parts.append(text[start:index])
            start = index + 1
    return [part for part in [*parts, text[start:]] if part.strip()]
