"""Gold answers as tasks carry them: one or several texts, checked before anything is judged by them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from prorl_envs.answers.latex import clean
from prorl_envs.errors import TaskError

__all__ = ["gold_answers", "gold_defect"]

MAX_GOLD = 20_000


def gold_answers(truth: Mapping[str, Any]) -> tuple[str, ...]:
    """The accepted answers of a truth, ``answers`` before ``answer``; any one suffices.

    Raises:
        TaskError: names the field that is missing, of a wrong type, empty, or broken (and how).
    """
    field = "answers" if truth.get("answers") is not None else "answer"
    given = truth.get(field)
    if given is None:
        raise TaskError("field 'truth.answer' is missing")
    values = given if field == "answers" else [given]
    if not isinstance(values, (list, tuple)) or not values:
        raise TaskError(f"field 'truth.{field}' must be a non-empty list of texts")
    golds = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise TaskError(f"field 'truth.{field}' must hold texts or numbers, not {type(value).__name__}")
        text = str(value)
        defect = gold_defect(text)
        if defect:
            raise TaskError(f"field 'truth.{field}' is no gold answer: {defect}")
        golds.append(text)
    return tuple(golds)


@functools.lru_cache(maxsize=4096)
def gold_defect(text: str) -> str:
    """Why `text` cannot be a gold answer, or the empty string: it is empty, too long, or cut off."""
    if len(text) > MAX_GOLD:
        return f"longer than {MAX_GOLD} characters"
    if not clean(text).strip("{}$\\ .,;:?_-"):
        return "empty"
    if text.count("{") - text.count("\\{") != text.count("}") - text.count("\\}"):
        return "unbalanced braces"
    return ""
