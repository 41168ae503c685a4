"""The expression tree: one small, immutable, hashable node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Node", "Unreadable", "bound", "named", "number", "symbols", "walk", "words"]


class Unreadable(ValueError):  # noqa: N818 - it says nothing against the text
    """A text is no expression this library reads. Says nothing about its being right or wrong."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operation, its operands, and for leaves a value.

    Leaves: ``num`` (an exact Fraction), ``sym`` (a name), ``const`` ("pi", "e", "i", "oo").
    Others: ``add mul pow neg div fact abs floor ceil binom pm``, ``fn`` (a known function's name as value),
    ``apply`` (an unknown function's name as value), ``mod``, ``sum``, ``prod``.

    Attributes:
        digits: for ``num`` leaves written as a decimal, the number of decimal places; else None.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction | str | None = None
    digits: int | None = None


def number(value: int | Fraction, digits: int | None = None) -> Node:
    """A numeric leaf."""
    return Node("num", (), Fraction(value), digits)


def walk(node: Node) -> Iterator[Node]:
    """All nodes, parents first, without recursion."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.args))


def symbols(node: Node) -> frozenset[str]:
    """The names of the free symbols."""
    return frozenset(str(n.value) for n in walk(node) if n.op == "sym")


def words(text: str) -> frozenset[str]:
    """The set of blank-separated words: how this package writes its vocabularies."""
    return frozenset(text.split())


def named(name: str) -> Node:
    """The symbol of that name; ``e`` and ``i`` are constants."""
    return Node("const", (), name) if name in ("e", "i") else Node("sym", (), name)


def bound(body: Node, letter: str) -> Node:
    """The body of a sum over i: there, i is no imaginary unit."""
    if body.op == "const" and body.value == letter:
        return Node("sym", (), letter)
    if not body.args:
        return body
    return Node(body.op, tuple(bound(part, letter) for part in body.args), body.value, body.digits)
