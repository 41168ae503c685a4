"""Shape against shape: lists, tuples, sets, regions, matrices, equations."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from prorl_envs.answers.bounds import is_infinite
from prorl_envs.answers.equality import nodes_equal, proportional
from prorl_envs.answers.exact import exact
from prorl_envs.answers.inequalities import interval_piece
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.ratios import compare_ratios
from prorl_envs.answers.regions import as_relation, regions_equal
from prorl_envs.answers.scalars import (
    compare_scalars,
    is_compound,
    percent_game,
    relation_matches,
)
from prorl_envs.answers.shapes import Chain, Items, Matrix, Piece, Ratio, Region, Relation, Scalar, Shape
from prorl_envs.answers.syntax import Node, symbols
from prorl_envs.answers.vectors import components, rows_of, upright

__all__ = ["compare_shapes"]

_MAX_MATCHING = 60


def compare_shapes(gold: Shape, answer: Shape) -> Outcome:
    """Whether two answers of any shapes are the same."""
    if isinstance(answer, Chain):
        return _compare_chain(gold, answer)
    if isinstance(gold, Chain):
        if isinstance(answer, Scalar) and is_compound(answer.name):
            return differ("equation")
        return compare_shapes(Scalar(gold.parts[-1]), answer)
    if isinstance(gold, Ratio) or isinstance(answer, Ratio):
        return compare_ratios(gold, answer)
    if isinstance(gold, Scalar) and isinstance(answer, Scalar):
        return _compare_values(gold, answer)
    gold, answer = _as_vector(gold, answer), _as_vector(answer, gold)
    if isinstance(gold, Region) or isinstance(answer, Region):
        return _compare_regions(gold, answer)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _compare_relations(gold, answer)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _compare_matrices(gold, answer)
    return _compare_items(_as_items(gold, answer), _as_items(answer, gold))


def _as_vector(shape: Shape, other: Shape) -> Shape:
    """A sum of unit vectors beside a tuple or a matrix as its components."""
    if isinstance(other, Matrix):
        return components(shape, max(map(len, (other.rows, *other.rows)))) or shape
    if isinstance(other, Items) and other.kind == "tuple":
        return components(shape, len(other.items)) or shape
    return shape


def _compare_values(gold: Scalar, answer: Scalar) -> Outcome:
    if percent_game(gold, answer) and not nodes_equal(
        gold.nodes, tuple(n.args[0] for n in answer.nodes if n.args)
    ):
        return differ("percent")
    outcome = compare_scalars(gold, answer)
    if (
        not outcome.equal
        and gold.name is not None
        and answer.name is not None
        and relation_matches(gold, answer)
    ):
        return same("equation")
    return outcome


def _compare_chain(gold: Shape, answer: Chain) -> Outcome:
    """``2 + 5 = 7`` is 7; ``8 = 7`` is nothing."""
    if isinstance(gold, Scalar) and is_compound(gold.name):
        return differ("equation")
    for part in answer.parts[:-1]:
        if not nodes_equal(part, answer.parts[-1]):
            return differ("contradictory chain")
    return compare_shapes(gold, Scalar(answer.parts[-1]))


# --- regions ---
def _compare_regions(gold: Shape, answer: Shape) -> Outcome:
    one, other = as_relation(gold), as_relation(answer)
    if one and other and not _same_variable(gold, answer):
        return _two_relations(one, other)
    first, second = _as_region(gold), _as_region(answer)
    if first is None or second is None:
        return differ("shape")
    if _variables_clash(first.variable, second.variable):
        return differ("another name")
    verdict = regions_equal(first, second)
    if verdict is None:
        return UNDECIDED
    return Outcome(verdict, "region")


def _same_variable(gold: Shape, answer: Shape) -> bool:
    return isinstance(gold, Region) and isinstance(answer, Region) and gold.variable == answer.variable


def _variables_clash(one: str, other: str) -> bool:
    """``x > 3`` against ``y > 3``, or a condition on a sum against one on a difference."""
    if not one or not other or one == other:
        return False
    if any(mark in one and mark in other for mark in "+-|"):
        return one != other
    return one.isalpha() and other.isalpha() and len(one) == len(other) == 1


def _as_region(shape: Shape) -> Region | None:
    if isinstance(shape, Region):
        return shape
    if not isinstance(shape, Items):
        return None
    if shape.kind == "tuple" and len(shape.items) == 2:
        piece = _as_piece(shape)
        return Region((piece,), shape.label) if piece else None
    if shape.kind == "list":
        pieces = [_as_piece(item) for item in shape.items]
        if all(pieces):
            return Region(tuple(p for p in pieces if p))
    if shape.kind in ("set", "list"):
        nodes = [item.nodes[0] for item in shape.items if isinstance(item, Scalar)]
        if len(nodes) == len(shape.items):
            return Region(tuple(Piece(n, n, True, True) for n in nodes))
    return None


def _as_piece(shape: Shape) -> Piece | None:
    if not isinstance(shape, Items) or shape.kind != "tuple" or len(shape.items) != 2:
        return None
    low, high = shape.items
    if not isinstance(low, Scalar) or not isinstance(high, Scalar) or len(shape.brackets) != 2:
        return None
    return interval_piece(low.nodes[0], high.nodes[0], shape.brackets[0], shape.brackets[1])


# --- equations ---
def _compare_relations(gold: Shape, answer: Shape) -> Outcome:
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _two_relations(gold, answer)
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    if (
        isinstance(other, Scalar)
        and isinstance(relation, Relation)
        and relation.op == "="
        and other.name is not None
    ):
        verdict = relation_matches(other, relation)
        return UNDECIDED if verdict is None else Outcome(verdict, "equation")
    return differ("shape")


def _two_relations(gold: Relation, answer: Relation) -> Outcome:
    first, second = (Node("add", (r.left[0], Node("neg", (r.right[0],)))) for r in (gold, answer))
    if gold.op in ("=", "!="):
        verdict = proportional(first, second) if gold.op == answer.op else False
    else:
        turn = {"<": ("<", 1), "<=": ("<=", 1), ">": ("<", -1), ">=": ("<=", -1)}
        if gold.op not in turn or answer.op not in turn or turn[gold.op][0] != turn[answer.op][0]:
            return differ("relation")
        verdict = proportional(first, second, sign=turn[gold.op][1] * turn[answer.op][1])
    return UNDECIDED if verdict is None else Outcome(verdict, "equation")


def _compare_matrices(gold: Shape, answer: Shape) -> Outcome:
    first, second = rows_of(gold), rows_of(answer)
    if first is None or second is None:
        return differ("shape")
    if isinstance(gold, Matrix) != isinstance(answer, Matrix) or 1 in (len(first), len(second)):
        # A vector may be a row, a column, or a tuple.
        first, second = upright(first), upright(second)
    if [len(row) for row in first] != [len(row) for row in second]:
        return differ("matrix size")
    pairs = [pair for rows in zip(first, second, strict=True) for pair in zip(*rows, strict=True)]
    return _all_equal(pairs, "matrix")


# --- lists, tuples, sets ---
def _as_items(shape: Shape, other: Shape) -> Items:
    """`shape` as a list; ``x = y = 0`` beside a pair is a pair."""
    if isinstance(shape, Items):
        return shape
    if isinstance(shape, Scalar) and isinstance(other, Items) and shape.names == len(other.items) > 1:
        return Items("tuple", (Scalar(shape.nodes),) * shape.names, "()")
    return Items("list", (shape,))


def _compare_items(gold: Items, answer: Items) -> Outcome:
    if len(gold.items) == 1 and isinstance(gold.items[0], Items) and gold.kind == "list":
        gold = gold.items[0]
    if len(gold.items) != len(answer.items):
        return _unequal_lengths(gold, answer)
    if gold.kind == "tuple" and answer.kind == "tuple":
        if gold.brackets != answer.brackets:
            return differ("brackets")
        if any(_infinite(item) for item in gold.items + answer.items):
            return _compare_regions(gold, answer)
        return _all_equal(list(zip(gold.items, answer.items, strict=True)), "tuple")
    if "tuple" in (gold.kind, answer.kind):
        if "set" in (gold.kind, answer.kind):
            return differ("a set is no tuple")
        return _all_equal(list(zip(*_in_order(gold, answer), strict=True)), "tuple")
    names, others = _labels(gold), _labels(answer)
    if names and sorted(names) == sorted(others):
        ordered = [answer.items[others.index(name)] for name in names]
        return _all_equal(list(zip(gold.items, ordered, strict=True)), "names")
    return _unordered(gold.items, answer.items)


def _infinite(shape: Shape) -> bool:
    return isinstance(shape, Scalar) and is_infinite(shape.nodes[0])


def _unequal_lengths(gold: Items, answer: Items) -> Outcome:
    """A list of one tuple is that tuple; otherwise the number of answers differs."""
    for one, other in ((gold, answer), (answer, gold)):
        if len(one.items) == 1 and isinstance(one.items[0], Items) and len(other.items) > 1:
            return _compare_items(*((one.items[0], other) if one is gold else (other, one.items[0])))
    return differ("number of answers")


def _in_order(gold: Items, answer: Items) -> tuple[Sequence[Shape], Sequence[Shape]]:
    """Both as sequences; a list of named values goes by the tuple's names, else by its names' order."""
    return _by_name(gold, answer.label), _by_name(answer, gold.label)


def _by_name(items: Items, order: str) -> Sequence[Shape]:
    names = _labels(items)
    if items.kind != "list" or not names or len(set(names)) != len(names):
        return items.items
    wanted = order.strip("()").split(",")
    return [
        items.items[names.index(name)] for name in (wanted if set(wanted) == set(names) else sorted(names))
    ]


def _labels(items: Items) -> list[str]:
    """The items' names, when every item has one and they are different things (not x_1 and x_2)."""
    labels = [item.label for item in items.items if isinstance(item, Scalar) and item.label]
    if len(labels) != len(items.items) or len({label.partition("_")[0] for label in labels}) != len(labels):
        return []
    return labels


def _all_equal(pairs: list[tuple[Shape, Shape]], rule: str) -> Outcome:
    undecided = False
    for gold, answer in pairs:
        outcome = compare_shapes(gold, answer)
        if outcome.equal is False:
            return differ(rule)
        undecided = undecided or not outcome.decided
    return UNDECIDED if undecided else same(rule)


def _unordered(gold: Sequence[Shape], answer: Sequence[Shape]) -> Outcome:
    if (first := _rationals(gold)) is not None and (second := _rationals(answer)) is not None:
        return Outcome(first == second, "list")
    if len(gold) > _MAX_MATCHING:
        return UNDECIDED
    left = list(answer)
    undecided = False
    for item in gold:
        outcomes = [compare_shapes(item, other) for other in left]
        place = next((n for n, outcome in enumerate(outcomes) if outcome.equal), None)
        if place is None:
            undecided = undecided or any(not outcome.decided for outcome in outcomes)
            if not undecided:
                return differ("list")
        else:
            left.pop(place)
    return UNDECIDED if undecided else same("list")


def _rationals(items: Sequence[Shape]) -> list[Fraction] | None:
    """The items' exact values in order of size, when all are plain numbers."""
    values = []
    for item in items:
        if (
            not isinstance(item, Scalar)
            or item.unit
            or item.label
            or len(item.nodes) != 1
            or symbols(item.nodes[0])
        ):
            return None
        if item.nodes[0].op not in ("num", "neg", "div") or item.nodes[0].digits is not None:
            return None
        value = exact(item.nodes[0], {})
        if value is None:
            return None
        values.append(value)
    return sorted(values)
