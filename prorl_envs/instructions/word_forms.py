"""Two judgements about single English words that IFBench asks for: is it a verb, how many syllables has it.

The published checkers use a statistical tagger and a pronunciation table, which both need data files. Here a
list of verbs with the regular rules of inflection, and the usual spelling rules for syllables, stand in;
``docs/instructions.md`` says how often they differ.
"""

from __future__ import annotations

import re

from prorl_envs.instructions.lexicon import IRREGULAR_VERB_FORMS, SYLLABLES, VERBS

__all__ = ["is_verb", "syllables"]

_LONGEST = 40
_NUCLEUS = re.compile(r"[aeiouy]+")
_SUFFIX = re.compile(r"(?<=.[^aeiou]e)(?:ly|ments?|ful|fully|less|ness|thing|one|where|body|ty|times|fore)\Z")

# Spelling to sound. A hyphen parts vowels that sound apart; what falls silent is cut.
_SPELLING = [
    (re.compile(r"\Ay(?=[aeiou])|(?<=[aeiou])y(?=[aeiou])"), "-"),  # year, layer
    (re.compile(r"(?<=[^aeiou])y(?=[aeiou])"), "y-"),  # trying
    (re.compile(r"(?<=[gq])ue(?=s?\Z)"), ""),  # unique, leagues
    (re.compile(r"(?<=[gq])u(?=[aeio])"), "w"),  # language, quality
    (re.compile(r"(?<=[^aeiouylr])[lr]e(?=s?\Z)"), "-e"),  # table, centres
    (re.compile(r"(?<=[^aeiousxzcgh-])e(?=s\Z)|(?<=[^cs]h)e(?=s\Z)"), ""),  # makes, not changes
    (re.compile(r"(?<=[^aeioutd-])e(?=d\Z)"), ""),  # called, not wanted
    (re.compile(r"(?<=[^aeiou-])e\Z"), ""),  # make
    (re.compile(r"(?<=[aeiou])(?=ing)"), "-"),  # being, going
    (re.compile(r"(?<![tcgsx])i(?=ous)|(?<![tcgsxln])i(?=on)|i(?=o(?!u|n))"), "i-"),  # various, period
    (re.compile(r"(?<![tcs])i(?=a(?!ge))|(?<=[ct])i(?=at)"), "i-"),  # media, initiate
    (
        re.compile(
            r"\Asci(?=e)|(?<![cst])i(?=en[ct]|et|eth\Z)|i(?=ety\Z)|(?<=[^aeiou][^aeiou])i(?=(?:er|est)\Z)"
        ),
        r"\g<0>-",
    ),
    (
        re.compile(
            r"(?<!g)e(?=o(?!u|n\Z|us))|(?<=cr)e(?=at(?!u))|(?<=\Ar)e(?=al(?!m))|(?<=[a-z][^aeiou])e(?=a\Z)"
        ),
        "e-",
    ),
    (re.compile(r"a(?=o)|(?<=p)o(?=e[mt])|e(?=um)|u(?=a(?!r[dt])|ou|e[nl]|it[iy])"), r"\g<0>-"),
    (re.compile(r"(?<=[s])m(?=s?\Z)|(?<=th)m(?=s?\Z)"), "em"),  # prism, rhythm
]


def is_verb(word: str) -> bool:
    """Whether `word` can be a verb: in the list, a regular -s, -ed or -ing form of one in it, or irregular."""
    low = word.lower()
    if low in VERBS or low in IRREGULAR_VERB_FORMS:
        return True
    return any(stem in VERBS for stem in _stems(low))


def syllables(word: str) -> int:
    """The number of syllables by spelling: vowels that sound apart; at least 1. Longer words are cut at 40."""
    low = word.lower()[:_LONGEST]
    if low in SYLLABLES:
        return SYLLABLES[low]
    if suffix := _SUFFIX.search(low):  # statement, something: the e before it is silent
        return syllables(low[: suffix.start()]) + syllables(suffix.group())
    for pattern, sound in _SPELLING:
        low = pattern.sub(sound, low)
    return max(len(_NUCLEUS.findall(low)), 1)


def _stems(word: str) -> list[str]:
    """What `word` could be a regular form of."""
    stems: list[str] = []
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            stems += [stem, f"{stem}e"]
            if stem.endswith("i"):
                stems.append(f"{stem[:-1]}y")
            if ending in ("ing", "ed") and stem[-1:] == stem[-2:-1]:
                stems.append(stem[:-1])
    return stems
