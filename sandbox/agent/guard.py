"""What holds a program: builds the layers once, and adds what each program and each test process needs.

Every layer is tried, not looked up; `sandbox.agent.proof` then attempts what the layers must prevent. A layer
that is asked for and cannot be had is an error: nothing is ever weaker than the report says.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from time import monotonic

from sandbox.agent import (
    creation,
    drop,
    jail,
    kernel,
    landlock,
    policy,
    proof,
    reachable,
    scratch,
    seccomp,
    supervisor,
)
from sandbox.agent.cgroup import Cgroup
from sandbox.agent.entry import KEPT_FD, Entry
from sandbox.agent.kernel import CLOSE_RANGE, PIDFD_OPEN, call, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Guard"]

_OWN_DATA = 64 << 20
"""Memory that an interpreter with what it has loaded takes for itself."""

_RESERVED = 1 << 30
"""What runtimes with many threads take for their stacks, and hardly use."""

_NO_LIMIT = -1
_READABLE = 1
_LONGEST_MS = 10**9

_OWN_TASKS = 16
"""Processes of the agent itself, and some room."""


class Guard:
    """The layers around programs, as the settings ask for them.

    Attributes:
        report: layer -> "on", or why it is off. Sent to the judge, which decides.
        watched: descriptors that become readable when the agent has to leave.
        scratch_fd: the scratch folder, open.
        entries: for each kind of test process, how it comes to be held.
        may_read: attempts of `sandbox.agent.proof` that may succeed at this level.
        paths: where the interpreter finds its modules from inside.
        rehearses: limits stay as they are, because this process has to live with them.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.level: str = settings["level"]
        self.report: dict[str, str] = {}
        self.watched: list[int] = []
        self.paths: list[str] = settings["paths"]
        self.may_read: tuple[str, ...] = ()
        self._first_closed = KEPT_FD
        self.scratch_fd = -1
        self.entries: dict[policy.Holds, Entry] = dict.fromkeys(policy.KINDS, Entry())
        self._filters: list[seccomp.Filter] = []
        self._mapped = False
        self._shared_user = False
        self._allowance: creation.Allowance | None = None
        self.rehearses = False
        # Two of the kernel's struct pollfd: a descriptor, then what is asked and, above, what is answered.
        memory = (ctypes.c_int * 4)(-1, _READABLE, -1, _READABLE)
        self._polled, self._polled_at = memoryview(memory).cast("B").cast("i"), ctypes.addressof(memory)
        self._clean = b""
        self._held = self.level != "unsafe"

    def build(self) -> None:
        """Builds every layer the settings ask for, and proves them.

        Raises:
            OSError, RuntimeError: a layer cannot be had, or does not hold.
        """
        host = self.settings["host_pid"]
        if host:
            self.watched.append(kernel.move_fd(os.pidfd_open(host), kernel.HOST_FD))
        if self.settings["cpu"] is not None:
            os.sched_setaffinity(0, {self.settings["cpu"]})
        folder = self._enter_supervised()
        uid, gid = self._user()
        if self.level == "ns":
            jail.unshare_rest()
            reach = self.settings["reach"]
            jail.enter_root(reach, uid, gid, self.settings["scratch_bytes"])
            self.report["namespaces"] = self.report["root"] = "on"
            folder = jail.SCRATCH
        self._open_scratch(folder)
        if self._held:
            self._drop(uid, gid, folder)
            proof.prove(self, folder)
        self._clean = scratch.clean_state(self.scratch_fd)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", HOME=folder, TMPDIR=folder, LANG="C.UTF-8")

    def _enter_supervised(self) -> str:
        """Forks; the parent becomes the supervisor. The scratch folder, in the child."""
        settings = self.settings
        uid = settings["uid"] if self._held and os.getuid() == 0 else None
        folder = settings["scratch"]
        made = not folder and self.level != "ns"
        if made:
            folder = f"{settings['tmp']}/prorl-sandbox-{os.getpid()}-{os.urandom(4).hex()}"
            os.mkdir(folder, 0o700)
            if uid is not None:
                os.chown(folder, uid, uid)
        group = self._cgroup()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        self._mapped = jail.unshare_process(settings["uid"]) if self.level == "ns" else False
        # Not os.fork: whatever Python does after a fork, the zygote does not need.
        pid: int = kernel.fork()
        if pid:
            os.close(3)
            supervisor.supervise(pid, self.watched, folder if made else None, group, uid)
        kernel.die_with_parent()
        if group is not None:
            self._join(group)
        return str(folder)

    def _join(self, group: Cgroup) -> None:
        try:
            group.join()
        except OSError as error:
            self.report["cgroup"] = f"off: {error}"
        else:
            self.report["cgroup"] = "on"

    def _cgroup(self) -> Cgroup | None:
        wanted = self.settings["cgroup"]
        if not wanted:
            return None
        try:
            group = Cgroup(wanted["name"], wanted["memory"], wanted["tasks"])
        except OSError as error:
            self.report["cgroup"] = f"off: {error}"
            return None
        return group

    def _user(self) -> tuple[int, int]:
        if not self._held:
            return os.getuid(), os.getgid()
        if self._mapped:
            self.report["uid"] = "on"
            return os.getuid(), os.getgid()
        if os.getuid() == 0:
            return self.settings["uid"], self.settings["uid"]
        self._shared_user = self.level == "confined"
        self.report["uid"] = "off: not root, so programs share this user; other layers keep them apart"
        return os.getuid(), os.getgid()

    def _open_scratch(self, folder: str) -> None:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.scratch_fd = kernel.move_fd(opened, kernel.SCRATCH_FD)

    def _drop(self, uid: int, gid: int, folder: str) -> None:
        drop.fix_limits()
        drop.empty_bounding_set()
        rules = self._landlock(folder)
        if os.getuid() == 0 and not self._mapped:
            self._keep_reachable(uid, gid)
            drop.change_user(uid, gid)
            self.report["uid"] = "on"
        drop.drop_capabilities()
        kernel.die_with_parent()
        self.report["capabilities"] = self.report["rlimits"] = "on"
        if rules is not None:
            rules.restrict()
        seccomp.install(policy.base_filter())
        for kind in policy.KINDS:
            compiled = policy.test_filter(kind, shared_user=self._shared_user)
            places = compiled.places(policy.OWN_PID)
            self.entries[kind] = Entry(self._first_closed, compiled.code, places, compiled.address)
            self._filters.append(compiled)
        self.report["seccomp"] = "on"

    def _landlock(self, folder: str) -> landlock.Ruleset | None:
        try:
            rules = landlock.Ruleset(landlock.rules_for(self.settings["reach"], folder))
        except OSError as error:
            if self.level == "confined":
                raise
            self.report["landlock"] = f"off: {error}"
            if self.level == "docker":
                # What can be read then is the container's own image, read-only.
                self.may_read = ("files: reading",)
                self.report["network"] = "on"
            return None
        self.report["landlock"] = "on"
        self.report["network"] = "on" if self.level == "ns" or rules.abi >= 4 else "on: by seccomp alone"
        return rules

    def _keep_reachable(self, uid: int, gid: int) -> None:
        """Where the interpreter lies in a folder closed to other users (``/root``), keeps its folders open and
        goes through the descriptors from now on. Landlock still says what may be read in them."""
        if self.level == "ns" or reachable.readable_as(
            uid, gid, [*self.paths, *self.settings["reach"]["shown"]]
        ):
            return
        self.paths = reachable.keep_open(self.paths)
        self._first_closed = KEPT_FD + len(self.paths)

    def limit(self, limits: dict[str, Any]) -> None:
        """In a program process: its resource limits, inherited by its tests."""
        reserves = limits.get("memory_kind") == "data"
        memory: int = limits["memory_bytes"]
        for which, value in (
            (resource.RLIMIT_DATA, memory + (_RESERVED if reserves else _OWN_DATA)),
            (resource.RLIMIT_AS, _NO_LIMIT if reserves else memory + self.settings["own_bytes"]),
            (resource.RLIMIT_FSIZE, limits["file_bytes"]),
            (resource.RLIMIT_CPU, int(limits["total_s"]) + 2),
            (resource.RLIMIT_NPROC, limits["threads"] + _OWN_TASKS + limits["tasks"]),
        ):
            if value != _NO_LIMIT and (which != resource.RLIMIT_NPROC or self._held):
                hard = resource.getrlimit(which)[1]
                wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
                self._set_limit(which, wanted, wanted)
        hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
        stack: int = limits["stack_bytes"]
        self._set_limit(resource.RLIMIT_STACK, stack if hard == -1 else min(stack, hard), hard)
        if self.rehearses:
            return
        if self._held and self.settings["count_files"]:
            listener = seccomp.install(policy.scratch_filter(), listen=True)
            self._allowance = creation.Allowance(
                kernel.move_fd(listener, kernel.LISTENER_FD), self.settings["count_files"]
            )
            self._polled[2] = self._allowance.listener

    def _set_limit(self, which: int, soft: int, hard: int) -> None:
        resource.setrlimit(which, resource.getrlimit(which) if self.rehearses else (soft, hard))

    def wait_for(self, pid: int, budget: float, *, creations: int = 0) -> bool:
        """Waits until the child `pid` has ended, for at most `budget` seconds; then kills it. Does not reap.

        Where files are counted, it may make as many as the settings say, or `creations`.
        """
        ended = call(PIDFD_OPEN, pid, 0, 0)
        if ended < 0:
            kernel.check(-1, "pidfd_open")
        self._polled[0] = ended
        if self._allowance is None:
            ready = 0 if budget <= 0 else -1
            while ready < 0:  # interrupted
                ready = poll(self._polled_at, 1, min(int(budget * 1000) + 1, _LONGEST_MS))
            in_time = ready > 0
        else:
            self._allowance.renew(creations)
            in_time = self._wait_counting(monotonic() + budget, self._allowance)
        if not in_time:
            os.kill(pid, signal.SIGKILL)
        call(CLOSE_RANGE, ended, ended, 0)
        return in_time

    def _wait_counting(self, deadline: float, allowance: creation.Allowance) -> bool:
        polled = self._polled
        while (left := deadline - monotonic()) > 0:
            polled[1] = polled[3] = _READABLE
            poll(self._polled_at, 2, min(int(left * 1000) + 1, _LONGEST_MS))
            if polled[1] != _READABLE:
                return True
            if polled[3] != _READABLE:
                allowance.answer()
        return False

    def after_test(self) -> None:
        """In a program process: removes what a test left."""
        if scratch.state(self.scratch_fd) != self._clean:
            scratch.wipe(self.scratch_fd)
            if self._clean:
                self._clean = scratch.state(self.scratch_fd)
