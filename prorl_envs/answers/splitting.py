"""Cutting a token list at what stands outside all brackets, and telling names from values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from prorl_envs.answers.lexer import FUNCTIONS, Token

__all__ = [
    "COMPARISONS",
    "closes_all",
    "cut",
    "depths",
    "is_name",
    "is_word",
    "spelled",
    "ungrouped",
    "word_list",
]

_OPENERS = frozenset({"(", "[", "{", "\\{"})
_CLOSERS = frozenset({")", "]", "}", "\\}"})
_OPENING = frozenset({"langle", "lfloor", "lceil", "begin"})
_CLOSING = frozenset({"rangle", "rfloor", "rceil", "end"})
COMPARISONS = {
    "=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "approx": "~", "sim": "~", "simeq": "~",
    "equiv": "==", "in": "in", "notin": "notin", "leftrightarrow": "iff", "Rightarrow": "=>", "to": "->",
}  # fmt: skip
_WORD = re.compile(r"[a-z']++")
_TARGETS = frozenset(
    {"int", "lim", "sum", "prod", "angle", "max", "min", "overline", "vert", "det", "gcd", "lcm"}
)


def depths(tokens: Sequence[Token]) -> list[int]:
    """The bracket depth at each token; both brackets of a pair count as inside it."""
    depth, found = 0, []
    for token in tokens:
        opens = (token.kind == "op" and token.text in _OPENERS) or (
            token.kind == "cmd" and token.text in _OPENING
        )
        closes = (token.kind == "op" and token.text in _CLOSERS) or (
            token.kind == "cmd" and token.text in _CLOSING
        )
        depth += opens
        found.append(depth)
        depth = max(0, depth - closes)
    return found


def cut(tokens: Sequence[Token], at: Callable[[Token], bool]) -> tuple[list[list[Token]], list[Token]]:
    """The parts between the outermost tokens for which `at` holds, and those tokens."""
    parts: list[list[Token]] = [[]]
    marks: list[Token] = []
    for token, depth in zip(tokens, depths(tokens), strict=True):
        if depth == 0 and at(token):
            marks.append(token)
            parts.append([])
        else:
            parts[-1].append(token)
    return parts, marks


def closes_all(tokens: Sequence[Token]) -> bool:
    """Whether the first token opens a bracket that only the last one closes."""
    found = depths(tokens)
    return (
        len(tokens) > 1
        and min(found) >= 1
        and not any(
            depth == 1 and _closes(token) for token, depth in list(zip(tokens, found, strict=True))[:-1]
        )
    )


def _closes(token: Token) -> bool:
    return token.text in (_CLOSERS if token.kind == "op" else _CLOSING if token.kind == "cmd" else ())


def is_word(token: Token, *words: str) -> bool:
    """Whether the token is a text of exactly one of `words`."""
    return token.kind == "text" and token.text.strip().lower().strip(" ,.") in words


def word_list(tokens: Sequence[Token]) -> list[str]:
    """All words of the text tokens, lower case."""
    return [word for token in tokens if token.kind == "text" for word in _WORD.findall(token.text.lower())]


def spelled(tokens: Sequence[Token]) -> str:
    """The tokens' spelling without blanks and braces: the canonical form of a name."""
    return "".join(t.text.replace(" ", "") for t in tokens if not (t.kind == "op" and t.text in "{}"))


def ungrouped(inside: Sequence[Token]) -> Sequence[Token]:
    """The inside of ``(12,102)``: between brackets the one comma parts two numbers, it does not group digits."""
    if any(t.text in (",", ";") for t in inside):
        return inside
    found: list[Token] = []
    for token in inside:
        first, comma, second = token.text.partition(",")
        if token.kind == "num" and comma and "," not in second:
            found += [Token("num", first, token.spaced), Token("op", ","), Token("num", second)]
        else:
            found.append(token)
    return found


def is_name(tokens: Sequence[Token]) -> bool:
    """Whether the tokens can be what an answer is the value *of*: ``x``, ``f(2)``, ``|AB|``, ``a + b``, ``P(A)``.

    A number standing for itself (``x - 2``, ``8``, ``2x``) makes it an equation instead.
    """
    kept = [t for t in _without_indices(tokens) if t.kind != "text"]
    if not kept:
        return any(t.kind == "text" for t in tokens)
    if kept[0].kind == "cmd" and kept[0].text in _TARGETS:
        return True
    if kept[0].kind == "op" and kept[0].text in "+-":
        return False
    letters = {
        t.text for t in kept if t.kind == "let" or (t.kind == "cmd" and t.text.islower() and len(t.text) > 2)
    }
    functions = any(t.kind == "cmd" and t.text in FUNCTIONS for t in kept)
    for place, token in enumerate(kept):
        raised = (len(letters) > 1 or functions) and _is_exponent(kept, place)
        if token.kind == "num" and not raised:
            return False
    return bool(letters) and not any(t.text in ("!", "%") for t in kept if t.kind == "op")


def _is_exponent(tokens: Sequence[Token], place: int) -> bool:
    before = "".join(t.text for t in tokens[max(0, place - 2) : place])
    return before.endswith(("^", "^{"))


def _without_indices(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without subscripts and without the arguments of functions."""
    kept: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        before = kept[-1] if kept else None
        follows_name = before is not None and (before.kind == "let" or before.text in ("'", "}"))
        if token.kind == "op" and token.text == "_":
            place = _skip(tokens, place + 1)
        elif token.kind == "op" and token.text == "(" and (follows_name or _inverse(kept)):
            del kept[len(kept) - 5 * _inverse(kept) :]
            place = _skip(tokens, place)
        else:
            kept.append(token)
            place += 1
    return kept


def _inverse(kept: Sequence[Token]) -> bool:
    """``f^{-1}`` before its argument."""
    return len(kept) >= 6 and "".join(t.text for t in kept[-5:]).endswith("^{-1}")


def _skip(tokens: Sequence[Token], place: int) -> int:
    """The place behind the group or the single token at `place`."""
    if place >= len(tokens) or tokens[place].text not in _OPENERS:
        return place + 1
    depth = 0
    for end in range(place, len(tokens)):
        text = tokens[end].text
        depth += (text in _OPENERS) - (text in _CLOSERS)
        if depth == 0:
            return end + 1
    return len(tokens)
