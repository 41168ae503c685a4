"""Allow-lists in front of upstream scorers: the answers that may reach a scorer which evaluates or loops.

A fence describes what a sane answer to the puzzle can look like. What does not pass never reaches ``eval``,
``sympy.parse_expr`` or an unbounded loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

__all__ = ["fenced_off"]

LIMIT = 20_000
"""The longest answer any upstream scorer is shown, in characters."""

_NUMBERS = re.compile(r"[0-9\s\[\](),-]*+", re.ASCII)


def fenced_off(task: str, answer: str) -> str:
    """Why `answer` may not reach the upstream scorer of `task`; "" when it may."""
    if len(answer) > LIMIT:
        return f"longer than {LIMIT} characters"
    fence = _FENCES.get(task)
    return fence(answer) if fence else ""


def _characters(pattern: str) -> Callable[[str], str]:
    allowed = re.compile(pattern, re.ASCII)

    def fence(answer: str) -> str:
        return "" if allowed.fullmatch(answer) else "characters that no answer needs"

    return fence


_FENCES: Mapping[str, Callable[[str], str]] = {
    "binary_matrix": _characters(r"[0-9\s\[\](),-]*+"),
    "spiral_matrix": _characters(r"[0-9\s\[\](),-]*+"),
    "n_queens": _characters(r"""[Q_\s\[\](),"']*+"""),
    "string_insertion": _characters(r"""[A-E\s\[\](),"']*+"""),
}
