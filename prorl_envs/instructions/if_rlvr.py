"""The 29 instruction types that IF-RLVR adds to IFEval's 25 (Pyatkin et al. 2025, arXiv 2507.02833).

Nemotron's instruction-following data uses these 54. Each check does what the published wording of its
instruction says. Where the program published with it accepts or refuses something else, `docs/instructions.md`
names the difference.
"""

from __future__ import annotations

import re
import string
from itertools import pairwise

from prorl_envs.instructions import params as p
from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.ifeval import STARS, holds, letter_frequency, occurrences
from prorl_envs.instructions.splitting import divided, sentences, tokens_of

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue("if-rlvr")

_EDGES = string.punctuation + "‘’“”„«»…–—"
_SPACED_STARS = re.compile(rf"{STARS.pattern}|\s?\* \* \*\s?")
_BLANK_LINE = re.compile(r"\n\n")
_SIX_STARS = "******"
_LOOSE_JOIN = re.compile(r"[.!?][\"')\]]*+(?:\s++-|-\s)")


def _core(word: str) -> str:
    """A word without the punctuation around it, ignoring case."""
    return word.strip(_EDGES).casefold()


def _cores(text: str) -> list[str]:
    """The words between white space, each by its core; pieces of punctuation alone are no words."""
    return [core for piece in text.split() if (core := _core(piece))]


def _same(text: str, other: str) -> bool:
    return text.strip().lower() == other.strip().lower()


# --- copying ---


@CATALOGUE.instruction("copy:copy", prompt_to_repeat=p.TEXT)
def copy(text: str, prompt_to_repeat: str) -> bool:
    """The text is the instruction to copy and nothing else, ignoring case and outer blanks."""
    return _same(text, prompt_to_repeat)


@CATALOGUE.instruction("copy:copying_simple", prompt_to_repeat=p.TEXT)
def copying_simple(text: str, prompt_to_repeat: str) -> bool:
    """The text is the request and nothing else, ignoring case and outer blanks."""
    return _same(text, prompt_to_repeat)


@CATALOGUE.instruction("copy:copying_multiple", prompt_to_repeat=p.TEXT, N=p.POSITION)
def copying_multiple(text: str, prompt_to_repeat: str, N: int) -> bool:
    """The text is the request N times, with ``******`` between the copies and nothing else."""
    copies = text.split(_SIX_STARS)
    return len(copies) == N and all(_same(copy, prompt_to_repeat) for copy in copies)


@CATALOGUE.instruction("new:copy_span_idx", prompt_to_repeat=p.TEXT, n_start=p.COUNT, n_end=p.COUNT)
def copy_span(text: str, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """The text is the request's characters from index `n_start` to `n_end`, ignoring case and outer blanks.

    The wording includes the character at `n_end`, the published program leaves it out: either is right.
    """
    return any(_same(text, prompt_to_repeat[n_start:end]) for end in (n_end, n_end + 1))


@CATALOGUE.instruction("copy:repeat_phrase", phrase=p.PHRASE, small_n=p.POSITION)
def repeat_phrase(text: str, phrase: str, small_n: int) -> bool:
    """The phrase occurs `small_n` times, each time with exactly one word replaced, neither first nor last.

    A stretch of as many words that starts and ends like the phrase is an occurrence; one with no word or
    several words replaced is a mistake. Case and punctuation around words do not matter.
    """
    wanted, given = _cores(phrase), _cores(text)
    size, count = len(wanted), 0
    for start in range(len(given) - size + 1):
        if given[start] == wanted[0] and given[start + size - 1] == wanted[-1]:
            inside = zip(given[start + 1 : start + size - 1], wanted[1:-1], strict=True)
            count += 1
            if count > small_n or sum(word != original for word, original in inside) != 1:
                return False
    return count == small_n


# --- words ---


@CATALOGUE.instruction("keywords:word_once", keyword=p.WORD)
def word_once(text: str, keyword: str) -> bool:
    """The keyword occurs exactly once, ignoring case, also inside longer words."""
    return occurrences(text, keyword) == 1


@CATALOGUE.instruction(
    "keywords:word_count_different_numbers",
    keyword=p.WORD,
    frequency=p.COUNT,
    relation=p.RELATION.optional(),
)
def word_count(text: str, keyword: str, frequency: int, relation: str | None = None) -> bool:
    """The keyword occurs at least / less than `frequency` times, exactly so often if no relation is given."""
    count = occurrences(text, keyword)
    return count == frequency if relation is None else holds(count, relation, frequency)


@CATALOGUE.instruction("keywords:exclude_word_harder", keyword=p.WORD)
def exclude_word(text: str, keyword: str) -> bool:
    """The keyword does not occur as a whole word, ignoring case."""
    return re.search(rf"(?<!\w){re.escape(keyword)}(?!\w)", text, re.IGNORECASE) is None


@CATALOGUE.instruction("keywords:palindrome")
def palindrome(text: str) -> bool:
    """One of the words, of at least three letters, reads the same backwards, ignoring case."""
    return any(len(word) > 2 and word == word[::-1] and word.isalpha() for word in _cores(text))


@CATALOGUE.instruction("keywords:keyword_specific_position", keyword=p.WORD, n=p.POSITION, m=p.POSITION)
def keyword_position(text: str, keyword: str, n: int, m: int) -> bool:
    """The m-th word of the n-th sentence is the keyword, ignoring case; punctuation is no word."""
    found = sentences(text)
    spoken = _cores(found[n - 1]) if n <= len(found) else []
    return m <= len(spoken) and spoken[m - 1] == _core(keyword)


@CATALOGUE.instruction("keywords:no_adjacent_consecutive")
def no_adjacent_consecutive(text: str) -> bool:
    """No word starts with the letter that follows, in the alphabet, the first letter of the word before it."""
    initials = "".join(word[0] for word in _cores(text))
    pairs = pairwise(initials)
    return not any(a in string.ascii_lowercase and ord(b) - ord(a) == 1 and b <= "z" for a, b in pairs)


@CATALOGUE.instruction("keywords:start_end")
def start_end(text: str) -> bool:
    """The first and the last word are the same, ignoring case; nothing follows the last, no punctuation either."""
    found = sentences(text)
    first, last = tokens_of(found[:1]), tokens_of(found[-1:])
    return len(found) + len(first) > 2 and first[0].lower() == last[-1].lower()


@CATALOGUE.instruction("first_word:first_word_answer", first_word=p.WORD)
def first_word_answer(text: str, first_word: str) -> bool:
    """The first word of the text is the word, ignoring case."""
    return _cores(text)[:1] == [_core(first_word)]


@CATALOGUE.instruction("first_word:first_word_sent", first_word=p.WORD)
def first_word_sentences(text: str, first_word: str) -> bool:
    """The first word of every sentence is the word, ignoring case."""
    return all(_cores(sentence)[:1] == [_core(first_word)] for sentence in sentences(text))


@CATALOGUE.instruction("last_word:last_word_answer", last_word=p.WORD)
def last_word_answer(text: str, last_word: str) -> bool:
    """The last word of the text, before punctuation, is the word, ignoring case."""
    return _cores(text)[-1:] == [_core(last_word)]


@CATALOGUE.instruction("last_word:last_word_sent", last_word=p.WORD)
def last_word_sentences(text: str, last_word: str) -> bool:
    """The last word of every sentence, before punctuation, is the word, ignoring case."""
    return all(_cores(sentence)[-1:] == [_core(last_word)] for sentence in sentences(text))


# --- counting ---


@CATALOGUE.instruction("count:lowercase_counting", N=p.COUNT)
def lowercase_counting(text: str, N: int) -> bool:
    """At most N words are written in lower-case letters (a to z) throughout."""
    return len(re.findall(r"\b[a-z]++\b", text)) <= N


@CATALOGUE.instruction("letters:letter_counting", N=p.COUNT, relation=p.RELATION)
def letter_counting(text: str, N: int, relation: str) -> bool:
    """There are at least / less than N letters (a to z, either case)."""
    return holds(len(re.findall(r"[A-Za-z]", text)), relation, N)


CATALOGUE.instruction(
    "letters:letter_counting2", letter=p.LETTER, let_frequency=p.COUNT, let_relation=p.RELATION
)(letter_frequency)


@CATALOGUE.instruction("count:counting_composition", n_sent=p.POSITION, n_words=p.POSITION)
def counting_composition(text: str, n_sent: int, n_words: int) -> bool:
    """Three paragraphs between ``***`` (or ``* * *``), each of `n_sent` sentences of `n_words` words."""
    parts = divided(text, _SPACED_STARS)
    if parts is None or len(parts) != 3:
        return False
    found = [sentences(part) for part in parts]
    return all(
        len(paragraph) == n_sent and all(len(_cores(sentence)) == n_words for sentence in paragraph)
        for paragraph in found
    )


@CATALOGUE.instruction("count:count_unique")
def count_unique(text: str) -> bool:
    """No word occurs twice, ignoring case; punctuation is no word."""
    found = _cores(text)
    return len(found) == len(set(found))


@CATALOGUE.instruction("count:count_increment_word", keyword1=p.WORD, keyword2=p.WORD)
def count_increment_word(text: str, keyword1: str, keyword2: str) -> bool:
    """The first keyword occurs exactly once and the second exactly twice, ignoring case, also inside words."""
    return occurrences(text, keyword1) == 1 and occurrences(text, keyword2) == 2


# --- layout and punctuation ---


@CATALOGUE.instruction("paragraphs:paragraphs")
def two_paragraphs(text: str) -> bool:
    """There are exactly 2 parts between ``***`` dividers; a blank one may stand only at an end."""
    parts = divided(text, STARS)
    return parts is not None and len(parts) == 2


@CATALOGUE.instruction("paragraphs:paragraphs2")
def two_spaced_paragraphs(text: str) -> bool:
    """There are exactly 2 parts between blank lines; a blank one may stand only at an end."""
    parts = divided(text, _BLANK_LINE)
    return parts is not None and len(parts) == 2


@CATALOGUE.instruction("detectable_format:sentence_hyphens")
def sentence_hyphens(text: str) -> bool:
    """Sentences are joined by hyphens without blanks: "One.-Two." rather than "One. Two." or "One. - Two."."""
    return len(sentences(text)) == 1 and _LOOSE_JOIN.search(text) is None


@CATALOGUE.instruction("detectable_format:square_brackets")
def square_brackets(text: str) -> bool:
    """Every word stands in square brackets of its own."""
    return all(word.startswith("[") and word.endswith("]") for word in text.split())


@CATALOGUE.instruction("detectable_format:bigram_wrapping")
def bigram_wrapping(text: str) -> bool:
    """The words go in pairs, each wrapped like ``<<I am>>``; an odd last word may stand alone."""
    found = text.split()
    pairs = list(zip(found[::2], found[1::2], strict=False))
    return bool(pairs) and all(a.startswith("<<") and b.endswith(">>") for a, b in pairs)


@CATALOGUE.instruction("punctuation:punctuation_dot")
def no_dot(text: str) -> bool:
    """There is no period."""
    return "." not in text


@CATALOGUE.instruction("punctuation:punctuation_exclamation")
def no_exclamation(text: str) -> bool:
    """There is no exclamation mark."""
    return "!" not in text
