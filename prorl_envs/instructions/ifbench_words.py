"""IFBench's instructions about words: ``words:*`` and ``count:*`` (Pyatkin et al. 2025, arXiv 2507.02833)."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import islice, pairwise

from prorl_envs.instructions import params as p
from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.lexicon import CONJUNCTIONS, PERSON_NAMES, PRONOUNS
from prorl_envs.instructions.splitting import (
    bare_words,
    sentences,
    tokens,
    tokens_of,
    without_punctuation,
    words,
)
from prorl_envs.instructions.word_forms import is_verb, syllables

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue("ifbench")

_CLUSTER = re.compile(r"[b-df-hj-np-tv-z]{2}")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_PRIMES = frozenset(n for n in range(2, 100) if all(n % d for d in range(2, n)))
_KEYWORD_COUNTS = (1, 2, 3, 5, 7)


def _plain_words(text: str) -> list[str]:
    """The words between white space, lower-case, with every punctuation mark deleted."""
    return without_punctuation(text).lower().split()


# --- count:* ---


@CATALOGUE.instruction("count:word_count_range", min_words=p.COUNT, max_words=p.COUNT)
def word_count_range(text: str, min_words: int, max_words: int) -> bool:
    """There are from `min_words` to `max_words` words."""
    return min_words <= len(words(text)) <= max_words


@CATALOGUE.instruction("count:unique_word_count", N=p.COUNT)
def unique_word_count(text: str, N: int) -> bool:
    """There are at least N different words, ignoring case and the punctuation around them."""
    return len(set(bare_words(text.lower()))) >= N


@CATALOGUE.instruction("count:conjunctions", small_n=p.COUNT)
def conjunctions(text: str, small_n: int) -> bool:
    """At least `small_n` different ones of the seven coordinating conjunctions occur."""
    return len(CONJUNCTIONS & set(bare_words(text.lower()))) >= small_n


@CATALOGUE.instruction("count:person_names", N=p.COUNT)
def person_names(text: str, N: int) -> bool:
    """At least N different names of the list in the prompt occur as whole words (case matters)."""
    return len(set(words(text)) & set(PERSON_NAMES)) >= N


@CATALOGUE.instruction("count:numbers", N=p.COUNT)
def numbers(text: str, N: int) -> bool:
    """There are exactly N numbers: runs of digits, once punctuation is deleted ("1,000.5" is one)."""
    return len(re.findall(r"\d++", without_punctuation(text))) == N


@CATALOGUE.instruction("count:punctuation")
def all_punctuation(text: str) -> bool:
    """An interrobang (?!, !? or ‽) occurs and, apart from one, each of the marks . , ! ? ; and :."""
    if not any(mark in text for mark in ("?!", "!?", "‽")):
        return False
    mark = "?!" if "?!" in text else "!?"
    return set(".,!?;:") <= set(text.replace(mark, "", 1))


@CATALOGUE.instruction("count:pronouns", N=p.COUNT)
def pronouns(text: str, N: int) -> bool:
    """At least N words are pronouns: personal, possessive, reflexive, relative, demonstrative or indefinite."""
    return sum(token in PRONOUNS for token in tokens(text.replace("/", " ").lower())) >= N


@CATALOGUE.instruction("count:words_japanese", N=p.POSITION)
def words_japanese(text: str, N: int) -> bool:
    """Every Nth word contains kana or kanji; numbers and punctuation in its place are let pass."""
    nth = (word.strip(string.punctuation) for word in text.split()[N - 1 :: N])
    return all(_JAPANESE.search(word) for word in nth if word and not word.isdigit())


@CATALOGUE.instruction(
    "count:keywords_multiple",
    keyword1=p.WORD,
    keyword2=p.WORD,
    keyword3=p.WORD,
    keyword4=p.WORD,
    keyword5=p.WORD,
)
def keywords_multiple(text: str, **keywords: str) -> bool:
    """The five keywords occur exactly 1, 2, 3, 5 and 7 times, ignoring case, also inside longer words."""
    low = text.lower()
    wanted = (keywords[f"keyword{place}"].lower() for place in range(1, 6))
    return all(low.count(keyword) == count for keyword, count in zip(wanted, _KEYWORD_COUNTS, strict=True))


# --- words:* ---


@CATALOGUE.instruction("words:alphabet")
def alphabet(text: str) -> bool:
    """Each word starts with the letter after the one the word before started with; A follows Z."""
    initials = [word[0] for word in _plain_words(text)]
    if not initials or initials[0] not in string.ascii_lowercase:
        return False
    first = ord(initials[0]) - ord("a")
    return all(letter == chr(ord("a") + (first + i) % 26) for i, letter in enumerate(initials))


@CATALOGUE.instruction("words:vowel")
def few_vowels(text: str) -> bool:
    """The text is one line and uses at most three of the vowels a, e, i, o, u."""
    body = text.strip().lower()
    return "\n" not in body and len(set(body) & set("aeiou")) <= 3


@CATALOGUE.instruction("words:consonants")
def consonant_clusters(text: str) -> bool:
    """Every word has two consonants in a row; y is a consonant."""
    return all(_CLUSTER.search(word) for word in text.lower().split())


@CATALOGUE.instruction("words:palindrome")
def ten_palindromes(text: str) -> bool:
    """At least ten words, of at least five characters, read the same backwards, ignoring case."""
    found = (word for word in _plain_words(text) if len(word) >= 5 and word == word[::-1])
    return sum(1 for _ in found) >= 10


@CATALOGUE.instruction("words:prime_lengths")
def prime_lengths(text: str) -> bool:
    """The length of every word, without punctuation, is a prime below 100."""
    found = _plain_words(text)
    return bool(found) and all(len(word) in _PRIMES for word in found)


@CATALOGUE.instruction("words:start_verb")
def starts_with_verb(text: str) -> bool:
    """The first word is a verb, by a list of verbs and their regular forms (see `word_forms`)."""
    first = tokens(text[:2000])[:1]
    return bool(first) and is_verb(first[0])


@CATALOGUE.instruction("words:repeats", small_n=p.COUNT)
def limited_repeats(text: str, small_n: int) -> bool:
    """No word occurs more than `small_n` times, ignoring case and punctuation."""
    return max(Counter(_plain_words(text)).values(), default=0) <= small_n


@CATALOGUE.instruction("words:odd_even_syllables")
def odd_even_syllables(text: str) -> bool:
    """Words with odd and even numbers of syllables alternate (see `word_forms.syllables`)."""
    return all((a - b) % 2 for a, b in pairwise(map(syllables, _plain_words(text))))


@CATALOGUE.instruction("words:last_first")
def last_first(text: str) -> bool:
    """The last word of each sentence is the first of the next, ignoring case and the punctuation around words."""
    edges = (bare_words(sentence.lower()) for sentence in sentences(text))
    return all(a and b and a[-1] == b[0] for a, b in pairwise(edges))


@CATALOGUE.instruction("words:paragraph_last_first")
def paragraph_last_first(text: str) -> bool:
    """Each line ends with the word it starts with, ignoring case and the punctuation around words."""
    return all(not found or found[0] == found[-1] for found in map(bare_words, text.lower().split("\n")))


@CATALOGUE.instruction("words:no_consecutive")
def no_consecutive_initials(text: str) -> bool:
    """No two neighbouring words start with the same letter, ignoring case and punctuation."""
    return all(a[0] != b[0] for a, b in pairwise(_plain_words(text)))


@CATALOGUE.instruction("words:keywords_specific_position", keyword=p.WORD, n=p.POSITION, m=p.POSITION)
def keyword_position(text: str, keyword: str, n: int, m: int) -> bool:
    """The m-th word of the n-th sentence is the keyword, ignoring case; punctuation is no word."""
    found = sentences(text)
    if n > len(found):
        return False
    spoken = (token for token in tokens_of([found[n - 1]]) if any(map(str.isalnum, token)))
    return next(islice(spoken, m - 1, None), "").lower() == keyword.lower()


@CATALOGUE.instruction("words:words_position", keyword=p.WORD)
def second_words(text: str, keyword: str) -> bool:
    """The second word and the second to last, not counting a closing mark, are the keyword, ignoring case."""
    found = tokens(text)
    if found and found[-1] in string.punctuation:
        found.pop()
    return len(found) > 1 and found[1].lower() == found[-2].lower() == keyword.lower()
