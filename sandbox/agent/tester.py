"""Runs test code that is more than calls on literals, in a process that never runs the candidate.

Two processes: the *candidate* answers calls, the *tester* runs the test code, in which the candidate's names
are proxies. Arguments and results go between them as plain data. Each assert is counted, none ends the run.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import struct
import sys
from collections.abc import Callable
from types import CodeType

from sandbox.agent import values
from sandbox.agent.child import Scene, guarded, seed
from sandbox.agent.entry import RESULT_FD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Any

__all__ = ["run_tester", "run_weak", "serve_calls"]

_SIZE = struct.Struct("!I")
_LARGEST = 64 << 20


def serve_calls(code: CodeType, scene: Scene) -> int:
    """The candidate: defines the program, then answers calls until the tester is gone."""

    def serve() -> None:
        namespace = _define(code, scene)
        while request := _receive():
            name, arguments, keywords = values.loads(request)
            _send(_answer(namespace, name, arguments, keywords))

    return guarded(serve)


def run_tester(source: bytes) -> int:
    """The tester: `source` is JSON of the test code and the entry point. Writes a summary to its output."""
    import ast
    import random  # noqa: F401 - so that it is seeded, should the test code use it

    seed()
    told = json.loads(source)
    tree = ast.parse(told["code"])
    score = _Score()
    namespace = {name: _Proxy(name, score) for name in _unknown_names(tree)}
    return _run_tests(tree, namespace, told["entry_point"], _Proxy(told["entry_point"], score), score, 1)


def run_weak(code: CodeType, scene: Scene, source: bytes) -> int:
    """Test code beside the candidate, in one process: the candidate can fool it."""
    import ast

    told = json.loads(source)

    def run() -> None:
        namespace = _define(code, scene)
        tree = ast.parse(told["code"])
        entry = told["entry_point"]
        _run_tests(tree, namespace, entry, namespace[entry], _Score(), RESULT_FD)

    return guarded(run)


class _Score:
    def __init__(self) -> None:
        self.results: list[bool] = []
        self.opaque = False


class _Proxy:
    """A name of the candidate's, in the tester."""

    def __init__(self, name: str, score: _Score) -> None:
        self.__name__ = name
        self._score = score

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            _send(values.encode_plain([self.__name__, list(arguments), keywords]))
            kind, content = values.loads(_receive() or b"null")
        except (values.NotPlainError, TypeError, ValueError):
            self._score.opaque = True
            raise RuntimeError("the candidate's answer is no plain data") from None
        if kind == "error":
            raise _exception(str(content))
        if isinstance(content, values.Opaque) or kind == "opaque":
            self._score.opaque = True
        return content


def _run_tests(
    tree: ast.Module, namespace: dict[str, Any], entry: str, candidate: Any, score: _Score, fd: int
) -> int:
    names = {"__prorl_note__": score.results.append, "__prorl_error__": Exception}
    namespace.update({"__name__": "tests", entry: candidate, **names})
    sys.stdout = io.StringIO()
    done = False
    try:
        exec(compile(_counting(tree), "tests.py", "exec"), namespace)  # noqa: S102
        check = namespace.get("check")
        if callable(check) and not _calls(tree, "check"):
            check(candidate)
        done = True
    except Exception as error:  # noqa: BLE001 - an error in test code fails what is left of it
        os.write(2, f"{type(error).__name__}: {error}"[:1000].encode("utf-8", "replace"))
    summary = {"results": score.results, "done": done, "opaque": score.opaque}
    data = memoryview(json.dumps(summary).encode())
    while data:
        data = data[os.write(fd, data) :]
    return 0


def _counting(tree: ast.Module) -> ast.Module:
    """``assert e`` becomes ``try: note(bool(e))``, ``except Exception: note(False)``."""
    import ast

    class Counter(ast.NodeTransformer):
        def visit_Assert(self, node: ast.Assert) -> ast.AST:
            text = "try:\n __prorl_note__(not not 0)\nexcept __prorl_error__:\n __prorl_note__(False)"
            (made,) = ast.parse(text).body
            made.body[0].value.args[0].operand.operand = node.test  # type: ignore[attr-defined]
            return ast.copy_location(made, node)

    counted: ast.Module = Counter().visit(tree)
    return ast.fix_missing_locations(counted)


def _calls(tree: ast.Module, name: str) -> bool:
    """Whether the test code calls `name` itself, at its top level."""
    import ast

    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for statement in tree.body
        if isinstance(statement, ast.Expr)
        for node in ast.walk(statement)
    )


def _unknown_names(tree: ast.Module) -> set[str]:
    """Names that the test code uses and does not define: helpers of the candidate's program."""
    import ast

    used: set[str] = set()
    bound = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return used - bound


def _define(code: CodeType, scene: Scene) -> dict[str, Any]:
    namespace = scene.main.__dict__
    namespace["__name__"] = "solution"
    sys.modules["solution"] = scene.main
    exec(code, namespace)  # noqa: S102
    return namespace


def _answer(namespace: dict[str, Any], name: str, arguments: list[Any], keywords: dict[str, Any]) -> bytes:
    call: Callable[[], Any] = lambda: namespace[name](*arguments, **keywords)  # noqa: E731
    try:
        return values.dumps(["value", call()])
    except values.NotPlainError:
        return values.dumps(["opaque", None])
    except Exception as error:  # noqa: BLE001 - the candidate's own errors are an answer
        return values.dumps(["error", type(error).__name__])


def _exception(name: str) -> Exception:
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind("raised by the candidate")
        except TypeError:
            pass
    return RuntimeError(f"the candidate raised {name}")


def _send(data: bytes) -> None:
    view = memoryview(_SIZE.pack(len(data)) + data)
    while view:
        view = view[os.write(RESULT_FD, view) :]


def _receive() -> bytes | None:
    """The next message, or ``None`` when the other side is gone."""
    head = _exactly(_SIZE.size)
    if head is None:
        return None
    (size,) = _SIZE.unpack(head)
    return _exactly(size) if size <= _LARGEST else None


def _exactly(size: int) -> bytes | None:
    chunks = []
    while size:
        chunk = os.read(RESULT_FD, min(size, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
