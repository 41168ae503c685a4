"""Words, tokens, sentences and paragraphs of a text, without NLTK and its downloads.

The published checkers count words as runs of word characters, sentences with NLTK's pre-trained Punkt model
and, for a few instructions, Penn Treebank tokens. `words` is the first exactly. `sentences` and `tokens` are
written after the published descriptions (Kiss and Strunk 2006; the Treebank tokenization conventions), with
word lists in place of Punkt's trained statistics; ``docs/instructions.md`` says where they can differ.

Every function takes time linear in the text and never raises.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import pairwise

from prorl_envs.instructions.lexicon import ABBREVIATIONS, SENTENCE_STARTERS

__all__ = ["bare_words", "divided", "sentences", "tokens", "without_punctuation", "words"]

_WORD = re.compile(r"\w+")
_CHUNK = re.compile(r"\S+")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

# Sentences. A mark that ends a sentence can stand before one of these rather than before white space.
_MARKS = ".?!"
_AFTER_MARK = ")\";}]*:@'({[!?‘’“”«»"
_CLASS = re.escape(_AFTER_MARK)
_INNER_MARK = re.compile(rf"[.?!](?=[{_CLASS}])")
_CLOSERS = re.compile(r"[\"')\]}‘’“”«»]++(?:\s++|(?=--)|$)", re.MULTILINE)
_PIECE = re.compile(
    rf"""-{{2,}} | \.{{2,}}
    | [^\s("`{{\[:;&\#*@)}}\]\-,] (?: (?![{_CLASS}] | --|\.\. | ,(?:$|[{_CLASS}]|--|\.\.)) \S )*+
    | \S""",
    re.VERBOSE,
)
_LABEL = re.compile(r"[^\W\d]\.|-?[.,]?\d[\d,.-]*+")  # "B." or "12."

# Tokens. These stand alone wherever they occur.
_ALONE = re.escape('[](){}<>;@#$%&?!*"`«»“”„‘’—–')
_TOKEN = re.compile(rf"\.{{2,}}|--|`+|[{_ALONE}]|[:,](?!\d)|(?:(?!--|\.\.)[^\s{_ALONE}:,`]|[:,](?=\d))++|\S")
_CLITIC = re.compile(r"(?:n't|'(?:ll|re|ve|s|m|d)?)\Z", re.IGNORECASE)
_OPENING_QUOTE = re.compile(r"'(?!(?:ll|re|ve|s|m|d|t|n)\b)(?=\w)", re.IGNORECASE)
_FUSED = {"cannot": 3, "gimme": 3, "gonna": 3, "gotta": 3, "lemme": 3, "wanna": 3}
_CLOSING = frozenset("])}>\"'»”’")


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores: what "number of words" counts in IFEval."""
    return _WORD.findall(text)


def bare_words(text: str) -> list[str]:
    """The pieces between white space, without the ASCII punctuation around them; empty ones are left out."""
    stripped = (piece.strip(string.punctuation) for piece in text.split())
    return [word for word in stripped if word]


def without_punctuation(text: str) -> str:
    """The text with every ASCII punctuation mark deleted."""
    return text.translate(_NO_PUNCTUATION)


def divided(text: str, divider: re.Pattern[str]) -> list[str] | None:
    """The parts between dividers; blank ones at either end are left out, one in the middle makes it None."""
    parts = divider.split(text)
    if any(not part.strip() for part in parts[1:-1]):
        return None
    return [part for part in parts if part.strip()]


def sentences(text: str) -> list[str]:
    """The sentences of `text`, stripped, in order.

    A sentence ends at a question or exclamation mark, or at a period that closes no abbreviation, initial or
    ellipsis, when closing punctuation or white space follows. Closing quotes and brackets stay with the
    sentence they close. Line breaks alone end nothing; the number of a list item ("1.") is a sentence.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for boundary in [*_boundaries(text), len(text)]:
        closers = _CLOSERS.match(text, start, boundary) if spans else None
        if closers:
            spans[-1] = (spans[-1][0], start + len(closers.group().rstrip()))
            start = closers.end()
        if start < boundary:
            spans.append((start, boundary))
        start = boundary
    return [sentence for start, end in spans if (sentence := text[start:end].strip())]


def tokens(text: str) -> list[str]:
    """Treebank-style tokens: punctuation apart from words, ``don't`` as ``do`` and ``n't``."""
    return [token for sentence in sentences(text) for token in _tokens_of(sentence)]


def _boundaries(text: str) -> Iterator[int]:
    """Where the sentences after the first begin.

    Of the marks in one piece between white space only the last is looked at (and the first, if the piece starts
    with it), as in Punkt: "Really?!" ends one sentence.
    """
    for chunk, following in pairwise([*_CHUNK.finditer(text), None]):
        if chunk is None:
            return
        body, start = chunk.group(), chunk.start()
        if body[0] in _MARKS and body[1:2] and body[1] in _AFTER_MARK:
            yield start + 1
        if following is not None and body[-1] in _MARKS:
            if _ends_sentence(body, following.group()):
                yield following.start()
        elif (inner := _last_inner_mark(body)) > 1 and _ends_sentence(body[:inner], body[inner]):
            yield start + inner


def _last_inner_mark(body: str) -> int:
    """The end of the last mark in `body` that closing punctuation follows; 0 if there is none."""
    return max((mark.end() for mark in _INNER_MARK.finditer(body)), default=0)


def _ends_sentence(body: str, following: str) -> bool:
    """Whether a sentence ends in `body`, which stands directly before the piece `following`.

    Like Punkt, this looks at both pieces together: a mark inside `following` decides too.
    """
    return any(_is_end(piece, after) for piece, after in pairwise(_PIECE.findall(f"{body} {following}")))


def _is_end(piece: str, following: str) -> bool:
    if piece in {".", "?", "!"}:
        return True
    if not piece.endswith("."):
        return False
    stem = piece[:-1].lower()
    abbreviated = stem in ABBREVIATIONS or stem.rpartition("-")[2] in ABBREVIATIONS
    if _LABEL.fullmatch(piece):
        return not abbreviated and not following[:1].islower()
    if abbreviated or piece.endswith(".."):
        return following[:1].isupper() and following.lower() in SENTENCE_STARTERS
    return True


def _tokens_of(sentence: str) -> Iterator[str]:
    raw: list[str] = _TOKEN.findall(sentence)
    last = next((i for i in range(len(raw) - 1, -1, -1) if raw[i] not in _CLOSING), -1)
    for index, token in enumerate(raw):
        final = index == last and len(token) > 1 and token[-1] == "." and token[-2] != "."
        yield from _split_clitic(token[:-1] if final else token)
        if final:
            yield "."


def _split_clitic(token: str) -> Iterator[str]:
    if _OPENING_QUOTE.match(token):
        yield "'"
        token = token[1:]
    cut = _FUSED.get(token.lower(), 0)
    if not cut and (clitic := _CLITIC.search(token)):
        cut = clitic.start()
    if cut:
        yield token[:cut]
    yield token[cut:]
