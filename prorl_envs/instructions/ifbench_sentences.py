"""IFBench's instructions about sentences: ``sentence:*`` and ``ratio:*``."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import pairwise

from prorl_envs.instructions import params as p
from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.lexicon import STOP_WORDS
from prorl_envs.instructions.splitting import sentences, without_punctuation, words

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue("ifbench")


@CATALOGUE.instruction("sentence:alliteration_increment")
def alliteration_increment(text: str) -> bool:
    """Each sentence has more alliterating words (neighbours with the same first letter) than the one before."""
    counts = map(_alliterating, sentences(text))
    return all(a < b for a, b in pairwise(counts))


@CATALOGUE.instruction("sentence:increment", small_n=p.COUNT)
def sentence_increment(text: str, small_n: int) -> bool:
    """Each sentence has exactly `small_n` words more than the one before; pieces of punctuation are no words."""
    counts = (len(without_punctuation(sentence).split()) for sentence in sentences(text))
    return all(b - a == small_n for a, b in pairwise(counts))


@CATALOGUE.instruction("sentence:keyword", word=p.WORD, N=p.POSITION)
def sentence_keyword(text: str, word: str, N: int) -> bool:
    """The Nth sentence contains the word as a whole word, ignoring case."""
    found = sentences(text)
    pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
    return len(found) >= N and re.search(pattern, found[N - 1], re.IGNORECASE) is not None


@CATALOGUE.instruction("ratio:stop_words", percentage=p.PERCENT)
def stop_words(text: str, percentage: float) -> bool:
    """At most `percentage` % of the words are stop words; a text without words does not follow."""
    found = words(text.lower())
    return bool(found) and 100 * sum(word in STOP_WORDS for word in found) <= percentage * len(found)


@CATALOGUE.instruction("ratio:sentence_type")
def sentence_type(text: str) -> bool:
    """Twice as many sentences end with a period as with a question mark, and there is a question."""
    periods, questions, _ = _endings(text)
    return periods == 2 * questions > 0


@CATALOGUE.instruction("ratio:sentence_balance")
def sentence_balance(text: str) -> bool:
    """As many sentences end with a period as with a question mark and with an exclamation mark; none is absent."""
    periods, questions, exclamations = _endings(text)
    return 0 < periods == questions == exclamations


@CATALOGUE.instruction("ratio:sentence_words")
def sentence_words(text: str) -> bool:
    """There are three sentences with the same number of characters, and no word occurs twice."""
    found = sentences(text)
    spoken = words(text.lower())
    return len(found) == 3 and len({*map(len, found)}) == 1 and len(spoken) == len(set(spoken))


@CATALOGUE.instruction("ratio:overlap", reference_text=p.TEXT, percentage=p.PERCENT)
def overlap(text: str, reference_text: str, percentage: float) -> bool:
    """Of the different runs of three characters in the text, `percentage` % (within 2) occur in the reference."""
    own, given = _trigrams(text), _trigrams(reference_text)
    return bool(own) and abs(100 * len(own & given) / len(own) - percentage) <= 2


def _alliterating(sentence: str) -> int:
    """The number of words in runs of at least two neighbours that start with the same character."""
    initials = [word[0] for word in _stripped_left(sentence.lower())]
    same = [a == b for a, b in pairwise(initials)]
    return sum(same) + sum(now and not before for before, now in pairwise([False, *same]))


def _stripped_left(text: str) -> Iterator[str]:
    return (word for piece in text.split() if (word := piece.lstrip(string.punctuation)))


def _endings(text: str) -> tuple[int, int, int]:
    """How many sentences end with . ? and !."""
    marks = [sentence[-1] for sentence in sentences(text)]
    return marks.count("."), marks.count("?"), marks.count("!")


def _trigrams(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(len(text) - 2)}
