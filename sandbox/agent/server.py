"""Inside a container: the process that keeps it, and one agent for each worker, started beside it.

The keeper's one connection is the judge's own and says nothing: when it closes, because the judge closed it or was
killed, the keeper and with it the container end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys

from sandbox.agent.wire import JOB, read_exactly

__all__ = ["keep", "serve"]

SETTINGS = "PRORL_SANDBOX_AGENT"
"""The environment variable that holds an agent's settings, as JSON."""

FLAGS = ("-s", "-S", "-P", "-X", "utf8")
"""How an agent's interpreter is started."""

_PATIENCE_S = 60


def keep(path: str) -> None:
    """Listens on the UNIX socket `path` until the first connection closes."""
    # As the first process of a container it is the parent of every orphan, and must not die of SIGTERM late.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    judge = _accept(path)
    poll = select.poll()
    poll.register(judge, select.POLLIN)
    while not poll.poll(1000):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def serve(path: str) -> None:
    """Takes one connection on the UNIX socket `path` and becomes the agent at its end. The first message is its
    settings."""
    connection = _accept(path)
    fd = connection.fileno()
    try:
        (size,) = JOB.unpack(read_exactly(fd, JOB.size))
        settings = json.loads(read_exactly(fd, size))
    except (EOFError, ValueError):
        return
    os.set_inheritable(fd, True)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    settings["control"] = fd
    environment = {**os.environ, SETTINGS: json.dumps(settings)}
    boot = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")
    os.execve(sys.executable, [sys.executable, *FLAGS, boot], environment)


def _accept(path: str) -> socket.socket:
    """The first connection to `path`, which is gone afterwards."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.settimeout(_PATIENCE_S)
        listener.listen(1)
        connection, _ = listener.accept()
    connection.settimeout(None)
    os.unlink(path)
    return connection
