"""Programs of other languages: compiled once, then each test starts with fresh copies of what that made."""

from __future__ import annotations

import contextlib
import os
import signal

from sandbox.agent import kernel
from sandbox.agent.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.agent.job import Job

__all__ = ["Built", "build", "place", "run"]

_LARGEST = 256 << 20


class CompileError(Exception):
    """The compiler refused the source; says what it wrote."""


class Built:
    """The files a test starts with, in memory files that no test can change."""

    def __init__(self, files: dict[str, int], command: dict[str, Any]) -> None:
        self.files, self.command = files, command


def build(job: Job, guard: Guard) -> Built | None:
    """Writes the source and compiles it in the scratch folder; ``None`` when that took too long.

    Raises:
        CompileError: with the compiler's words.
    """
    command = job.command
    folder = guard.scratch_fd
    source = os.memfd_create("source", os.MFD_CLOEXEC)
    os.write(source, job.source)
    if not command["compile"]:
        return Built({command["source"]: source}, command)
    words = os.memfd_create("words", os.MFD_CLOEXEC)
    pid: int = kernel.fork()
    if pid == 0:
        os.setpgid(0, 0)
        _copy(source, command["source"])
        entry = guard.entries["compiler"]
        entry.take(os.memfd_create("in", os.MFD_CLOEXEC), words, words, -1)
        entry.hold()
        _execute(command["compile"], command["environment"])
    in_time = guard.wait_for(pid, job.remaining(), creations=4096)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if not in_time:
        return None
    text = os.pread(words, 4000, 0)
    os.close(words)
    os.close(source)
    if status:
        raise CompileError(text.decode("utf-8", "replace") or f"the compiler ended with status {status}")
    files = {name: _take(name, folder) for name in command["keep"]}
    guard.after_test()
    return Built(files, command)


def run(built: Built) -> int:
    """In a test process: becomes the program."""
    _execute(built.command["run"], built.command["environment"])
    return 127


def place(built: Built) -> None:
    """Copies the files into the scratch folder, for the test that starts now."""
    for name, fd in built.files.items():
        _copy(fd, name)


def _execute(words: list[str], environment: dict[str, str]) -> None:
    here = os.getcwd()
    try:
        os.execvpe(words[0], words, {**environment, "HOME": here, "TMPDIR": here})
    except OSError as error:
        os.write(2, f"cannot execute {words[0]}: {error}".encode())
        os._exit(127)


def _copy(source: int, name: str) -> None:
    target = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o700)
    sent, size = 0, os.fstat(source).st_size
    while sent < size:
        sent += os.sendfile(target, source, sent, size - sent)
    os.close(target)


def _take(name: str, folder: int) -> int:
    """The file `name`, as a memory file. What the compiler left is not trusted: no links, no giants."""
    try:
        made = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise CompileError(f"the compiler made no {name}: {error}") from None
    size = os.fstat(made).st_size
    if size > _LARGEST:
        raise CompileError(f"{name} is too large")
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    sent = 0
    while sent < size:
        sent += os.sendfile(fd, made, sent, size - sent)
    os.close(made)
    return fd
