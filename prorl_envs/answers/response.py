r"""What a response finally answers: its last box, boxes joined by "and"; and whether it then takes that back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from prorl_envs.extract import Boxed, all_boxed

__all__ = ["FinalAnswer", "final_answer", "later_claims", "unboxed"]

_JOINED = re.compile(r"[\s$,;.]*+(?:and|or|,|;|\\text\s*\{\s*(?:and|or)\s*\})[\s$]*+")
_GAP = 40
_TAIL = 4_000

_VALUE = r"(?P<value>[^\n]{1,200})"
_CLAIM = re.compile(
    rf"\b(?:answer|result|value|solution)\s{{1,3}}(?:is|should\s+be|would\s+be|must\s+be|equals)\b:?\s{{0,3}}{_VALUE}",
    re.IGNORECASE,
)
_RETRACTION = re.compile(
    r"\b(?:wait|actually|correction|hmm|oops|sorry|no,|rather|on second thought"
    r"|(?:or|but)\s+(?:maybe|possibly|perhaps)"
    rf"|made\s+an?\s+(?:error|mistake))\b[^\n]{{0,120}}?(?:\bis|\bbe|'s|=|\bmaybe|\bpossibly|\bperhaps)\s{{1,3}}{_VALUE}",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:really|actually|instead|probably|simply|just|in fact|therefore|then|indeed|about|now|:)\s++"
)
_SENTENCE_END = re.compile(r"[.!?,;]?+(?:\s|$)(?![\d=+\-*/^\\])|[.!?](?=\s|$)")
_NUMBERLIKE = re.compile(r"[\d\\$]")


class FinalAnswer(NamedTuple):
    """`content`: what stands in the last box (or joined boxes). `after`: the text behind it."""

    content: str
    after: str


def final_answer(text: str) -> FinalAnswer | None:
    r"""The last ``\boxed{}`` of a response's answer section, or None when there is none.

    Boxes joined by "and", "or" or a comma are one answer of several parts; of nested boxes the innermost last counts.
    """
    boxes = all_boxed(text)
    if not boxes:
        return None
    group = _joined_tail(text, boxes)
    contents = list(dict.fromkeys(_innermost(box.content) for box in group))
    return FinalAnswer(", ".join(contents), text[boxes[-1].end : boxes[-1].end + _TAIL])


def unboxed(text: str) -> str:
    r"""The content of the innermost last box, or the text itself when there is none: golds are sometimes boxed."""
    return _innermost(text) if "\\boxed" in text or "\\fbox" in text else text


def _joined_tail(text: str, boxes: list[Boxed]) -> list[Boxed]:
    first = len(boxes) - 1
    while first > 0:
        gap = text[boxes[first - 1].end : boxes[first].start]
        if len(gap) > _GAP or not _JOINED.fullmatch(gap):
            break
        first -= 1
    return boxes[first:]


def _innermost(content: str) -> str:
    for _ in range(8):
        inner = all_boxed(content)
        if not inner:
            break
        content = inner[-1].content
    return content


def later_claims(after: str) -> Iterator[str]:
    """What the text behind the box says the answer is: "Wait, the answer is 8." yields "8"."""
    for pattern in (_CLAIM, _RETRACTION):
        for match in pattern.finditer(after):
            value = _LEAD.sub("", match.group("value").strip(" *:$"))
            stop = _SENTENCE_END.search(value)
            value = (
                value[: stop.start()]
                if stop and "$" not in value[: stop.end()]
                else value.partition("$")[0] or value
            )
            if value and _NUMBERLIKE.search(value):
                yield value.strip(" *.$")
