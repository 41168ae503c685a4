"""What an instruction's keyword arguments may be.

A `Param` reads one JSON value, or says in a user's words why it cannot: ``must be an integer of at least 1,
not 'three'``. Column stores turn integers into floats, so ``3.0`` is read as ``3``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "COUNT",
    "LANGUAGE",
    "LETTER",
    "PERCENT",
    "PHRASE",
    "POSITION",
    "RELATION",
    "TEXT",
    "WORD",
    "WORDS",
    "Param",
]

RELATIONS: tuple[str, ...] = ("less than", "at least")

_CODES = (
    "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl"
    " pt ro ru sk sl so sq sv sw ta te th tl tr uk ur vi zh zh-cn zh-tw"
)
LANGUAGES: frozenset[str] = frozenset(_CODES.split())
"""What langdetect can tell apart; ``zh`` stands for both of its Chinese codes."""


@dataclass(frozen=True)
class Param:
    """One keyword argument.

    Attributes:
        kind: what it must be, for error messages and the documentation ("an integer of at least 1").
        read: the value as the check wants it, or None when it is not of that kind.
        required: whether a row must give it.
    """

    kind: str
    read: Callable[[Any], Any]
    required: bool = True

    def optional(self) -> Param:
        """The same, but a row may leave it out; the check's own default then holds."""
        return Param(self.kind, self.read, required=False)


def _integer(lowest: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
            return None
        return int(value) if value >= lowest else None

    return read


def _percent(value: Any) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 100 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _phrase(value: Any) -> str | None:
    worded = isinstance(value, str) and sum(any(map(str.isalnum, piece)) for piece in value.split()) > 2
    return value if worded else None


def _word(value: Any) -> str | None:
    """A word; some published rows hold it as a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.strip() if isinstance(value, str) and value.strip() else None


def _words(value: Any) -> list[str] | None:
    if not isinstance(value, list) or not value or any(_text(word) is None for word in value):
        return None
    return value


def _letter(value: Any) -> str | None:
    word = _word(value)
    return word if word is not None and len(word) == 1 else None


def _one_of(known: tuple[str, ...] | frozenset[str]) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        return value if isinstance(value, str) and value in known else None

    return read


COUNT = Param("an integer of at least 0", _integer(0))
POSITION = Param("an integer of at least 1", _integer(1))
PERCENT = Param("a number from 0 to 100", _percent)
TEXT = Param("a text that is not blank", _text)
PHRASE = Param("a phrase of at least three words", _phrase)
WORD = Param("a word or phrase", _word)
WORDS = Param("a list of words or phrases, not empty", _words)
LETTER = Param("a single character", _letter)
RELATION = Param("'less than' or 'at least'", _one_of(RELATIONS))
LANGUAGE = Param("a language code that langdetect knows ('en', 'de', 'zh-cn', ...)", _one_of(LANGUAGES))
