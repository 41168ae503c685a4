r"""Answers in words: terms, yes and no, "no solution", "infinitely many", sequences of letters."""

from __future__ import annotations

import re

from prorl_envs.answers.latex import plain_words
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same

__all__ = ["compare_phrases", "is_phrase", "meaning"]

_SYNONYMS = {
    "(none)": "emptyset|empty set|no solution|no solutions|no real solution|no real solutions|none|no such number|"
    "no such numbers|not exist|does not exist|no integer solutions|no solution exists|no solutions exist|"
    "there are no solutions|there is no solution|there are no real solutions|there is no real solution|"
    "there are no integer solutions|no integer solution|no such integers|no such integer|there are none|dne",
    "(infinite)": "infty|infinity|infinite|infinitely many|there are infinitely many|"
    "there are infinitely many solutions|infinitely many solutions|inf",
    "(yes)": "yes|true|correct",
    "(no)": "no|false|incorrect",
    "(reals)": "all real numbers|all reals|mathbbr|real numbers|any real number",
}
_MEANINGS = {phrase: name for name, phrases in _SYNONYMS.items() for phrase in phrases.split("|")}
_ARTICLES = re.compile(r"\b(?:the|a|an)\s++")
_ALL = re.compile(r"^(?:set of )?all (?:of )?(?=[a-z])")
_ASIDE = re.compile(r"\s*+\([^()]*+\)$")
_COMMAND_WORD = re.compile(r"\\(emptyset|infty)(?![A-Za-z])")
_NEGATIVE = re.compile(r"-\s*+\\infty")
_ONLY_WORDS = re.compile(r"(?=.*[a-z]{3})[a-z][a-z ']*+")
_ABBREVIATED = re.compile(r"(?<=\b[A-Za-z])\.(?=[A-Za-z]\b|\s|$)")
_WORDY = re.compile(r"[a-z]{2}")


def meaning(text: str) -> str:
    """The canonical words of a cleaned text; synonyms of yes, no, none, infinite and "all reals" are one."""
    if _NEGATIVE.search(text):
        return plain_words(text)
    text = _COMMAND_WORD.sub(r" \1 ", text.replace("\\{\\}", "emptyset").replace("\\{ \\}", "emptyset"))
    text = text.replace("\\mathbb{R}", "mathbbr").replace("\\mathbb R", "mathbbr")
    text = _ABBREVIATED.sub("", text)
    words = _ARTICLES.sub("", plain_words(text).replace("-", " ").replace("/", " ")).strip()
    return _MEANINGS.get(words, _ALL.sub("", words))


def is_phrase(text: str) -> bool:
    """Whether a cleaned text is words alone, so that no mathematics can be in it."""
    return bool(_ONLY_WORDS.fullmatch(meaning(text)))


def compare_phrases(gold: str, answer: str) -> Outcome:
    """Two cleaned texts as words. Undecided unless both say something in words."""
    a, b = meaning(gold), meaning(answer)
    if not a or not b:
        return UNDECIDED
    if a == b and (a.startswith("(") or _WORDY.search(a)) and _same_figures(gold, answer):
        return same("words")
    if a.startswith("(") and b.startswith("("):
        return differ("words")
    return UNDECIDED


_UNSAID = re.compile(r"\\text|\s|[{}]|(?<=[A-Za-z])\.")


def _same_figures(a: str, b: str) -> bool:
    """Words may be cased and spaced freely; symbols between figures may not."""
    if not re.search(r"[\d^_<>=+*/]", a + b):
        return True
    return _figures(a) == _figures(b)


def _figures(text: str) -> str:
    return _UNSAID.sub("", text).casefold()
