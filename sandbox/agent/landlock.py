"""Landlock: which files may be read, and that nothing but the scratch folder may be written. No root needed."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence

from sandbox.agent import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DEVICE", "LIST", "READ", "WRITE", "Ruleset", "rules_for"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1

EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_NET_TCP = 3
_SCOPES = 3

LIST = _READ_DIR
READ = EXECUTE | _READ_FILE | _READ_DIR
DEVICE = _READ_FILE | _WRITE_FILE
WRITE = (
    READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
)

_FILES_ONLY = EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


class Ruleset:
    """Rules (path, rights) that a thread, and all it forks, will be held to.

    Made while the paths can still be reached; takes effect with `restrict`. Paths that do not exist are
    skipped. TCP, and abstract sockets and signals to outside, go too where the kernel can.

    Attributes:
        abi: the kernel's version of Landlock.

    Raises:
        OSError: the kernel has no Landlock, or it is off.
    """

    def __init__(self, rules: Sequence[tuple[str, int]]) -> None:
        self.abi = abi = kernel.syscall(_CREATE_RULESET, None, 0, 1, what="landlock")
        handled = (1 << _BITS.get(min(abi, 5), 13)) - 1
        attributes = struct.pack("@QQQ", handled, _NET_TCP if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        made = kernel.syscall(_CREATE_RULESET, attributes, size, 0, what="landlock_create_ruleset")
        self._fd = kernel.move_fd(made, kernel.RULES_FD)
        for path, rights in rules:
            _allow(self._fd, path, rights & handled)

    def restrict(self) -> None:
        """Holds this thread to the rules. Raises `OSError`."""
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.syscall(_RESTRICT_SELF, self._fd, 0, what="landlock_restrict_self")
        os.close(self._fd)


def rules_for(reach: dict[str, Any], folder: str) -> list[tuple[str, int]]:
    """(path, rights) for what `reach` shows, the devices, and the scratch folder."""
    rules = [rule for path in reach["trees"] for rule in _tree_rules(path, reach["hidden"])]
    rules += [(path, READ) for path in reach["shown"]]
    rules += [(path, LIST) for path in reach["listed"]]
    rules += [(f"/dev/{name}", DEVICE) for name in ("null", "zero", "full", "random", "urandom")]
    return [*rules, (folder, WRITE)]


def _tree_rules(path: str, hidden: list[str]) -> list[tuple[str, int]]:
    """Rules for a tree without its hidden folders: rights reach down, so its other children are named."""
    real = os.path.realpath(path)
    if real in hidden:
        return []
    if not any(other.startswith(f"{real}/") for other in hidden):
        return [(real, READ)]
    rules = [(real, LIST)]
    for name in os.listdir(real):
        rules += _tree_rules(f"{real}/{name}", hidden)
    return rules


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not _is_folder(fd):
            rights &= _FILES_ONLY
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd), 12)
        kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule.raw, 0, what=f"landlock_add_rule {path}")
    finally:
        os.close(fd)


def _is_folder(fd: int) -> bool:
    return os.fstat(fd).st_mode & 0o170000 == 0o040000
