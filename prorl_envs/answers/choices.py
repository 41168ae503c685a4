r"""Multiple-choice letters: ``B``, ``(B)``, ``\textbf{(B)}``, ``B. 5 m/s``, ``Option b``, ``A and C``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prorl_envs.answers.latex import clean, plain_words
from prorl_envs.answers.outcome import UNDECIDED, Outcome

__all__ = ["chosen", "compare_choices", "gold_choices"]

_LETTER = r"[A-Ja-j]"
_MARKS = re.compile(r"\\text\s*+|[{}$*\\]|\\ ")
_OPTION = re.compile(
    r"^(?:the\s+)?(?:correct\s+)?(?:answer|option|choice|statement|letter|ans)s?(?:\s+is|:)?\s*+(?=\(?[A-Ja-j](?![a-z]))",
    re.I,
)
_ASIDE = re.compile(rf"^({_LETTER}) \((?![^()]*\b[A-J]\b)[^()]{{2,}}\)$")
_BARE = re.compile(rf"^\(?\s*+({_LETTER})\s*+[).]?$")
_WITH_TEXT = re.compile(rf"^(?:\(\s*+({_LETTER})\s*+\)|({_LETTER})\s*+[.):])\s*+\S", re.DOTALL)
_SEVERAL = re.compile(rf"^\(?({_LETTER})\)?(?:\s*+(?:,|;|and|&|\+|or|/|\s)\s*+\(?{_LETTER}\)?)*+$")
_RUN = re.compile(r"^[A-J]{2,6}$")


def gold_choices(text: str) -> frozenset[str] | None:
    """The letters of a gold that is nothing but one or several capital choice letters, else None."""
    plain = _plain(text)
    if _BARE.match(plain) and (plain.strip("(). ").isupper() or "(" in plain):
        return frozenset(plain.strip("(). ").upper())
    if _RUN.match(plain) and list(plain) == sorted(set(plain)):
        return frozenset(plain)
    if _SEVERAL.match(plain) and not re.search(
        r"[a-j](?![a-z]*\b(?:nd|r)\b)", re.sub(r"\b(?:and|or)\b", "", plain)
    ):
        return frozenset(re.findall(r"[A-J]", plain))
    return None


def chosen(text: str) -> frozenset[str] | None:
    """The letters an answer chooses, or None when it names none. Alternatives ("A or B") are several letters."""
    plain = _OPTION.sub("", _plain(text))
    if match := _BARE.match(plain) or _ASIDE.match(plain):
        return frozenset(match.group(1).upper())
    if match := _WITH_TEXT.match(plain):
        rest = plain[match.end() - 1 :]
        extra = re.findall(r"(?<![A-Za-z])\(?([A-J])[).](?=\s)|\b(?:and|or)\s+\(?([A-J])\)?$", rest)
        return frozenset((match.group(1) or match.group(2)).upper()) | {a or b for a, b in extra}
    if _SEVERAL.match(plain):
        letters = re.sub(r"\b(?:and|or)\b", " ", plain)
        return frozenset(re.findall(r"[A-J]", letters.upper()))
    return frozenset(plain) if _RUN.match(plain) and len(set(plain)) == len(plain) else None


def compare_choices(gold: str, answer: str, options: Sequence[str] = ()) -> Outcome:
    """By letters; or, given the options' texts, by the text of the chosen one."""
    wanted = gold_choices(gold)
    if wanted is None:
        return UNDECIDED
    letters = chosen(answer)
    if letters is None and options:
        spoken = plain_words(clean(answer))
        letters = frozenset(chr(65 + n) for n, option in enumerate(options) if _option_text(option) == spoken)
    if letters:
        return Outcome(letters == wanted, "choice")
    return UNDECIDED


def _option_text(option: str) -> str:
    return plain_words(clean(re.sub(rf"^\(?{_LETTER}[).:]\s*+", "", option.strip())))


def _plain(text: str) -> str:
    return re.sub(r"\s++", " ", _MARKS.sub(" ", clean(text))).strip(" .,;")
