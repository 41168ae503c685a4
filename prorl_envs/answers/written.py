r"""Numbers of several tokens: ``1 000``, ``3 1/2``, ``3\frac{1}{2}``, ``0.\overline{3}``, ``101_2``."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from prorl_envs.answers.commands import argument, raw_group
from prorl_envs.answers.lexer import Token
from prorl_envs.answers.numerals import decimal
from prorl_envs.answers.syntax import Node, Unreadable, number

if TYPE_CHECKING:
    from prorl_envs.answers.parser import Parser

__all__ = ["based_numeral", "mixed_numeral", "repeating_numeral", "spaced_numeral"]


def spaced_numeral(parser: Parser, node: Node) -> Node:
    """``1 000`` (groups of three), or ``3 1/2``."""
    token = parser.take()
    slash, lower = parser.peek(), parser.peek(1)
    fraction = slash is not None and slash.text == "/" and token.text.isdigit()
    if fraction and lower is not None and lower.text.isdigit():
        parser.position += 2
        return _mixed(node, int(token.text), int(lower.text))
    before = parser.tokens[parser.position - 2].text
    if not before.isdigit() or len(token.text.partition(".")[0]) != 3:
        raise Unreadable("two numbers side by side")
    joined = decimal(before + token.text)
    parser.tokens[parser.position - 1] = Token("num", before + token.text)
    following = parser.peek()
    return (
        spaced_numeral(parser, joined)
        if following and following.kind == "num" and following.spaced
        else joined
    )


def _mixed(whole: Node, upper: int, lower: int) -> Node:
    if not isinstance(whole.value, Fraction) or whole.value.denominator != 1 or lower == 0:
        raise Unreadable("two numbers side by side")
    return number(whole.value + Fraction(upper, lower))


def mixed_numeral(parser: Parser, node: Node) -> Node:
    r"""``3\frac{1}{2}`` is three and a half when the fraction is proper; else a product."""
    start = parser.position
    tokens = list(parser.tokens)
    parser.take()
    fraction = Node("div", (argument(parser), argument(parser)))
    upper, lower = (part.value for part in fraction.args)
    whole = isinstance(node.value, Fraction) and node.value.denominator == 1 and node.digits is None
    if whole and isinstance(upper, Fraction) and isinstance(lower, Fraction) and 0 < upper < lower:
        return Node("add", (node, fraction))
    parser.position, parser.tokens = start, tokens
    return node


def repeating_numeral(parser: Parser, node: Node) -> Node:
    r"""``0.\overline{3}`` and ``0.1\overline{6}``."""
    start = parser.position
    written = parser.tokens[start - 1].text.replace(",", "")
    if parser.at("op", "."):
        parser.take()
        written += "."
    if "." not in written or not parser.at("cmd", "overline", "dot", "bar"):
        parser.position = start
        return node
    parser.take()
    period = raw_group(parser)
    if not period.isdigit() or len(period) > 50 or len(written) > 50:
        raise Unreadable("no repeating decimal")
    scale = 10 ** len(written.partition(".")[2])
    return number(Fraction(written + "0") + Fraction(int(period), scale * (10 ** len(period) - 1)))


def based_numeral(parser: Parser) -> Node:
    """``1101_2``: the value in its base."""
    written = parser.tokens[parser.position - 1].text
    parser.take()
    base = argument(parser)
    if not isinstance(base.value, Fraction) or not 2 <= base.value <= 36 or len(written) > 200:
        raise Unreadable("no base")
    try:
        return Node("based", (number(int(written, int(base.value))),), f"{written}_{base.value}")
    except ValueError:
        raise Unreadable("no digits of that base") from None
