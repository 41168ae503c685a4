r"""The parser's vocabulary: LaTeX commands, functions, symbols with subscripts, odd ways to write a number."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from prorl_envs.answers.lexer import FUNCTIONS, Token
from prorl_envs.answers.numerals import decimal
from prorl_envs.answers.syntax import Node, Unreadable, bound, named, number, words

if TYPE_CHECKING:
    from prorl_envs.answers.parser import Parser

__all__ = [
    "absolute", "argument", "command", "function", "postfix", "raw_group", "starts", "symbol",
]  # fmt: skip

_ACCENTS = words(
    "vec hat bar tilde dot ddot overline widehat overrightarrow overleftrightarrow mathcal mathscr mathfrak"
)
_NAMED = frozenset({"angle", "triangle", "measuredangle"})
_GREEK = words(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega hbar ell partial nabla Re "
    "Im wp aleph imath jmath odot oplus"
)
_CONSTANTS = {"pi": "pi", "infty": "oo"}
_BRACKETS = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil")}
_SUMS = frozenset({"sum", "prod"})
_STARTS = (
    _ACCENTS | _NAMED | _GREEK | frozenset(_CONSTANTS) | frozenset(_BRACKETS) | frozenset(FUNCTIONS) | _SUMS
    | {"frac", "binom", "vert", "text", "ldots"}
)  # fmt: skip
DOTS = "…"
"""The name of an ellipsis, as a symbol."""
_HEAD = re.compile(r"[PQRSTpqrsuvwxy]\([xtnz]\)")  # the whole of P(x), before an equals sign
_APPLIED = frozenset("fgFGhH")
_INVERSES = {"sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh"}


def starts(name: str) -> bool:
    """Whether the command can start a factor."""
    return name in _STARTS


def command(parser: Parser, token: Token) -> Node:
    """The expression a command starts; its token is taken already."""
    name = token.text
    if name in _CONSTANTS:
        return Node("const", (), _CONSTANTS[name])
    if name == "frac":
        return Node("div", (argument(parser), argument(parser)))
    if name == "binom":
        return Node("binom", (argument(parser), argument(parser)))
    if name in _GREEK:
        return _decorated(parser, name)
    if name in _ACCENTS:
        return _decorated(parser, f"{name}({raw_group(parser)})")
    if name in _NAMED:
        return Node("sym", (), name + _letters(parser))
    if name in _BRACKETS:
        return _bracketed(parser, *_BRACKETS[name])
    if name in _SUMS:
        return _big(parser, name)
    if name == "ldots":
        return Node("sym", (), DOTS)
    if name == "vert":
        parser.position -= 1
        return absolute(parser)
    if name == "text":
        return parser.power()
    raise Unreadable(f"the command {name[:20]!r}")


def argument(parser: Parser) -> Node:
    r"""A command's argument: a group, or as in ``\frac12`` a single digit."""
    if parser.at("op", "{"):
        return parser.group("{")
    token = parser.peek()
    if token is not None and token.kind == "num" and len(token.text) > 1 and token.text.isdigit():
        parser.tokens[parser.position] = Token("num", token.text[1:])
        return number(int(token.text[0]))
    if token is not None and token.kind == "num":
        return decimal(parser.take().text)
    if token is not None and token.kind == "let":
        parser.take()
        return named(token.text)
    return parser.atom()


def function(parser: Parser, name: str) -> Node:
    r"""A known function: ``\sin^2 x``, ``\log_2(x)``, ``\sqrt[3]{x}``, ``\max(a, b)``."""
    if name == "sqrt":
        return _root(parser)
    function_name, base, exponent = FUNCTIONS[name], None, None
    for _ in range(2):
        if parser.at("op", "_"):
            parser.take()
            base = argument(parser)
        if parser.at("op", "^"):
            parser.take()
            exponent = parser.exponent()
    if exponent == Node("neg", (number(1),)) and function_name in _INVERSES:
        function_name, exponent = _INVERSES[function_name], None
    arguments = _arguments(parser)
    if function_name == "lg":
        function_name, base = "log", number(10)
    if function_name == "log" and base is not None:
        node = Node("div", (Node("fn", tuple(arguments), "ln"), Node("fn", (base,), "ln")))
    else:
        node = Node("fn", tuple(arguments), "ln" if function_name == "log" else function_name)
    return node if exponent is None else Node("pow", (node, exponent))


def _arguments(parser: Parser) -> list[Node]:
    for opener, closer in (("(", ")"), ("[", "]"), ("{", "}"), ("\\{", "\\}")):
        if parser.at("op", opener):
            return _listed(parser, opener, closer)
    if parser.at("op", "-", "+"):
        negative = parser.take().text == "-"
        node = _bare_argument(parser)
        return [Node("neg", (node,)) if negative else node]
    return [_bare_argument(parser)]


def _listed(parser: Parser, opener: str, closer: str) -> list[Node]:
    parser.expect(opener)
    bars, parser.bars = parser.bars, 0
    found = [parser.expression()]
    while parser.at("op", ","):
        parser.take()
        found.append(parser.expression())
    parser.bars = bars
    parser.expect(closer)
    return found


def _bare_argument(parser: Parser) -> Node:
    r"""``\sin 2x \cos y``: a product of plain factors, up to the next function, operator or bracket."""
    node = parser.power()
    while parser.starts_factor():
        token = parser.peek()
        if token is None or token.text in FUNCTIONS or token.text in _SUMS:
            break
        if token.text in ("(", "[", "|", "vert") and node.op != "num":
            break
        node = Node("mul", (node, parser.power()))
    if parser.at("op", "/") and node.op in ("num", "sym", "const", "mul"):
        following = parser.peek(1)
        if following is not None and following.kind == "num" and not following.spaced:
            parser.take()
            node = Node("div", (node, parser.power()))
    return node


def _root(parser: Parser) -> Node:
    index = number(2)
    if parser.at("op", "["):
        index = parser.group("[")
    if parser.at("op", "{") or parser.at("op", "("):
        radicand = parser.group("{" if parser.at("op", "{") else "(")
    else:
        radicand = parser.atom()  # \sqrt x^2 is the root of x, squared
    return Node("pow", (radicand, Node("div", (number(1), index))))


def symbol(parser: Parser) -> Node:
    """A letter with its subscript and primes; ``e`` and ``i`` are constants; ``f(x)`` is an application."""
    token = parser.take()
    letter = token.text
    if _applies(parser, letter):
        return Node("apply", tuple(_listed(parser, "(", ")")), letter)
    if letter == "C" and parser.at("op", "_"):
        start = parser.position
        found = _combinations(parser)
        if found is not None:
            return found
        parser.position = start
    return _decorated(parser, letter)


def _applies(parser: Parser, letter: str) -> bool:
    """``f(x)``, or ``P(x)`` alone; but ``mg(a - b)`` is a product: a factor before, a sum in the bracket."""
    if letter not in _APPLIED or not parser.at("op", "("):
        return parser.position == 1 and bool(_HEAD.fullmatch("".join(t.text for t in parser.tokens[:5])))
    before = parser.peek(-2)
    if letter == "f" or before is None or not (before.kind == "let" or before.text in _GREEK):
        return True
    inside = itertools.takewhile(lambda t: t.text not in ("(", ")"), parser.tokens[parser.position + 1 :])
    return not any(t.kind == "op" and t.text in "+-" for t in inside)


def _combinations(parser: Parser) -> Node | None:
    """``C_{10}^{3}`` with numbers: a binomial coefficient."""
    parser.take()
    lower = argument(parser)
    if lower.op != "num" or not parser.at("op", "^"):
        return None
    parser.take()
    upper = parser.exponent()
    return Node("binom", (lower, upper)) if upper.op == "num" else None


def _decorated(parser: Parser, name: str) -> Node:
    subscript, primes = "", 0
    while True:
        if parser.at("op", "_") and not subscript:
            parser.take()
            subscript = "_" + raw_group(parser)
        elif parser.at("op", "'"):
            parser.take()
            primes += 1
        elif parser.at("op", "^") and (following := parser.peek(1)) and following.text == "prime":
            parser.position += 2
            primes += 1
        else:
            break
    if not subscript and not primes:
        return named(name)
    node = Node("sym", (), name + subscript + "'" * primes)
    if primes and name in _APPLIED and parser.at("op", "("):
        return Node("apply", tuple(_listed(parser, "(", ")")), str(node.value))
    return node


def raw_group(parser: Parser) -> str:
    """The spelling of a group or of one token, as part of a name."""
    if not parser.at("op", "{"):
        token = parser.take()
        return token.text.replace(" ", "")
    depth, pieces = 0, []
    while True:
        token = parser.take()
        depth += (token.text == "{" and token.kind == "op") - (token.text == "}" and token.kind == "op")
        if token.text not in ("{", "}") or token.kind != "op":
            pieces.append(token.text.replace(" ", ""))
        if depth == 0:
            return "".join(pieces)


def _letters(parser: Parser) -> str:
    name = ""
    while parser.at("let"):
        name += parser.take().text
    return name


def _bracketed(parser: Parser, closer: str, op: str) -> Node:
    node = parser.expression()
    if not parser.at("cmd", closer):
        raise Unreadable(f"expected {closer}")
    parser.take()
    return Node(op, (node,))


def absolute(parser: Parser) -> Node:
    """``|x|``."""
    bar = parser.take().text
    parser.bars += 1
    node = parser.expression()
    parser.bars -= 1
    if not (parser.at("op", bar) or parser.at("cmd", bar)):
        raise Unreadable("expected a closing bar")
    parser.take()
    return Node("abs", (node,))


def _big(parser: Parser, name: str) -> Node:
    r"""``\sum_{k=1}^{n} body``."""
    parser.expect("_")
    parser.expect("{")
    variable = parser.take()
    parser.expect("=")
    low = parser.expression()
    parser.expect("}")
    parser.expect("^")
    high = parser.exponent()
    if variable.kind != "let":
        raise Unreadable("a sum over no letter")
    return Node(name, (bound(parser.term(), variable.text), low, high), variable.text)


def postfix(parser: Parser, node: Node) -> Node:
    """``!``, ``%`` and degrees after an atom."""
    for _ in range(6):
        if parser.at("op", "!"):
            parser.take()
            node = Node("fact", (node,))
        elif parser.at("op", "%"):
            parser.take()
            node = Node("percent", (node,))
        elif parser.at("cmd", "degree"):
            parser.take()
            node = Node("degree", (node,))
        else:
            break
    return node
