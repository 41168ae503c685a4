r"""``3 \pm 2\sqrt{2}`` writes two values: the expressions it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from prorl_envs.answers.shapes import Items, Shape
from prorl_envs.answers.syntax import Node, Unreadable, walk

__all__ = ["expand", "spread"]

_MAX_SIGNS = 3


def expand(node: Node) -> list[Node]:
    r"""All values of an expression with ``\pm``; signs vary independently unless a ``\mp`` ties them together."""
    marks = [n for n in walk(node) if n.op == "pm"]
    if not marks:
        return [node]
    if len(marks) > _MAX_SIGNS:
        raise Unreadable("too many plus-minus signs")
    if any(mark.value == "mp" for mark in marks):
        choices: list[tuple[int, ...]] = [
            tuple(sign if mark.value == "pm" else -sign for mark in marks) for sign in (1, -1)
        ]
    else:
        choices = list(itertools.product((1, -1), repeat=len(marks)))
    return [_signed(node, iter(signs)) for signs in choices]


def _signed(node: Node, signs: Iterator[int]) -> Node:
    sign = next(signs) if node.op == "pm" else 0
    arguments = tuple(_signed(argument, signs) for argument in node.args)
    if not sign:
        return Node(node.op, arguments, node.value, node.digits) if node.args else node
    left, right = arguments
    return Node("add", (left, right if sign > 0 else Node("neg", (right,))))


def spread(entries: tuple[Shape, ...], brackets: str) -> Items:
    r"""A tuple; ``(\pm 2, 3)`` is the two tuples it stands for. Two such entries stay as they are."""
    doubled = [
        place for place, entry in enumerate(entries) if isinstance(entry, Items) and entry.kind == "list"
    ]
    if len(doubled) != 1:
        return Items("tuple", entries, brackets)
    place = doubled[0]
    values = entries[place]
    assert isinstance(values, Items)
    single = (
        Items("tuple", (*entries[:place], value, *entries[place + 1 :]), brackets) for value in values.items
    )
    return Items("list", tuple(single))
