"""Counts the files a test makes, where no quota bounds the scratch folder (seccomp user notification)."""

from __future__ import annotations

import contextlib
import errno
import struct

__all__ = ["RECEIVE", "SEND", "Allowance"]

RECEIVE, SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_NOTICE = 80


class Allowance:
    """How many files and folders one test may still make.

    Args:
        listener: the notification descriptor of the filter.
        each: how many per test.
    """

    def __init__(self, listener: int, each: int) -> None:
        self.listener, self._each, self._left = listener, each, each

    def renew(self, count: int = 0) -> None:
        """A new test begins; it may make `count` files, or as many as any."""
        self._left = count or self._each

    def answer(self) -> None:
        """Answers one waiting call: goes on, or fails as a full disk does.

        Only numbers in registers decide, never memory that the caller could change meanwhile; the path is
        checked by Landlock.
        """
        import fcntl

        notice = bytearray(_NOTICE)
        with contextlib.suppress(OSError):
            # The caller may have been killed in between.
            fcntl.ioctl(self.listener, RECEIVE, notice)
            (call,) = struct.unpack_from("=Q", notice)
            self._left -= 1
            error, flags = (0, _CONTINUE) if self._left >= 0 else (-errno.ENOSPC, 0)
            fcntl.ioctl(self.listener, SEND, struct.pack("=QqiI", call, 0, error, flags))
