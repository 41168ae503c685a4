"""Words, tokens, sentences, syllables, verbs: what the checks count."""

from __future__ import annotations

import pytest

from prorl_envs.instructions.splitting import bare_words, sentences, tokens, words
from prorl_envs.instructions.word_forms import is_verb, syllables

SENTENCES = [
    ("", []),
    ("no mark", ["no mark"]),
    ("One. Two?  Three!", ["One.", "Two?", "Three!"]),
    ("Line\nbreaks end\nnothing", ["Line breaks end nothing"]),
    ("Dr. Fox met Mrs. Hare in the U.S. capital.", ["Dr. Fox met Mrs. Hare in the U.S. capital."]),
    ("He left the U.S. The rest stayed.", ["He left the U.S.", "The rest stayed."]),
    ("Michael J. Fox and George W. Bush", ["Michael J. Fox and George W. Bush"]),
    ("Well... then it rained.", ["Well... then it rained."]),
    ("Well... The rain came.", ["Well...", "The rain came."]),
    ("Really?! Yes.", ["Really?!", "Yes."]),
    ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
    ("(Truly.) She said “no.” Done.", ["(Truly.)", "She said “no.”", "Done."]),
    ("1. First\n2. Second", ["1.", "First 2.", "Second"]),
    ("In 2. place", ["In 2. place"]),
    ("Pi is 3.14 or so; see www.example.org for more.", ["Pi is 3.14 or so; see www.example.org for more."]),
    ("**Bold.** Next", ["**Bold.", "** Next"]),
    ("A. ) ) b", ["A. )", ") b"]),
]


@pytest.mark.parametrize(("text", "found"), SENTENCES)
def test_sentences(text: str, found: list[str]) -> None:
    assert sentences(text) == found


def test_no_word_is_lost_between_sentences() -> None:
    text = 'A. "B c!" (d?) e... F. ?! !?!? ." . g.)h "i'
    assert " ".join(sentences(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't stop, NASA.", ["Do", "n't", "stop", ",", "NASA", "."]),
        ("It's 1,000.5 a.m. now", ["It", "'s", "1,000.5", "a.m.", "now"]),
        ("'em and cannot", ["'", "em", "and", "can", "not"]),
        ("AT&T (U.S.)", ["AT", "&", "T", "(", "U.S", ".", ")"]),
        ("wait... no--yes", ["wait", "...", "no", "--", "yes"]),
    ],
)
def test_tokens(text: str, found: list[str]) -> None:
    assert tokens(text) == found


def test_words_and_bare_words() -> None:
    assert words("well-known don't x_1") == ["well", "known", "don", "t", "x_1"]
    assert bare_words('"well-known" -- don\'t!') == ["well-known", "don't"]


@pytest.mark.parametrize(
    ("count", "spelled"),
    [
        (1, "a the make strength called eyes friend please one"),
        (2, "table people wanted trying being poem unique language something chaos rhythm"),
        (3, "area family beautiful period various everything"),
        (4, "information education society variety initiate"),
    ],
)
def test_syllables(count: int, spelled: str) -> None:
    assert {word: syllables(word) for word in spelled.split()} == dict.fromkeys(spelled.split(), count)


def test_verbs() -> None:
    for word in ["Write", "running", "tries", "stopped", "made", "Begins"]:
        assert is_verb(word), word
    for word in ["the", "house", "quickly", "blue", "thing", "ing", "s"]:
        assert not is_verb(word), word
