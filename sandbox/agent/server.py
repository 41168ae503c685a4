"""Inside a container: starts an agent for each connection to a socket, and leaves with the first of them.

The first connection is the judge's own and says nothing: when it closes, because the judge closed it or was
killed, the server and with it the container end.
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

__all__ = ["serve"]

SETTINGS = "PRORL_SANDBOX_AGENT"
"""The environment variable that holds an agent's settings, as JSON."""

FLAGS = ("-s", "-S", "-P", "-X", "utf8")
"""How an agent's interpreter is started."""


def serve(path: str) -> None:
    """Listens on the UNIX socket `path` until the first connection closes."""
    # As the first process of a container it is the parent of every orphan, and must not die of SIGTERM late.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(256)
    judge, _ = listener.accept()
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(judge, select.POLLIN)
    while True:
        events = dict(poll.poll(1000))
        if judge.fileno() in events:
            return
        if listener.fileno() in events:
            _start_agent(listener, judge)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _start_agent(listener: socket.socket, judge: socket.socket) -> None:
    """One agent for one connection, whose first message is its settings."""
    connection, _ = listener.accept()
    if os.fork():
        connection.close()
        return
    listener.close()
    judge.close()
    fd = connection.fileno()
    try:
        (size,) = JOB.unpack(read_exactly(fd, JOB.size))
        settings = json.loads(read_exactly(fd, size))
    except (EOFError, ValueError):
        os._exit(1)
    os.set_inheritable(fd, True)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    settings["control"] = fd
    environment = {**os.environ, SETTINGS: json.dumps(settings)}
    boot = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")
    os.execve(sys.executable, [sys.executable, *FLAGS, boot], environment)
