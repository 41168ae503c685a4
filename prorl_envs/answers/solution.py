r"""The final answer of a worked solution, for data sets whose golds are whole solution texts (SCP-116K).

Says how it found the answer, and says so when it cannot tell: a guess here would be a wrong gold for ever.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import NamedTuple

from prorl_envs.answers.latex import clean
from prorl_envs.answers.response import final_answer

__all__ = ["Extracted", "Extraction", "extract_answer"]

SHORT = 120
"""A one-line gold up to this length is an answer, not a solution."""
_MAX_LENGTH = 50_000
_LONGEST_ANSWER = 200


class Extraction(StrEnum):
    """How the answer was found."""

    SHORT = "short"
    BOXED = "boxed"
    STATED = "stated"
    EQUATION = "equation"
    UNCLEAR = "unclear"


class Extracted(NamedTuple):
    """`answer` is empty exactly when `how` is UNCLEAR."""

    answer: str
    how: Extraction


_STATED = re.compile(
    r"(?:final\s+answer|correct\s+(?:answer|option|choice)|answer|result)(?:\s+(?:is|to\s+the\s+problem\s+is))?\s*+[:=]?\s*+"
    r"(?P<value>[^\n]{1,300})",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|so|we (?:get|find|obtain)|finally)\b[,:]?(?P<value>[^\n]{1,300})",
    re.IGNORECASE,
)
_DISPLAY = re.compile(r"\\\[(.{1,600}?)\\\]|\$\$(.{1,600}?)\$\$", re.DOTALL)
_INLINE = re.compile(r"\$([^$\n]{1,300})\$")
_STOP = re.compile(r"(?<=[\w)}$%])\.(?=\s|$)")
_RELATION = re.compile(r"(?<![<>!\\])=|\\approx|\\simeq")
_COPULA = re.compile(
    r"^.{0,120}?\b(?:is|are|equals|becomes)\s+(?:approximately\s+|about\s+|given by\s+)?", re.DOTALL
)


@functools.lru_cache(maxsize=8192)
def extract_answer(solution: str) -> Extracted:
    """The final answer of a solution text: a box, a statement ("the answer is"), or the last equation's value."""
    text = solution.strip()
    if (len(text) <= SHORT and "\n" not in text) or _wordless(text):
        return Extracted(text, Extraction.SHORT) if text else Extracted("", Extraction.UNCLEAR)
    if len(text) > _MAX_LENGTH:
        return Extracted("", Extraction.UNCLEAR)
    boxed = final_answer(text)
    if boxed is not None and boxed.content.strip():
        return Extracted(boxed.content.strip(), Extraction.BOXED)
    for pattern, how in ((_STATED, Extraction.STATED), (_CONCLUSION, Extraction.EQUATION)):
        matches = list(pattern.finditer(text))
        if matches and (value := _value(matches[-1]["value"])):
            return Extracted(value, how)
    displays = [a or b for a, b in _DISPLAY.findall(text)]
    if displays and text.rstrip(" .").endswith(("\\]", "$$")) and (value := _right_side(displays[-1])):
        return Extracted(value, Extraction.EQUATION)
    return Extracted("", Extraction.UNCLEAR)


def _wordless(text: str) -> bool:
    """Nothing but mathematics, however long."""
    return len(re.findall(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]+", " ", text))) < 4 and "\\boxed" not in text


def _value(sentence: str) -> str:
    stop = _STOP.search(sentence)
    sentence = (sentence[: stop.start()] if stop else sentence).strip(" :*")
    inline = _INLINE.findall(sentence)
    if len(inline) == 1:
        return _right_side(inline[0])
    return _right_side(_COPULA.sub("", sentence)) if not inline else ""


def _right_side(text: str) -> str:
    piece = _RELATION.split(text)[-1].strip(" .,;$*")
    words = len(re.findall(r"[A-Za-z]{4,}", re.sub(r"\\[A-Za-z]+", "", piece)))
    usable = clean(piece) and len(piece) <= _LONGEST_ANSWER and words <= 6
    return piece if usable else ""
