r"""LaTeX environments: matrices, and ``cases`` as piecewise values or systems of equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from prorl_envs.answers.lexer import Token
from prorl_envs.answers.shapes import Items, Matrix, Shape
from prorl_envs.answers.splitting import closes_all, cut, spelled
from prorl_envs.answers.syntax import Unreadable

__all__ = ["Reader", "read_environment"]

Reader: TypeAlias = Callable[[Sequence[Token]], Shape]


def read_environment(tokens: Sequence[Token], read: Reader) -> Shape:
    """A matrix, a piecewise value, or a system of equations, its cells read by `read`.

    Raises:
        Unreadable: another environment, or more than one.
    """
    if not closes_all(tokens[: -_group_length(tokens)]):
        raise Unreadable("more than a matrix")
    kind = spelled(tokens[1 : 1 + _group_length(tokens, first=True)])
    if not kind.endswith("matrix") and kind not in ("array", "cases"):
        raise Unreadable(f"the environment {kind[:20]!r}")
    if kind == "vmatrix":
        raise Unreadable(f"the environment {kind!r}")
    start = 1 + _group_length(tokens, first=True)
    if kind == "array" and tokens[start].text == "{":
        start += next(n for n, t in enumerate(tokens[start:]) if t.text == "}") + 1
    inside = tokens[start : len(tokens) - _group_length(tokens) - 1]
    lines, _ = cut(inside, lambda t: t.kind == "row")
    cells = [cut(line, lambda t: t.kind == "op" and t.text == "&")[0] for line in lines]
    if kind == "cases":
        return _cases([row for row in cells if any(row)], read)
    return Matrix(tuple(tuple(read(cell) for cell in row) for row in cells if any(row)))


def _cases(rows: list[list[list[Token]]], read: Reader) -> Shape:
    """A piecewise value as an unordered list of (value, condition); a system as a list of equations."""
    found: list[Shape] = []
    for row in rows:
        cells = [_trimmed(cell) for cell in row]
        if len(cells) > 2 or not all(cells):
            raise Unreadable("an odd case")
        shapes = tuple(read(cell) for cell in cells)
        found.append(Items("tuple", shapes, "cases") if len(shapes) > 1 else shapes[0])
    return Items("list", tuple(found))


def _trimmed(cell: list[Token]) -> list[Token]:
    kept = [
        t for t in cell if t.kind != "text" or t.text.strip(" ,.").lower() not in ("if", "for", "when", "")
    ]
    while kept and kept[-1].kind == "op" and kept[-1].text in ",;.":
        kept.pop()
    return kept


def _group_length(tokens: Sequence[Token], *, first: bool = False) -> int:
    """Tokens of the ``{name}`` behind ``\\begin`` (first) or ``\\end`` (last)."""
    ordered = list(tokens[1:]) if first else list(reversed(tokens))
    stop = "}" if first else "{"
    for count, token in enumerate(ordered, start=1):
        if token.kind == "op" and token.text == stop:
            return count
    raise Unreadable("an environment without a name")
