"""The one folder a program may write to: emptied after each test, whatever the test did to it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

from sandbox.agent.kernel import FSTAT, call

__all__ = ["clean_state", "state", "wipe"]

_stat = (ctypes.c_char * 144)()
_STAT_AT = ctypes.addressof(_stat)
"""The kernel's ``struct stat``, of at most this size."""

_ROUNDS = 100_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def state(top: int) -> bytes:
    """All that the kernel tells of the folder open at `top`: mode, links, size, times."""
    call(FSTAT, top, _STAT_AT, 0)
    return bytes(_stat)


def clean_state(top: int) -> bytes:
    """Empties the folder; its `state` then, or nothing on a file system where a folder that holds something can
    have the same. (A folder of tmpfs grows with each entry.)"""
    wipe(top)
    size = os.fstat(top).st_size
    os.close(os.open("probe", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=top))
    tells = os.fstat(top).st_size != size
    wipe(top)
    return state(top) if tells else b""


def wipe(top: int) -> None:
    """Empties the folder open at `top` and resets its own mode and times.

    Subfolders are first moved to the top, so that no depth of nesting costs depth or descriptors here.

    Raises:
        OSError: something cannot be removed.
    """
    os.fchmod(top, 0o700)
    for _ in range(_ROUNDS):
        names = os.listdir(top)
        if not names:
            os.utime(top, (0, 0))
            return
        for name in names:
            if not _unlink(name, top):
                _lift(name, top)
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=top)
    raise OSError(errno.ENOTEMPTY, "the scratch folder cannot be emptied")


def _unlink(name: str, folder: int) -> bool:
    """Removes what is no folder; whether it was none."""
    try:
        os.unlink(name, dir_fd=folder)
    except (IsADirectoryError, PermissionError):
        # Some file systems say the latter of folders.
        return False
    return True


def _lift(name: str, top: int) -> None:
    """Empties the folder `name`, moving its subfolders to the top under fresh names."""
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top)
        inner = os.open(name, _FOLDER, dir_fd=top)
        try:
            for below in os.listdir(inner):
                if not _unlink(below, inner):
                    # Moving a folder changes its "..", which needs the right to write in it.
                    os.chmod(below, 0o700, dir_fd=inner)
                    os.rename(below, f".{os.urandom(8).hex()}", src_dir_fd=inner, dst_dir_fd=top)
        finally:
            os.close(inner)
