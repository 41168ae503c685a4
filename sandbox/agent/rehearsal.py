"""Walks the path that jobs take, before the first one comes.

What the interpreter learns on the way (specialised instructions, caches of types, sizes of tables) is then
inherited by all that is forked; a process that has to learn it anew pays for every page it writes that to.
"""

from __future__ import annotations

import json
import os
from types import CodeType

from sandbox.agent import child, program, shared, values
from sandbox.agent.child import Scene
from sandbox.agent.entry import Entry
from sandbox.agent.guard import Guard
from sandbox.agent.trial import TestFiles
from sandbox.agent.wire import JOB, LENGTH, RECORD, Ending, Kind

__all__ = ["rehearse"]

_SOURCE = b"import sys\nn = int(input())\nprint(n * 2)\nprint([i for i in range(n)])\n"
_GIVEN = LENGTH.pack(1) + b"3"
_ANSWER = b"6\n[0, 1, 2]\n"
_JOBS, _TESTS = 12, 20
"""The interpreter specialises a function after eight calls."""

_LIMITS = {
    "total_s": 5.0, "test_s": None, "memory_bytes": 1 << 30, "output_bytes": 1 << 24, "stack_bytes": 1 << 28,
    "threads": 64, "file_bytes": 1 << 24, "tasks": 0,
}  # fmt: skip


def rehearse(guard: Guard, control: int) -> None:
    """Runs trivial jobs from this process, and trivial tests in it. `control` stays what it is.

    Raises:
        RuntimeError: a trivial program fails.
    """
    guard.rehearses = True
    for isolation in ("test", "program"):
        for _ in range(_JOBS):
            _job(guard, isolation)
    guard.rehearses = False
    entry = Entry.rehearsal()
    kept = os.dup(control)
    for _ in range(_TESTS):
        _test(entry)
    _call(entry)
    _tests_together(entry)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os.dup2(kept, control, inheritable=False)
    os.close(nothing)
    os.close(kept)
    child.open_streams()


def _job(guard: Guard, isolation: str) -> None:
    """One job of one test, as a judge sends it."""
    import _socket

    ours, theirs = (end.detach() for end in _socket.socketpair())
    header: dict[str, object] = {
        "mode": "stdin", "isolation": isolation, "modules": [], "limits": _LIMITS, "cpu": None, "count": 1,
        "source": len(_SOURCE), "payload": len(_SOURCE) + len(_GIVEN),
    }  # fmt: skip
    text = json.dumps(header).encode()
    os.write(ours, JOB.pack(len(text)) + text + _SOURCE + _GIVEN)
    program.run_job(theirs, Scene(), guard)
    said = os.read(ours, 1 << 16)
    os.close(ours)
    os.close(theirs)
    records = []
    while said:
        kind, _, status, _, _, _, size, error_size = RECORD.unpack_from(said)
        records.append((kind, status, said[RECORD.size : RECORD.size + size]))
        said = said[RECORD.size + size + error_size :]
    if records != [(Kind.COMPILED, 0, b""), (Kind.TEST, 0, _ANSWER), (Kind.END, Ending.DONE, b"")]:
        raise RuntimeError(f"a trivial program fails: {records}")


def _test(entry: Entry) -> None:
    """One test, as a test process runs it."""
    files = TestFiles.empty(with_result=True)
    os.pwrite(files.stdin, b"3\n", 0)
    namespace = Scene().main.__dict__
    entry.take(files.stdin, files.out, files.err, files.fourth)
    entry.hold()
    status = child.run_script(_code(), namespace)
    if status or os.pread(files.out, 100, 0) != _ANSWER:
        raise RuntimeError(f"a trivial program fails here: {status} {os.pread(files.err, 1000, 0)!r}")
    files.close()


def _tests_together(entry: Entry) -> None:
    """Many tests in this process."""
    batch = shared.Batch(with_result=True)
    os.write(batch.inputs, _GIVEN * _TESTS)
    batch.keep()
    entry.take(batch.files.stdin, batch.files.out, batch.files.err, batch.files.fourth)
    shared.run_all(_TESTS, _code(), Scene(), "")
    if os.pread(batch.answers, 1000, 0) != _ANSWER * _TESTS:
        raise RuntimeError("trivial tests in one process fail")
    batch.close()
    os.closerange(shared.FIRST_FD, shared.LAST_FD + 1)


def _call(entry: Entry) -> None:
    """One call, as a test process makes it."""
    files = TestFiles.empty(with_result=True)
    os.pwrite(files.stdin, values.encode_plain(([3], {})), 0)
    code = compile(b"def double(n): return n * 2", "solution.py", "exec", dont_inherit=True)
    entry.take(files.stdin, files.out, files.err, files.fourth)
    if child.run_call(code, Scene(), "double") or os.pread(files.answer, 100, 0) != b"6":
        raise RuntimeError("a trivial call fails")
    files.close()


def _code() -> CodeType:
    code: CodeType = compile(_SOURCE, "solution.py", "exec", dont_inherit=True)
    return code
