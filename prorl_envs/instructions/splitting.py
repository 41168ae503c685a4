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

__all__ = ["bare_words", "divided", "sentences", "tokens", "tokens_of", "without_punctuation", "words"]

_WORD = re.compile(r"\w+")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

# Sentences. A mark that ends a sentence can stand before one of these rather than before white space.
_MARKS = ".?!"
_AFTER_MARK = ")\";}]*:@'({[!?‘’“”«»"
_CLASS = re.escape(_AFTER_MARK)
_LAST_INNER_MARK = re.compile(rf".*[.?!](?=[{_CLASS}])", re.DOTALL)
_CLOSERS = re.compile(r"[\"')\]}‘’“”«»]++(?=--|\Z)")
_PIECE = re.compile(
    rf"""-{{2,}} | \.{{2,}}
    | [^\s("`{{\[:;&\#*@)}}\]\-,] (?: (?![{_CLASS}] | --|\.\. | ,(?:$|[{_CLASS}]|--|\.\.)) \S )*+
    | \S""",
    re.VERBOSE,
)
_LABEL = re.compile(r"[^\W\d]\.|-?[.,]?\d[\d,.-]*+")  # "B." or "12."

# Tokens. Some marks stand alone wherever they occur, a period where only closing marks follow in its sentence.
_ALONE = re.escape('[](){}<>;@#$%&?!*"«»“”„‘’—–')
_TOKEN = re.compile(
    rf"""(?: [^\s{_ALONE}:,`.\-]++ | -(?!-) | \.(?!\.|[\])}}>"'»”’\ ]*+(?:\n|\Z)) | [:,](?=\d) )++
    | [{_ALONE}:,] | \.{{2,}} | -- | `+ | \S""",
    re.VERBOSE,
)
_CLITIC = re.compile(r"(?:n't|'(?:ll|re|ve|s|m|d)?)\Z", re.IGNORECASE)
_OPENING_QUOTE = re.compile(r"'(?!(?:ll|re|ve|s|m|d|t|n)\b)(?=\w)", re.IGNORECASE)
_FUSED_LETTERS = ("annot", "onna", "anna", "otta", "imme", "emme")
_FUSED = re.compile(r"\b(?:can(?=not\b)|(?:gon|wan)(?=na\b)|got(?=ta\b)|(?:gim|lem)(?=me\b))", re.IGNORECASE)


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
    """The sentences of `text`, in order, white space between words made single blanks.

    A sentence ends at a question or exclamation mark, or at a period that closes no abbreviation, initial or
    ellipsis, when closing punctuation or white space follows. Closing quotes and brackets stay with the
    sentence they close. Line breaks alone end nothing; the number of a list item ("1.") is a sentence.
    """
    found: list[str] = []
    current: list[str] = []
    decided: dict[tuple[str, str], list[str]] = {}
    fresh = False  # whether a sentence has just ended
    for pair in pairwise([*text.split(), ""]):
        body = pair[0]
        if fresh and _CLOSERS.fullmatch(body):
            found[-1] += f" {body}"
            fresh = False
            continue
        if "." not in body and "?" not in body and "!" not in body:
            current.append(body)
            fresh = False
            continue
        parts = decided.get(pair)
        if parts is None:
            parts = decided[pair] = _cut(*pair)
        for part in parts[:-1]:
            current.append(part)
            found.append(" ".join(current))
            current = []
        fresh = not parts[-1] and parts[-2][-1] in _MARKS
        if parts[-1]:
            current.append(parts[-1])
    return [*found, " ".join(current)] if current else found


def tokens(text: str) -> list[str]:
    """Treebank-style tokens: punctuation apart from words, ``don't`` as ``do`` and ``n't``."""
    return tokens_of(sentences(text))


def tokens_of(spoken: list[str]) -> list[str]:
    """The tokens of sentences that `sentences` returned."""
    joined = "\n".join(spoken)
    if any(letters in joined.lower() for letters in _FUSED_LETTERS):
        joined = _FUSED.sub(r"\g<0> ", joined)
    found: list[str] = _TOKEN.findall(joined)
    if "'" not in joined:
        return found
    return [
        part
        for token in found
        for part in (_split_clitic(token) if len(token) > 1 and "'" in token else (token,))
    ]


def _cut(body: str, following: str) -> list[str]:
    """The parts of a piece between white space; a sentence ends after each of them but the last.

    Of the marks in one piece only the last is looked at (and the first, if the piece starts with it), as in
    Punkt: "Really?!" ends one sentence. An empty last part means that a sentence ends with the piece.
    """
    cuts = [1] if body[0] in _MARKS and len(body) > 1 and body[1] in _AFTER_MARK else []
    if body[-1] in _MARKS and following:
        ends = _ends_sentence(body, following)
        if not cuts:
            return [body, ""] if ends else [body]
        cuts += [len(body)] if ends else []
    elif inner := _LAST_INNER_MARK.match(body):
        end = inner.end()
        cuts += [end] if end > 1 and _ends_sentence(body[:end], body[end]) else []
    parts = [body[start:end] for start, end in pairwise([0, *cuts, len(body)])]
    if cuts and (closers := _CLOSERS.match(parts[-1])):
        parts[-2] += closers.group()
        parts[-1] = parts[-1][closers.end() :]
    return parts


def _ends_sentence(body: str, following: str) -> bool:
    """Whether a sentence ends in `body`, which stands directly before the piece `following`.

    Like Punkt, this looks at both pieces together: a mark inside `following` decides too.
    """
    if body[-1] in "?!":
        return True
    if body[:-1].isalnum() and following.rstrip(".").isalnum():  # the usual case: plain words
        return _is_end(body, following)
    pieces, after = _PIECE.findall(body), _PIECE.findall(following)
    if _is_end(pieces[-1], after[0]):
        return True
    if len(pieces) + len(after) == 2:
        return False
    return any(_is_end(*pair) for pair in {*pairwise(pieces), *pairwise(after)})


def _is_end(piece: str, following: str) -> bool:
    """Whether a sentence ends with `piece`, a word with its period or a single mark, before `following`."""
    if piece in {".", "?", "!"}:
        return True
    if not piece.endswith("."):
        return False
    abbreviated = piece[:-1].lower().rpartition("-")[2] in ABBREVIATIONS
    if _LABEL.fullmatch(piece):
        return not abbreviated and not following[:1].islower()
    if abbreviated or piece.endswith(".."):
        return following[:1].isupper() and following.lower() in SENTENCE_STARTERS
    return True


def _split_clitic(token: str) -> Iterator[str]:
    if _OPENING_QUOTE.match(token):
        yield "'"
        token = token[1:]
    clitic = _CLITIC.search(token)
    if clitic and clitic.start():
        yield token[: clitic.start()]
        yield clitic.group()
    else:
        yield token
