r"""From tokens to one expression tree: numbers, letters, the four operations, powers, functions.

What is no single expression (a list, an equation, a phrase, an integral) is `Unreadable`, never guessed at. A slash
before a product is ambiguous, ``t/RC`` against ``1/2 x``: `readings` gives every reading there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from prorl_envs.answers import commands, written
from prorl_envs.answers.lexer import FUNCTIONS, Token, tokenize
from prorl_envs.answers.numerals import decimal
from prorl_envs.answers.syntax import Node, Unreadable, number

__all__ = ["Parser", "read", "readings"]

MAX_DEPTH = 60
_SUMS = {"+": 1, "-": -1}
_TIMES = frozenset({"cdot", "times", "ast"})
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def read(text: str) -> Node:
    """The expression a cleaned text writes, a slash binding as in Python.

    Raises:
        Unreadable: it writes none, or one too deep or too long.
    """
    return Parser(tokenize(text)).whole()


def readings(tokens: Sequence[Token]) -> list[Node]:
    """All readings of the tokens, the likeliest first: one, or two where a slash precedes a product.

    Raises:
        Unreadable: they are no expression.
    """
    parser = Parser(tokens, tight=True)
    first = parser.whole()
    return [first, Parser(tokens).whole()] if parser.ambiguous else [first]


class Parser:
    """A recursive-descent parser over `tokens`; `tight` lets an implicit product bind before a slash."""

    def __init__(self, tokens: Sequence[Token], *, tight: bool = False) -> None:
        self.tokens = list(tokens)
        self.position = 0
        self.depth = 0
        self.bars = 0
        self.tight = tight
        self.ambiguous = False

    # --- tokens ---
    def peek(self, ahead: int = 0) -> Token | None:
        """The token `ahead` of the current one, without taking it."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def at(self, kind: str, *texts: str) -> bool:
        """Whether the current token is of `kind` and, where given, one of `texts`."""
        token = self.peek()
        return token is not None and token.kind == kind and (not texts or token.text in texts)

    def take(self) -> Token:
        """The current token, taken."""
        token = self.peek()
        if token is None:
            raise Unreadable("unexpected end")
        self.position += 1
        return token

    def expect(self, text: str) -> None:
        """Takes the operator `text`.

        Raises:
            Unreadable: something else stands there.
        """
        if not self.at("op", text):
            raise Unreadable(f"expected {text!r}")
        self.position += 1

    # --- grammar, lowest precedence first ---
    def whole(self) -> Node:
        """One expression that uses every token."""
        node = self.expression()
        if self.peek() is not None:
            raise Unreadable("more than one expression")
        return node

    def expression(self) -> Node:
        """Terms joined by ``+``, ``-``, ``\\pm``, ``\\mp``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        terms = [self.signed_term()]
        while (token := self.peek()) is not None:
            if token.kind == "op" and token.text in _SUMS:
                terms.append(self.signed_term())
            elif token.kind == "cmd" and token.text in ("pm", "mp"):
                self.take()
                left = _total(terms)
                terms = [Node("pm", (left, self.term()), token.text)]
            else:
                break
        self.depth -= 1
        return _total(terms)

    def signed_term(self) -> Node:
        """A term with any number of signs before it."""
        sign, plus_minus = 1, ""
        for _ in range(8):
            if self.at("op", "+", "-"):
                sign *= _SUMS[self.take().text]
            elif self.at("cmd", "pm", "mp"):
                plus_minus = self.take().text
            else:
                break
        node = self.term()
        node = Node("neg", (node,)) if sign < 0 else node
        return Node("pm", (number(0), node), plus_minus) if plus_minus else node

    def term(self) -> Node:
        """Factors joined by times, slash, ``\\bmod`` or nothing."""
        node = self.product()
        while (token := self.peek()) is not None:
            if (token.kind == "cmd" and token.text in _TIMES) or (token.kind, token.text) == ("op", "*"):
                self.take()
                node = Node("mul", (node, self.signed_factor()))
            elif token.kind == "op" and token.text == "/":
                self.take()
                node = Node("div", (node, self.denominator()))
            elif token.kind == "cmd" and token.text in ("bmod", "mod"):
                self.take()
                node = Node("mod", (node, self.product()))
            elif self.starts_factor():
                node = Node("mul", (node, self.power()))
            else:
                break
        return node

    def denominator(self) -> Node:
        """What a slash divides by: one factor, or under `tight` a product written without signs."""
        node = self.signed_factor()
        while self.starts_factor() and not self.at("op", "(", "["):
            self.ambiguous = True
            if not self.tight:
                break
            node = Node("mul", (node, self.power()))
        return node

    def product(self) -> Node:
        """Factors written side by side."""
        node = self.power()
        while self.starts_factor():
            node = Node("mul", (node, self.power()))
        return node

    def signed_factor(self) -> Node:
        """A factor after an operator: a minus may stand before it."""
        if self.at("op", "-", "+"):
            sign = _SUMS[self.take().text]
            node = self.power()
            return Node("neg", (node,)) if sign < 0 else node
        return self.power()

    def starts_factor(self) -> bool:
        """Whether a factor could start here without an operator before it."""
        token = self.peek()
        if token is None:
            return False
        if token.kind == "let":
            return True
        if token.kind == "num":
            before = self.tokens[self.position - 1] if self.position else None
            return before is not None and before.kind != "num" and before.text not in ("_", "^")
        if token.kind == "cmd":
            return commands.starts(token.text) and not (token.text == "vert" and self.bars)
        return token.text in ("(", "[", "{") or (token.text == "|" and not self.bars)

    def power(self) -> Node:
        """An atom with its postfixes and its exponent; exponents group to the right."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        node = commands.postfix(self, self.atom())
        if self.at("op", "^"):
            self.take()
            exponent = self.exponent()
            node = commands.postfix(self, Node("pow", (node, exponent)))
        self.depth -= 1
        return node

    def exponent(self) -> Node:
        """What follows ``^``: a group, or one signed factor."""
        if self.at("op", "{"):
            return self.group("{")
        negative = self.at("op", "-")
        if negative or self.at("op", "+"):
            self.take()
        node = decimal(self.take().text) if self.at("num") else self.power()
        return Node("neg", (node,)) if negative else node

    def group(self, opener: str) -> Node:
        """An expression in brackets."""
        self.expect(opener)
        bars, self.bars = self.bars, 0
        node = self.expression()
        self.bars = bars
        self.expect(_CLOSERS[opener])
        return node

    def atom(self) -> Node:
        """A number, a symbol, a group, a command, an absolute value."""
        token = self.peek()
        if token is None:
            raise Unreadable("unexpected end")
        if token.kind == "num":
            return self.numeral()
        if token.kind == "let":
            return commands.symbol(self)
        if token.kind == "cmd":
            self.take()
            return (
                commands.function(self, token.text)
                if token.text in FUNCTIONS
                else commands.command(self, token)
            )
        if token.kind == "op" and token.text in _CLOSERS:
            return self.group(token.text)
        if token.kind == "op" and token.text == "|":
            return commands.absolute(self)
        raise Unreadable(f"no expression starts with {token.text[:20]!r}")

    def numeral(self) -> Node:
        """A number; several tokens for ``1 000``, ``3\\frac{1}{2}``, ``0.\\overline{3}``, ``101_2``."""
        node = decimal(self.take().text)
        follower = self.peek()
        if follower is None:
            return node
        if follower.kind == "num" and follower.spaced:
            return written.spaced_numeral(self, node)
        if follower.text == "_":
            return written.based_numeral(self)
        if follower.kind == "cmd" and follower.text == "frac":
            return written.mixed_numeral(self, node)
        if follower.text == "." or (follower.kind == "cmd" and follower.text in ("overline", "dot", "bar")):
            return written.repeating_numeral(self, node)
        return node


def _total(terms: list[Node]) -> Node:
    if len(terms) == 1:
        return terms[0]
    dots = Node("sym", (), commands.DOTS)
    if dots in terms[1:-1] and all(n.op == "sym" and "_" in str(n.value) for n in terms if n != dots):
        # x_1 + x_2 + ... + x_n is known by its ends, in either order.
        return Node("apply", tuple(sorted((terms[0], terms[-1]), key=str)), commands.DOTS)
    return Node("add", tuple(terms))
