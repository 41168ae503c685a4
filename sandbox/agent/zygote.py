"""The fork server: builds the jail, warms up, then forks a program process for each job.

It outlives a job only if nothing went wrong: when a program process is lost, the stream from the judge is no
longer known to be at a job's start, so the zygote says so and leaves, and the judge starts another.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
from importlib.machinery import PathFinder

from sandbox.agent import child, kernel, program
from sandbox.agent.child import Scene
from sandbox.agent.guard import Guard
from sandbox.agent.rehearsal import rehearse
from sandbox.agent.wire import Kind, send_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["main"]

CONTROL = 3
"""The descriptor of the socket to the judge."""

SETTINGS = "PRORL_SANDBOX_AGENT"

_SITE = ("/usr/lib/python3/dist-packages", f"{os.path.dirname(os.__file__)}/site-packages")


def main() -> None:
    """Runs the agent until its judge goes away."""
    settings: dict[str, Any] = json.loads(os.environ[SETTINGS])
    _raise_stack(settings)
    _take_control(settings["control"])
    guard = Guard(settings)
    try:
        guard.build()
        scene = _warm_up(settings, guard)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the judge must learn of it
        detail = f"{type(error).__name__}: {error}"

        send_record(CONTROL, Kind.REFUSED, out=json.dumps(guard.report).encode(), err=detail.encode()[-4000:])
        os._exit(1)
    send_record(CONTROL, Kind.READY, out=json.dumps(guard.report).encode())
    _serve(scene, guard)


class _Installed:
    """Finds `packages` in the folder `site`, and nothing else there: the others are out of reach, and a program
    that tries one must be told that it is not installed, not that it may not be read."""

    def __init__(self, packages: list[str], site: str) -> None:
        self._packages, self._site = packages, site

    def find_spec(self, name: str, _path: Any = None, target: Any = None) -> Any:
        """The protocol of ``sys.meta_path``."""
        return PathFinder.find_spec(name, [self._site], target) if name in self._packages else None


def _take_control(fd: int) -> None:
    """Puts the socket to the judge where everything here expects it, and keeps nothing else open."""
    if fd != CONTROL:
        os.dup2(fd, CONTROL)
    os.set_inheritable(CONTROL, False)
    kernel.close_from(CONTROL + 1)


def _raise_stack(settings: dict[str, Any]) -> None:
    """A main thread's stack can only grow into room that was left when the process was executed."""
    import resource

    wanted = settings["stack_bytes"]
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        wanted = hard
    if soft == wanted:
        return
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    os.environ[SETTINGS] = json.dumps({**settings, "stack_bytes": wanted})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _warm_up(settings: dict[str, Any], guard: Guard) -> Scene:
    """Loads what programs load, and walks the very path a test takes, so that children inherit it warm."""
    # In an image of its own, all that is installed may be seen.
    sys.path[:] = ["", *(guard.paths or [*sys.path, *filter(os.path.isdir, _SITE)])]
    if settings["packages"]:
        sys.meta_path.append(_Installed(settings["packages"], sys.path.pop()))
    sys.argv = ["solution.py"]
    sys.dont_write_bytecode = True
    for name in ("_sitebuiltins", *settings["preload"]):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _restore_site_builtins()
    _forget_limits()
    kernel.move_fd(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), kernel.COMPILED_FD)
    rehearse(guard, CONTROL)
    _compiled()
    child.seed()
    scene = Scene()
    gc.collect()
    gc.freeze()
    return scene


def _restore_site_builtins() -> None:
    """Without `site` there is no exit() and quit(), which competitive programs use."""
    import builtins
    from _sitebuiltins import Quitter

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))


def _forget_limits() -> None:
    """Big integers print without a limit on their digits; threads get a common stack, not the main one's."""
    import warnings

    sys.set_int_max_str_digits(0)
    _thread.stack_size(8 << 20)
    warnings.simplefilter("ignore")


def _serve(scene: Scene, guard: Guard) -> None:
    poll = select.poll()
    poll.register(CONTROL, select.POLLIN | select.POLLRDHUP)
    for fd in guard.watched:
        poll.register(fd, select.POLLIN)
    while True:
        events = dict(poll.poll())
        if any(fd in events for fd in guard.watched) or not events[CONTROL] & select.POLLIN:
            os._exit(0)
        if events[CONTROL] & (select.POLLRDHUP | select.POLLHUP):
            os._exit(0)
        pid = kernel.fork()
        if pid == 0:
            _program_process(scene, guard)
        status = _await(pid, guard)
        _reap()
        compiled = _compiled()
        if status:
            send_record(CONTROL, Kind.DIED, index=compiled, status=status)
            os._exit(2)


def _compiled() -> int:
    """1 if a program was compiled since this was last asked, else 0."""
    try:
        return min(1, os.eventfd_read(kernel.COMPILED_FD))
    except BlockingIOError:
        return 0


def _reap() -> None:
    """Takes leave of orphans: in a namespace of its own, the zygote is everyone's last parent."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _program_process(scene: Scene, guard: Guard) -> None:
    status = 70
    try:
        kernel.die_with_parent()
        program.run_job(CONTROL, scene, guard)
        status = 0
    except EOFError:
        status = 0
    except BaseException:  # noqa: BLE001 - reported by the exit status; the zygote must not see it
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def _await(pid: int, guard: Guard) -> int:
    """Waits for a program process; leaves at once when the judge or its host goes away."""
    ended = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(CONTROL, select.POLLRDHUP)
    for fd in guard.watched:
        poll.register(fd, select.POLLIN)
    while True:
        events = dict(poll.poll())
        if ended in events:
            break
        os.kill(pid, signal.SIGKILL)
        os._exit(0)
    os.close(ended)
    return os.waitpid(pid, 0)[1]
