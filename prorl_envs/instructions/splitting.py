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
_AFTER_MARK = r")\";}\]*:@'({\[!?"
_INNER_MARK = re.compile(rf"[.?!](?=[{_AFTER_MARK}])")
_CLOSERS = re.compile(r"[\"')\]}]++(?:\s++|(?=--)|$)", re.MULTILINE)
_PIECE = re.compile(
    rf"""-{{2,}} | \.{{2,}}
    | [^\s("`{{\[:;&\#*@)}}\]\-,] (?: (?![{_AFTER_MARK}] | --|\.\. | ,(?:$|[{_AFTER_MARK}]|--|\.\.)) \S )*+
    | \S""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?[.,]?\d[\d,.-]*+")
_INITIAL = re.compile(r"[^\W\d]\.")

# Tokens. These stand alone wherever they occur.
_ALONE = re.escape('[](){}<>;@#$%&?!*"`«»“”„‘’')
_TOKEN = re.compile(rf"\.{{2,}}|--|[{_ALONE}]|[:,](?!\d)|(?:(?!--|\.\.)[^\s{_ALONE}:,]|[:,](?=\d))++|\S")
_CLITIC = re.compile(r"(?:n't|'(?:ll|re|ve|s|m|d)?)\Z", re.IGNORECASE)
_FUSED = {"cannot": 3, "gimme": 3, "gonna": 3, "gotta": 3, "lemme": 3, "wanna": 3, "'tis": 2, "'twas": 2}
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
    found: list[str] = []
    start = 0
    for boundary in [*_boundaries(text), len(text)]:
        closers = _CLOSERS.match(text, start) if found else None
        if closers and closers.end() <= boundary:
            found[-1] += closers.group().rstrip()
            start = closers.end()
        if sentence := text[start:boundary].strip():
            found.append(sentence)
        start = boundary
    return found


def tokens(text: str) -> list[str]:
    """Treebank-style tokens: punctuation apart from words, ``don't`` as ``do`` and ``n't``."""
    return [token for sentence in sentences(text) for token in _tokens_of(sentence)]


def _boundaries(text: str) -> Iterator[int]:
    """Where the sentences after the first begin: at most once for each piece between white space."""
    for chunk, following in pairwise([*_CHUNK.finditer(text), None]):
        if chunk is None:
            return
        body = chunk.group()
        if following is not None and body[-1] in ".?!":
            if _ends_sentence(body, following.group()):
                yield following.start()
            continue
        for mark in reversed([*_INNER_MARK.finditer(body)]):
            if _ends_sentence(body[: mark.end()], body[mark.end()]):
                yield chunk.start() + mark.end()
            break


def _ends_sentence(body: str, following: str) -> bool:
    """Whether a sentence ends in `body`, which stands directly before the text `following`."""
    after = _PIECE.match(following)
    pieces = [*_PIECE.findall(body), after.group() if after else ""]
    return any(_is_end(piece, next_piece) for piece, next_piece in pairwise(pieces))


def _is_end(piece: str, following: str) -> bool:
    if piece in {".", "?", "!"}:
        return True
    if not piece.endswith("."):
        return False
    starts = following[:1].isupper() and following.lower().rstrip(".") in SENTENCE_STARTERS
    if _INITIAL.fullmatch(piece):
        return starts
    stem = piece[:-1].lower()
    if piece.endswith("..") or stem in ABBREVIATIONS or stem.rpartition("-")[2] in ABBREVIATIONS:
        return starts
    return not (_NUMBER.fullmatch(piece) and following[:1].islower())


def _tokens_of(sentence: str) -> Iterator[str]:
    raw: list[str] = _TOKEN.findall(sentence)
    last = next((i for i in range(len(raw) - 1, -1, -1) if raw[i] not in _CLOSING), -1)
    for index, token in enumerate(raw):
        final = index == last and len(token) > 1 and token[-1] == "." and token[-2] != "."
        yield from _split_clitic(token[:-1] if final else token)
        if final:
            yield "."


def _split_clitic(token: str) -> Iterator[str]:
    cut = _FUSED.get(token.lower(), 0)
    if not cut and (clitic := _CLITIC.search(token)):
        cut = clitic.start()
    if cut:
        yield token[:cut]
    yield token[cut:]
