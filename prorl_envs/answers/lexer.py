r"""Tokens of a cleaned answer (see `prorl_envs.answers.latex.clean`).

Kinds: ``num`` (12, 12.5, 1,000.99, 1.6e-19), ``let`` (one letter), ``cmd`` (a LaTeX command or a spelled-out
function, without its backslash), ``text`` (the content of ``\text{...}``), ``row`` (``\\``), and for every
other visible character a token of kind ``op``. Braces of ``\{`` are ``op`` tokens ``\{`` and ``\}``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from prorl_envs.answers.syntax import Unreadable, words

__all__ = ["FUNCTIONS", "Token", "tokenize"]

MAX_TOKENS = 4_000

FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "cosec": "csc", "tg": "tan",
    "ctg": "cot", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "asin": "asin",
    "arcctg": "acot", "acos": "acos", "atan": "atan", "arctg": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "sh": "sinh", "ch": "cosh", "coth": "coth", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "arsinh": "asinh", "arcosh": "acosh",
    "artanh": "atanh", "ln": "ln", "log": "log", "lg": "lg", "exp": "exp", "sqrt": "sqrt", "max": "max",
    "min": "min", "gcd": "gcd", "lcm": "lcm",
}  # fmt: skip
_COMMANDS = {
    **{name: name for name in FUNCTIONS},
    "pi": "pi",
    "infty": "infty",
    "infinity": "infty",
    "oo": "infty",
    "mod": "mod",
}
_LETTER_PAIRS = frozenset({"sh", "ch", "tg", "lg"})
"""Function names that are as often two letters side by side."""
_ENGLISH = words(
    "and or if for where when with all in is are the to of from any no not yes none true false odd even "
    "real each than then that such only set both does per let either neither about over under has can"
)
_UNITS = words(
    "cm mm km kg mg ml mL dm nm ft lb oz mph kph hr hrs min mins sec secs kPa kJ kW Hz eV AM PM am pm"
)
_GLUED_UNITS = words("cm mm km kg")
"""Units written right behind a number, as in 12cm; the others may be letters of a product (8mL^2)."""
_UNIT_LETTERS = frozenset("msghLlNJWKVAFT")

_NUMBER = r"(?:\d{1,3}(?:,\d{3}(?!\d))++(?!,\d)|\d++)(?:\.\d++)?(?:[eE][+-]?\d++(?![\d.]))?|\.\d++(?:[eE][+-]?\d++)?"
_TOKEN = re.compile(
    rf"(?P<space>\s++)|(?P<num>{_NUMBER})|(?P<text>\\text\s*+\{{)|(?P<cmd>\\[A-Za-z]++)|(?P<row>\\\\)"
    r"|(?P<esc>\\.)|(?P<word>[A-Za-z]++)|(?P<op><=|>=|!=|==|:=|\*\*|->|=>|.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """One token; `spaced` says whether white space stood before it."""

    kind: str
    text: str
    spaced: bool = False


_ASCII_OPS = {
    "<=": r"\le",
    ">=": r"\ge",
    "!=": r"\ne",
    "==": "=",
    ":=": "=",
    "**": "^",
    "->": r"\to",
    "=>": r"\to",
}


def tokenize(text: str) -> list[Token]:
    """The tokens of a cleaned text.

    Raises:
        Unreadable: more than `MAX_TOKENS`, or an unbalanced ``\\text{``.
    """
    tokens: list[Token] = []
    position, spaced = 0, False
    while match := _TOKEN.match(text, position):
        position, kind, piece = match.end(), match.lastgroup or "op", match.group()
        if kind == "space":
            spaced = True
            continue
        if kind == "text":
            end = _group_end(text, position)
            after_number = bool(tokens) and (tokens[-1].kind == "num" or tokens[-1].text in ("}", ")"))
            after_number = after_number or _divides_unit(tokens)
            tokens.extend(_text_tokens(text[position:end], spaced, after_number))
            position = end + 1
        elif kind == "word":
            tokens.extend(_word_tokens(piece, spaced, bool(tokens) and tokens[-1].kind == "num"))
        elif kind == "cmd":
            tokens.append(Token("cmd", piece[1:], spaced))
        elif kind in ("row", "num"):
            tokens.append(Token(kind, piece, spaced))
        else:
            piece = _ASCII_OPS.get(piece, piece)
            as_cmd = len(piece) > 1 and piece[0] == "\\" and piece[1].isalpha()
            tokens.append(Token("cmd", piece[1:], spaced) if as_cmd else Token("op", piece, spaced))
        spaced = False
        if len(tokens) > MAX_TOKENS:
            raise Unreadable("too long")
    return tokens


def _divides_unit(tokens: list[Token]) -> bool:
    """Whether a slash behind a unit came last, as in ``\\text{m} / \\text{s}``."""
    return len(tokens) > 1 and tokens[-1].text == "/" and tokens[-2].kind == "text"


def _group_end(text: str, position: int) -> int:
    depth = 1
    for end in range(position, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return end
    raise Unreadable("unbalanced text group")


def _text_tokens(content: str, spaced: bool, after_number: bool) -> list[Token]:
    r"""``\\text{...}``: letters and functions are mathematics set upright; the rest are words."""
    inner = content.strip()
    if not inner:
        return []
    name = inner.lstrip("\\")
    if name in _COMMANDS and name != "min":
        return [Token("cmd", _COMMANDS[name], spaced)]
    if len(inner) == 1 and inner.isalpha():
        is_unit = after_number and inner in _UNIT_LETTERS
        return [Token("text", inner, spaced) if is_unit else Token("let", inner, spaced)]
    if not _PROSE.search(inner) and _MATHS.search(inner) and not (after_number and inner[-1:].isalpha()):
        return [t._replace(spaced=spaced) if n == 0 else t for n, t in enumerate(tokenize(inner))]
    if counted := _COUNTED.fullmatch(inner):
        return [Token("num", counted[1], spaced), Token("text", counted[2], True)]
    if concluded := _CONCLUDED.fullmatch(inner):
        return [Token("text", concluded[1], spaced), Token("num", concluded[2], True)]
    head, _, last = inner.rpartition(" ")
    if last in ("and", "or") and head:
        return [Token("text", head.rstrip(" ,"), spaced), Token("text", last, True)]
    return [Token("text", content, spaced)]


_COUNTED = re.compile(r"(\d[\d,]*+(?:\.\d++)?)\s++([A-Za-z][A-Za-z ]*+)")
_CONCLUDED = re.compile(r"([A-Za-z ]{2,60}\b(?:is|are|equals))\s++(\d[\d,]*+(?:\.\d++)?)\.?")
_PROSE = re.compile(r"[A-Za-z]{2}|\\text")
_MATHS = re.compile(r"[\d,=+\-(){}/^<>|]")


def _is_unit(word: str, spaced: bool, after_number: bool) -> bool:
    noun = spaced and len(word) > 3 and word.islower() and bool(set(word) & set("aeiou"))
    return after_number and (noun or word in (_UNITS if spaced else _GLUED_UNITS))


def _word_tokens(word: str, spaced: bool, after_number: bool) -> list[Token]:
    """A run of letters: a function, an English word, or letters side by side."""
    if _is_unit(word, spaced, after_number):
        return [Token("text", word, spaced)]
    if word in _COMMANDS and word not in _LETTER_PAIRS:
        return [Token("cmd", _COMMANDS[word], spaced)]
    if (
        word in _ENGLISH
        or (len(word) > 4 and not word.isupper())
        or (spaced and word.lower() in ("and", "or"))
    ):
        return [Token("text", word, spaced)]
    for size in (6, 5, 4, 3):
        head = word[:size]
        if head in FUNCTIONS and len(word) == size + 1:
            return [Token("cmd", head, spaced), Token("let", word[size:], True)]
    if word.endswith("pi") and len(word) == 3:
        return [Token("let", word[0], spaced), Token("cmd", "pi", False)]
    return [Token("let", letter, spaced and n == 0) for n, letter in enumerate(word)]
