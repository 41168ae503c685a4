"""What `benchmarks.sandbox` measures itself against: bare forks, ``python3`` per test, judges in forked processes."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

__all__ = ["TESTS", "by_subprocess", "floor", "in_process", "real_peer"]

TESTS = [(str(n), str(2 * n)) for n in range(10)]

_FLOOR = """
import ctypes, gc, os, sys, time
fork = ctypes.PyDLL(None).fork
os.sched_setaffinity(0, {int(sys.argv[2])})
for name in sys.argv[3:]:
    __import__(name)
code = compile("print(int(input()) * 2)", "p", "exec")
null = os.open("/dev/null", os.O_WRONLY)
def once():
    pid = fork()
    if pid == 0:
        os.dup2(null, 1)
        fd = os.memfd_create("in"); os.write(fd, b"3"); os.lseek(fd, 0, 0); os.dup2(fd, 0)
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
for _ in range(20): once()
gc.freeze()
times = []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter(); once(); times.append(time.perf_counter() - start)
sys.stderr.write(repr(times))
"""

_PRIMES_MODULES = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics",
    "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
_PRELUDE = "".join(f"from {name} import *\n" for name in _PRIMES_MODULES)
_PRELUDE += "".join(f"import {name}\n" for name in _PRIMES_MODULES) + "sys.setrecursionlimit(600000)\n"


def floor(count: int, preload: Sequence[str] = ()) -> list[float]:
    """Seconds of `count` bare forks that execute a trivial program, from an interpreter with `preload` loaded."""
    cpu = min(os.sched_getaffinity(0))
    command = [sys.executable, "-I", "-S", "-c", _FLOOR, str(count), str(cpu), *preload]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(x) for x in done.stderr.strip("[]").split(",")]


def by_subprocess(source: str) -> bool:
    """One program, a new ``python3`` for each test."""
    passed = 0
    for given, wanted in TESTS:
        done = subprocess.run([sys.executable, "-c", source], input=given, capture_output=True, text=True)
        passed += done.stdout.strip() == wanted
    return passed == len(TESTS)


def in_process(source: str) -> bool:
    """One program, PRIME's way, in our own words: a manager and a forked process that execute it on all tests; if
    not all pass, a manager and a process again for each of the first ten."""
    if all(_forked(source, TESTS)):
        return True
    again = [all(_forked(source, [test])) for test in TESTS[:10]]
    return all(again)


def _forked(source: str, tests: list[tuple[str, str]]) -> list[bool]:
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        results = manager.list()
        process = context.Process(target=_execute, args=(source, tests, results))
        process.start()
        process.join(6)
        if process.is_alive():
            process.kill()
        return next(iter(results)) if results else [False]


def _execute(source: str, tests: list[tuple[str, str]], results: list[list[bool]]) -> None:
    """Names that many programs expect, the program as the body of a function, and that called on each input."""
    body = "".join(f"\t{line}\n" for line in source.split("\n"))
    namespace: dict[str, object] = {}
    exec(f"{_PRELUDE}def code():\n{body}", namespace)  # noqa: S102 - the baseline is this unsafe
    code = namespace["code"]
    passed = []
    for given, wanted in tests:
        sys.stdin, out = io.StringIO(given), io.StringIO()
        faulthandler.enable()
        with contextlib.redirect_stdout(out), contextlib.suppress(Exception):
            code()  # type: ignore[operator]
        passed.append(out.getvalue().strip() == wanted)
    results.append(passed)


def real_peer(folder: Path) -> Callable[[str], bool]:
    """One program, judged by the ``prime_code`` of verl that lies in `folder`, as for a continuous reward."""
    sys.path.insert(0, str(folder.parent))
    module: ModuleType = importlib.import_module(folder.name)

    def judge(source: str) -> bool:
        tests = {"inputs": [a for a, _ in TESTS], "outputs": [b for _, b in TESTS]}
        score, _ = module.compute_score(source, json.dumps(tests), continuous=True)
        return score is True

    return judge
