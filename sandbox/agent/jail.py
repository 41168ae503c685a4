"""Namespaces and a root file system of one's own: what a program sees of the machine is what is listed here."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Sequence

from sandbox.agent import drop, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCRATCH", "enter_root", "unshare_process", "unshare_rest"]

SCRATCH = "/tmp"
"""Where programs may write, in a root of their own."""

_NEW_USER, _NEW_PID = 0x10000000, 0x20000000
_NEW_REST = 0x00020000 | 0x40000000 | 0x08000000 | 0x04000000
"""Mounts, network, System V IPC, host name."""

_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_DEVICES = ("null", "zero", "full", "random", "urandom")
_HOLDERS = ("/tmp", "/var/tmp", "/mnt", "/run", "/srv")


def unshare_process(throw_away: int) -> bool:
    """New process numbers for the next child; a user namespace too where that is needed. Whether it was.

    Root without the right to make namespaces becomes the user `throw_away` first, so that nothing in the new
    namespace is root outside.

    Raises:
        OSError: this machine does not allow it.
    """
    if kernel.libc.unshare(_NEW_PID) == 0:
        return False
    if os.getuid() == 0:
        drop.change_user(throw_away, throw_away)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    uid, gid = os.getuid(), os.getgid()
    kernel.check(kernel.libc.unshare(_NEW_USER | _NEW_PID), "unshare(user, pid)")
    with contextlib.suppress(OSError):
        _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"65534 {uid} 1")
    _write("/proc/self/gid_map", f"65534 {gid} 1")
    return True


def unshare_rest() -> None:
    """Mounts, network, IPC and host name of one's own. Raises `OSError`."""
    kernel.check(kernel.libc.unshare(_NEW_REST), "unshare(mount, net, ipc, uts)")


def enter_root(plan: dict[str, Any], uid: int, gid: int, scratch_bytes: int) -> None:
    """Moves into a root that holds `plan["trees"]` read-only, five devices, and an empty scratch folder.

    Raises:
        OSError: a mount is refused.
    """
    _mount(None, "/", None, _REC | _PRIVATE)
    holder = next((path for path in _HOLDERS if os.path.isdir(path)), "/")
    _mount("tmpfs", holder, "tmpfs", _NOSUID | _NODEV, "mode=0755,size=1m,nr_inodes=64k")
    for name in ("old", "new"):
        os.mkdir(f"{holder}/{name}")
    _pivot(holder, f"{holder}/old")
    os.chdir("/")
    _mount("tmpfs", "/new", "tmpfs", _NOSUID | _NODEV, "mode=0755,size=4m,nr_inodes=64k")
    for path in plan["trees"]:
        _show(path)
    covered = [path for path in plan["hidden"] if os.path.isdir(f"/new{path}")]
    for path in covered:
        _mount("tmpfs", f"/new{path}", "tmpfs", _NOSUID | _NODEV, "mode=0755,size=1m,nr_inodes=4k")
    for path in plan["shown"]:
        _show(path)
    for name in _DEVICES:
        _show(f"/dev/{name}", device=True)
    os.makedirs(f"/new{SCRATCH}", exist_ok=True)
    options = f"mode=0700,uid={uid},gid={gid},size={scratch_bytes},nr_inodes=4k"
    os.chdir("/new")
    _pivot(".", ".")
    kernel.check(kernel.libc.umount2(b".", _DETACH), "umount2")
    os.chdir("/")
    for path in ("/", *covered):
        _mount(None, path, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    _mount("tmpfs", SCRATCH, "tmpfs", _NOSUID | _NODEV, options)


def _show(path: str, *, device: bool = False) -> None:
    """Binds `path` of the old root read-only at its own name; its symbolic links stay links."""
    path = _follow_links(path)
    source, target = f"/old{path}", f"/new{path}"
    if not os.path.lexists(source) or os.path.ismount(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, None, _BIND | _REC)
    _read_only(target, device=device)


def _follow_links(path: str) -> str:
    """Rebuilds under the new root each symbolic link on the way to `path`; the path it leads to."""
    for _ in range(40):
        done = ""
        parts = path.strip("/").split("/")
        for at, part in enumerate(parts):
            here = f"{done}/{part}"
            if os.path.islink(f"/old{here}"):
                leads = os.readlink(f"/old{here}")
                _link(here, leads)
                base = "" if leads.startswith("/") else done
                path = os.path.normpath("/".join([base, leads, *parts[at + 1 :]]))
                break
            done = here
        else:
            return path
    return path


def _link(at: str, leads: str) -> None:
    os.makedirs(os.path.dirname(f"/new{at}"), exist_ok=True)
    if not os.path.lexists(f"/new{at}"):
        os.symlink(leads, f"/new{at}")


def _read_only(target: str, *, device: bool) -> None:
    attributes = 1 | 2 | (0 if device else 4)
    packed = struct.pack("=QQQQ", attributes, 0, 0, 0)
    result = kernel.libc.syscall(
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_long(_AT_FDCWD),
        target.encode(),
        ctypes.c_long(_AT_RECURSIVE),
        packed,
        ctypes.c_long(len(packed)),
    )
    if result == 0:
        return
    kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | 8)
    _mount(None, target, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | kept)


def _pivot(new: str, old: str) -> None:
    kernel.syscall(_PIVOT_ROOT[kernel.MACHINE], new.encode(), old.encode(), what="pivot_root")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    encoded: Sequence[bytes | None] = [
        source.encode() if source else None,
        target.encode(),
        kind.encode() if kind else None,
    ]
    result = kernel.libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() or None)
    kernel.check(result, f"mount {source or ''} on {target}")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
