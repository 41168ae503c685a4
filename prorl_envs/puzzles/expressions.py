"""Arithmetic written by a model, read into a tree and never evaluated as code.

Numbers, names, ``+ - * / **``, parentheses and calls of one argument, with Python's precedence. A tree is folded
by an `Algebra`: exact fractions, polynomials, or numbers with derivatives. Size, depth and number of operations
are bounded, so that a tower of powers costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

__all__ = [
    "Algebra",
    "BadExpressionError",
    "Call",
    "Name",
    "Negative",
    "Node",
    "Number",
    "evaluate",
    "parse",
]

_TOKEN = re.compile(
    r"\s*+(?:([0-9]++(?:\.[0-9]*+)?|\.[0-9]++)|([A-Za-z_][A-Za-z_0-9]*+)|(\*\*|[-+*/()]))", re.ASCII
)
_LIMITS = {"characters": 8000, "tokens": 2500, "depth": 60, "digits": 60}

T = TypeVar("T")


class BadExpressionError(ValueError):
    """The text is no expression, or it is larger than any answer needs, or it has no value."""


class Number(NamedTuple):
    """A number; `digits` is how it was written."""

    digits: str


class Name(NamedTuple):
    """A variable or a constant."""

    name: str


class Negative(NamedTuple):
    """A minus sign before an operand."""

    operand: Node


class Chain(NamedTuple):
    """Operators of one rank, left to right: ``first operator operand operator operand ...``."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


class Call(NamedTuple):
    """``function(argument)``."""

    function: str
    argument: Node


Node: TypeAlias = "Number | Name | Negative | Chain | Call"


class Algebra(Protocol[T]):
    """What the signs mean. Methods raise `BadExpressionError` (or ArithmeticError) where there is no value."""

    def number(self, value: Fraction) -> T:
        """A number."""
        ...

    def name(self, name: str) -> T:
        """A variable or a constant."""
        ...

    def binary(self, operator: str, left: T, right: T) -> T:
        """``+ - * / **`` of two values."""
        ...

    def call(self, function: str, argument: T) -> T:
        """A function of a value."""
        ...


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        BadExpressionError: `text` is no expression, or too large.
    """
    return _Parser(_tokens(text)).whole()


def evaluate(node: Node, algebra: Algebra[T]) -> T:
    """The value of a tree.

    Raises:
        BadExpressionError: it has none in this algebra.
        ArithmeticError: division by zero, overflow.
    """
    match node:
        case Number(digits):
            return algebra.number(Fraction(digits))
        case Name(name):
            return algebra.name(name)
        case Negative(operand):
            return algebra.binary("*", algebra.number(Fraction(-1)), evaluate(operand, algebra))
        case Chain(first, rest):
            value = evaluate(first, algebra)
            for operator, operand in rest:
                value = algebra.binary(operator, value, evaluate(operand, algebra))
            return value
        case Call(function, argument):
            return algebra.call(function, evaluate(argument, algebra))


def _tokens(text: str) -> list[str]:
    if len(text) > _LIMITS["characters"]:
        raise BadExpressionError("too long")
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            raise BadExpressionError(f"no expression at character {position}")
        number, _, _ = match.groups()
        if number and len(number) > _LIMITS["digits"]:
            raise BadExpressionError("a number is too long")
        tokens.append(match.group().strip())
        position = match.end()
    if len(tokens) > _LIMITS["tokens"]:
        raise BadExpressionError("too many signs")
    return tokens


@dataclass
class _Parser:
    """Recursive descent; ``**`` binds tighter than a minus before it, and to the right."""

    tokens: list[str]
    position: int = 0
    depth: int = 0

    def whole(self) -> Node:
        node = self.sum()
        if self.position != len(self.tokens):
            raise BadExpressionError(f"unexpected {self.tokens[self.position]!r}")
        return node

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > _LIMITS["depth"]:
            raise BadExpressionError("too deep")
        node = self.chain(("+", "-"), self.product)
        self.depth -= 1
        return node

    def product(self) -> Node:
        return self.chain(("*", "/"), self.signed)

    def chain(self, operators: tuple[str, str], operand: Callable[[], Node]) -> Node:
        first, rest = operand(), []
        while self.peek() in operators:
            rest.append((self.take(), operand()))
        return Chain(first, tuple(rest)) if rest else first

    def signed(self) -> Node:
        minus = False
        while self.peek() in ("+", "-"):
            minus ^= self.take() == "-"
        node = self.power()
        return Negative(node) if minus else node

    def power(self) -> Node:
        base = self.atom()
        if self.peek() != "**":
            return base
        self.take()
        self.depth += 1
        if self.depth > _LIMITS["depth"]:
            raise BadExpressionError("too deep")
        node = Chain(base, (("**", self.signed()),))
        self.depth -= 1
        return node

    def atom(self) -> Node:
        token = self.take()
        if token == "(":
            node = self.sum()
            self.close()
            return node
        if token[:1].isdigit() or token[:1] == ".":
            return Number(token)
        if token[:1].isalpha() or token[:1] == "_":
            if self.peek() != "(":
                return Name(token)
            self.take()
            call = Call(token, self.sum())
            self.close()
            return call
        raise BadExpressionError(f"unexpected {token!r}" if token else "it breaks off")

    def close(self) -> None:
        if self.take() != ")":
            raise BadExpressionError("a parenthesis is not closed")
