"""A test process of a Python program: runs the compiled program on one input and leaves.

Its exit status is all it says besides what it prints. It may lie about both: neither says what was expected.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import importlib
import io
import os
import re
import sys
from _thread import _count as _thread_count
from atexit import _ncallbacks as _exit_handlers
from collections.abc import Callable
from types import CodeType, ModuleType

from sandbox.agent import values
from sandbox.agent.entry import RESULT_FD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MEMORY_EXIT", "NOT_PLAIN_EXIT", "Scene", "run_call", "run_script"]

MEMORY_EXIT = 97
"""Exit status of a program that ran out of memory."""

NOT_PLAIN_EXIT = 98
"""Exit status of a call whose result is no plain data."""


_LEAVES = re.compile(rb"__del__|open\((?!0)|Wrapper|BufferedWriter|FileIO")
"""What a source mentions if objects may outlive it that have something left to do."""

_open = open
_DEVICES = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class Scene:
    """What a zygote prepares once and every test process inherits: an empty ``__main__``, names for calls.

    Attributes:
        leaves: something may be left to do when the program has ended. See `clear`.
    """

    def __init__(self) -> None:
        self.prelude: dict[str, Any] = {}
        self.leaves = False
        self.renew()

    def load(self, source: bytes, modules: list[str], prelude: dict[str, list[str]]) -> None:
        """Loads what a program wants: `modules`, and for a called one the names it expects to be there."""
        self.leaves = _LEAVES.search(source) is not None
        if b"/dev/std" in source:
            builtins.open = _open_device
        for name in (*modules, *prelude):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        seed()
        for module_name, names in prelude.items():
            module = sys.modules[module_name]
            self.prelude.update({name or module_name: getattr(module, name, module) for name in names})

    def renew(self) -> None:
        """An empty ``__main__`` again, for another test in the same process."""
        self.main = sys.modules["__main__"] = ModuleType("__main__")
        vars(self.main).update(__builtins__=__builtins__, __file__="solution.py", __annotations__={})


def seed() -> None:
    """The same random numbers in every test process, so that a verdict can be reproduced."""
    if "random" in sys.modules:
        sys.modules["random"].seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def open_streams() -> None:
    """Standard streams on descriptors 0 to 2 as an interpreter in UTF-8 mode opens them, errors unbuffered."""
    stdin, stdout, stderr = (io.FileIO(fd, "w" if fd else "r", closefd=False) for fd in range(3))
    _name("stdin", "r", io.TextIOWrapper(io.BufferedReader(stdin), "utf-8", "surrogateescape", "\n"))
    _name("stdout", "w", io.TextIOWrapper(io.BufferedWriter(stdout), "utf-8", "surrogateescape", "\n"))
    unbuffered: Any = stderr
    _name("stderr", "w", io.TextIOWrapper(unbuffered, "utf-8", "backslashreplace", "\n", write_through=True))


def _name(name: str, mode: str, stream: Any) -> None:
    getattr(stream.buffer, "raw", stream.buffer).name = f"<{name}>"
    stream.mode = mode
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _open_device(file: Any, *arguments: Any, **options: Any) -> Any:
    """`open` for programs that name their standard streams as devices, which lead to /proc and are not there."""
    if isinstance(file, str) and file in _DEVICES:
        file = os.dup(_DEVICES[file])
    return _open(file, *arguments, **options)


def run_script(code: CodeType, namespace: dict[str, Any], leaves: bool = False) -> int:
    """Runs a program in `namespace`, that of ``__main__``; the exit status. For `leaves` see `Scene`."""
    status = 0
    try:
        exec(code, namespace)  # noqa: S102
    except BaseException as error:  # noqa: BLE001 - the boundary around a stranger's program
        status = _status_of(error)
    if not leaves:
        return _finish(status)
    return _finish(status) or guarded(lambda: clear(namespace))


def run_call(code: CodeType, scene: Scene, fn_name: str) -> int:
    """Defines the program, calls `fn_name` with the arguments on standard input, writes the result as JSON.

    Names that competitive programmers expect of their site (``List``, ``deque``, ``gcd``, ...) are there, as
    they were where the data of PRIME comes from. The main guard does not run.
    """

    def call() -> None:
        arguments, keywords = values.loads(_read_all(0))
        namespace = scene.main.__dict__
        namespace.update(scene.prelude)
        namespace["__name__"] = "solution"
        sys.modules["solution"] = scene.main
        exec(code, namespace)  # noqa: S102
        result = _function(namespace, fn_name)(*arguments, **keywords)
        _write_result(result)

    return guarded(call)


def guarded(body: Callable[[], Any]) -> int:
    """Runs `body` and what Python does at exit; the exit status. Nothing escapes it."""
    status = 0
    try:
        body()
    except BaseException as error:  # noqa: BLE001 - as above
        status = _status_of(error)
    return _finish(status)


def _finish(status: int) -> int:
    """What Python does at exit. Its own standard error needs no flush."""
    try:
        if _thread_count() and "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        if _exit_handlers():
            atexit._run_exitfuncs()
        if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
            _flush(sys.stdout)
            _flush(sys.stderr)
        _flush(sys.__stdout__)
    except BaseException as error:  # noqa: BLE001 - as above
        status = status or _status_of(error)
    return status


def _flush(stream: Any) -> None:
    flush = getattr(stream, "flush", None)
    if flush is not None and not getattr(stream, "closed", False):
        flush()


def clear(namespace: dict[str, Any]) -> None:
    """Lets go of what a program left, as an interpreter does at its end: destructors run, files are flushed."""
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    for name in [name for name in namespace if name != "__builtins__"]:
        namespace[name] = None
    gc.collect()
    _flush(sys.__stdout__)


def _status_of(error: BaseException) -> int:
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return (code or 0) & 0xFF
        _complain(str(code))
        return 1
    if isinstance(error, MemoryError):
        return MEMORY_EXIT
    _complain(
        f"{type(error).__name__}: {error}" if not isinstance(error, RecursionError) else "RecursionError"
    )
    return NOT_PLAIN_EXIT if isinstance(error, values.NotPlainError) else 1


def _complain(text: str) -> None:
    os.write(2, text[:1000].encode("utf-8", "replace"))


def _function(namespace: dict[str, Any], fn_name: str) -> Any:
    """The function, or the method of ``class Solution``, or the method of a class (``Class.method``)."""
    owner, _, method = fn_name.rpartition(".")
    if owner:
        return getattr(namespace[owner](), method)
    # The class first: a name like `merge` may also be there from the star imports that programs are given.
    solution = namespace.get("Solution")
    if solution is not None and hasattr(solution, fn_name):
        return getattr(solution(), fn_name)
    return namespace[fn_name]


def _write_result(result: Any) -> None:
    data = memoryview(values.dumps(result))
    while data:
        data = data[os.write(RESULT_FD, data) :]


def _read_all(fd: int) -> bytes:
    chunks = []
    while chunk := os.read(fd, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)
