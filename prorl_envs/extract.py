"""Where the answer stands in a response: the only copy of these rules.

A reasoning model writes its thoughts, then ``</think>``, then the answer. Only what follows the last
``</think>`` is judged; a response that opens ``<think>`` and never closes it was cut off.
All functions run in time linear in the text, however hostile, and never raise.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "Boxed",
    "Section",
    "all_boxed",
    "answer_section",
    "answer_tag",
    "code_blocks",
    "coerce_response",
    "last_boxed",
]

_THINK_OPEN, _THINK_CLOSE = "<think>", "</think>"
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])[ \t]*")
_TOKEN = re.compile(r"[^\s{}$\\.,;]+")
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}+|~{3,}+)[ \t]*+([^\s`]*+)[^\n`]*+$", re.MULTILINE)


class Section(NamedTuple):
    """The part of a response that is judged.

    Attributes:
        text: what follows the last ``</think>``, or the whole response when it has no such tag.
        thought: whether a ``</think>`` stood before it.
        truncated: ``<think>`` was opened after the last ``</think>`` (or with none) and never closed.
    """

    text: str
    thought: bool
    truncated: bool


class Boxed(NamedTuple):
    r"""One ``\boxed{...}``: its content, the `start` of the command and the `end` after the brace."""

    content: str
    start: int
    end: int


def coerce_response(response: object) -> str:
    """The text of a response as trainers pass it: a string, ``None``, or chat messages.

    ``None`` is the empty text. Of a list of messages the last assistant message counts (the last message when
    none is marked as such). Anything else is a caller's mistake.

    Raises:
        TypeError: for bytes, numbers and other objects.
    """
    if response is None:
        return ""
    if isinstance(response, str):
        return response
    if isinstance(response, (list, tuple)) and all(isinstance(m, dict) for m in response):
        spoken = [m for m in response if m.get("role", "assistant") == "assistant"] or list(response)
        content = spoken[-1].get("content") if spoken else ""
        return content if isinstance(content, str) else ""
    raise TypeError(f"a response is a text, None or chat messages, not {type(response).__name__}")


def answer_section(response: str) -> Section:
    """Splits off the reasoning. See `Section`."""
    close = response.rfind(_THINK_CLOSE)
    text = response[close + len(_THINK_CLOSE) :] if close >= 0 else response
    opened = text.rfind(_THINK_OPEN)
    return Section(text, close >= 0, opened >= 0)


def all_boxed(text: str) -> list[Boxed]:
    r"""Every outermost ``\boxed{...}`` / ``\fbox{...}`` with balanced braces, in order.

    ``\boxed 7`` (no braces) holds the next token. A box that is never closed is left out.
    """
    found: list[Boxed] = []
    position = 0
    closing: dict[int, int] | None = None
    while match := _BOX.search(text, position):
        start, inner = match.span()
        if text[inner : inner + 1] != "{":
            token = _TOKEN.match(text, inner)
            position = token.end() if token else inner
            if token:
                found.append(Boxed(token.group(), start, token.end()))
            continue
        if closing is None:
            closing = _closing_braces(text)
        end = closing.get(inner)
        if end is None:
            position = inner + 1
            continue
        found.append(Boxed(text[inner + 1 : end], start, end + 1))
        position = end + 1
    return found


def last_boxed(text: str) -> str | None:
    r"""The content of the last outermost ``\boxed{...}``, or None."""
    boxes = all_boxed(text)
    return boxes[-1].content if boxes else None


def answer_tag(text: str) -> str | None:
    """The stripped content of the last complete ``<answer>...</answer>`` pair, or None."""
    end = text.rfind("</answer>")
    if end < 0:
        return None
    start = text.rfind("<answer>", 0, end)
    return text[start + len("<answer>") : end].strip() if start >= 0 else None


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Every fenced Markdown block as ``(language, code)``, in order; the language lower-cased, "" if unnamed.

    An unclosed last fence counts as a block: the model ran out of tokens after its program, not inside it, as
    often as not, and a program cut short does not compile.
    """
    blocks: list[tuple[str, str]] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        mark, language = fence.group(1), fence.group(2)
        if opened is None:
            opened = fence
        elif mark[0] == opened.group(1)[0] and len(mark) >= len(opened.group(1)) and not language:
            blocks.append((opened.group(2).lower(), text[opened.end() + 1 : fence.start()]))
            opened = None
    if opened is not None:
        blocks.append((opened.group(2).lower(), text[opened.end() + 1 :]))
    return blocks


def _closing_braces(text: str) -> dict[int, int]:
    r"""Index of the closing brace for each opening one; ``\{`` and ``\}`` are characters, not braces."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for match in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        token = match.group()
        if token == "{":
            stack.append(match.start())
        elif token == "}" and stack:
            pairs[stack.pop()] = match.start()
    return pairs
