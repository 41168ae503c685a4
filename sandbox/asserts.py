"""Reads test code in HumanEval's layout: which of its asserts are calls on literals, to be judged outside.

Only the test code is read here, as syntax; nothing is evaluated but literals.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

from sandbox.agent import values
from sandbox.errors import InvalidProgramError
from sandbox.protocol import CallTest

__all__ = ["Expectation", "calls_of", "count_asserts", "read_summary"]


@dataclass(frozen=True)
class Expectation:
    """What an assert demands of the result of a call.

    Attributes:
        kind: "equal", "unequal", "is", "true", "false", "near" (``abs(result - value) < within``).
        value: the literal it is compared with.
        within: for "near".
    """

    kind: str
    value: Any = None
    within: float = 0.0

    def met_by(self, result: Any) -> bool:
        """Whether `result`, plain data, is what the assert demands."""
        if isinstance(result, values.Opaque):
            return False
        if self.kind == "equal":
            return bool(result == self.value)
        if self.kind == "unequal":
            return bool(result != self.value)
        if self.kind == "is":
            return result is self.value
        if self.kind == "near":
            return isinstance(result, (int, float)) and bool(abs(result - self.value) < self.within)
        return bool(result) is (self.kind == "true")


def calls_of(code: str, entry_point: str) -> list[CallTest] | None:
    """The asserts of `code` as calls with an `Expectation`; ``None`` if any of it is more than that.

    Raises:
        InvalidProgramError: `code` is no Python, or it asserts nothing.
    """
    tree = _parse(code)
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise InvalidProgramError("the test code asserts nothing")
    calls: list[CallTest] = []
    for node, name in _statements(tree, entry_point):
        if _does_nothing(node):
            continue
        call = _call_of(node, name) if isinstance(node, ast.Assert) else None
        if call is None:
            return None
        calls.append(call)
    return calls or None


def count_asserts(code: str) -> int:
    """How many assert statements stand in `code`."""
    return sum(isinstance(node, ast.Assert) for node in ast.walk(_parse(code)))


def read_summary(data: bytes) -> tuple[list[bool], bool, bool]:
    """What a tester wrote: each assert's outcome, whether the test code came to its end, and whether some value
    was no plain data. Nonsense counts as a tester that did nothing."""
    try:
        told = json.loads(data)
        results = [item is True for item in told["results"]]
        return results, told["done"] is True, told["opaque"] is True
    except (ValueError, TypeError, KeyError, RecursionError):
        return [], False, False


def _parse(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise InvalidProgramError(f"the test code is no Python: {error}") from None


def _statements(tree: ast.Module, entry_point: str) -> list[tuple[ast.stmt, str]]:
    """Every statement that runs, and the name that the candidate has there."""
    found: list[tuple[ast.stmt, str]] = []
    for node in tree.body:
        arguments = node.args.args if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and node.name == "check" and len(arguments) == 1:
            found += [(inner, arguments[0].arg) for inner in node.body]
        elif not _calls_check(node, entry_point):
            found.append((node, entry_point))
    return found


def _calls_check(node: ast.stmt, entry_point: str) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value) == f"check({entry_point})"
    )


def _does_nothing(node: ast.stmt) -> bool:
    """Docstrings, ``pass``, constants such as METADATA, ``assert True``."""
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and node.test.value is True
    return isinstance(node, ast.Assign) and _literal(node.value) is not None


def _call_of(node: ast.Assert, name: str) -> CallTest | None:
    test = node.test
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _call(test.operand, name, Expectation("false"))
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return _call(test, name, Expectation("true"))
    left, operator, right = test.left, test.ops[0], test.comparators[0]
    near = _near(left, operator, right, name)
    if near is not None:
        return near
    kinds = {ast.Eq: "equal", ast.NotEq: "unequal", ast.Is: "is"}
    kind = kinds.get(type(operator))
    for called, other in ((left, right), (right, left)):
        literal = _literal(other)
        if kind and literal and (kind != "is" or literal[0] in (None, True, False)):
            found = _call(called, name, Expectation(kind, literal[0]))
            if found is not None:
                return found
    return None


def _near(left: ast.expr, operator: ast.cmpop, right: ast.expr, name: str) -> CallTest | None:
    """``abs(candidate(...) - 1.5) < 1e-6``"""
    within = _literal(right)
    if not isinstance(operator, (ast.Lt, ast.LtE)) or not within or not isinstance(within[0], (int, float)):
        return None
    if not isinstance(left, ast.Call) or ast.unparse(left.func) != "abs" or len(left.args) != 1:
        return None
    difference = left.args[0]
    if not isinstance(difference, ast.BinOp) or not isinstance(difference.op, ast.Sub):
        return None
    for called, other in ((difference.left, difference.right), (difference.right, difference.left)):
        value = _literal(other)
        if value and isinstance(value[0], (int, float)):
            found = _call(called, name, Expectation("near", value[0], float(within[0])))
            if found is not None:
                return found
    return None


def _call(node: ast.expr, name: str, expectation: Expectation) -> CallTest | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != name:
        return None
    arguments = [_literal(argument) for argument in node.args]
    keywords = {keyword.arg: _literal(keyword.value) for keyword in node.keywords}
    if None in arguments or None in keywords or None in keywords.values():
        return None
    args = [argument[0] for argument in arguments if argument]
    return CallTest(args, expectation, {str(key): value[0] for key, value in keywords.items() if value})


def _literal(node: ast.expr) -> tuple[Any] | None:
    """The literal that `node` is, in a tuple of one; ``None`` if it is none."""
    try:
        return (ast.literal_eval(node),)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
