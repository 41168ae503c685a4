"""The child side: the zygote that holds the warm imports, and the workers it forks.

Runs with an environment stripped of secrets, without network, with a fixed hash seed (verdicts must not depend on
it), one BLAS thread, and its own session, so that Ctrl-C in the terminal is the host's business alone.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import json
import os
import random
import resource
import signal
import socket
from typing import Any, NoReturn

from prorl_envs.core import Status, Task, Verdict, Verifier
from prorl_envs.errors import ProrlError
from prorl_envs.verifiers import VerifierSpec
from prorl_envs.workers import wire
from sandbox.network import drop_network

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def main(control_fd: int, network: bool = False) -> None:
    """Serves the host's commands until it closes the socket; then every worker is killed."""
    control = socket.socket(fileno=control_fd)
    warning = "" if network else _drop_network()
    verifiers: dict[str, Verifier] = {}
    children: set[int] = set()
    try:
        while True:
            message, fds, _, _ = socket.recv_fds(control, wire.COMMAND_BYTES, 1)
            if not message:
                return
            command: dict[str, Any] = json.loads(message)
            answer: dict[str, Any] = {}
            if command["op"] == "prepare":
                answer = {"errors": _prepare(verifiers, command["specs"]), "warning": warning}
            elif command["op"] == "fork":
                answer = {"pid": _fork_worker(control, fds[0], verifiers, command["memory_bytes"])}
                children.add(answer["pid"])
            else:
                _kill(command["pid"])
                children.discard(command["pid"])
            wire.send_command(control, answer)
    finally:
        for pid in children:
            _kill(pid)


def _drop_network() -> str:
    """Gives up the network; the reason where that is not possible."""
    try:
        drop_network()
    except OSError as error:
        return f"the scoring workers keep their network: {error}"
    return ""


def _prepare(verifiers: dict[str, Verifier], specs: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Builds and warms up verifiers. Returns the reason for each domain that cannot be served."""
    errors: dict[str, str] = {}
    for domain, spec in specs.items():
        try:
            verifier = VerifierSpec(**spec).build()
            verifier.prepare()
        except Exception as error:  # noqa: BLE001 - whatever a verifier's imports raise is reported to the host
            errors[domain] = f"{type(error).__name__}: {error}"
        else:
            verifiers[domain] = verifier
    gc.collect()
    gc.freeze()
    return errors


def _fork_worker(control: socket.socket, fd: int, verifiers: dict[str, Verifier], memory_bytes: int) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        os.close(fd)
        return pid
    try:
        control.close()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == zygote:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
            _serve(socket.socket(fileno=fd), verifiers)
    finally:
        os._exit(0)


def _serve(sock: socket.socket, verifiers: dict[str, Verifier]) -> NoReturn:
    """One item after another, for ever; the host's closing of the socket ends it.

    Each reply leaves before the next item is begun: the host takes the oldest unanswered item for the one that
    passed the deadline.
    """
    stream = os.fdopen(sock.fileno(), "rb", buffering=1 << 16, closefd=False)
    while True:
        try:
            task_json, response = wire.read_item(stream)
            sock.sendall(wire.reply_frame(_judge(verifiers, task_json, response)))
        except (EOFError, OSError):
            os._exit(0)


def _judge(verifiers: dict[str, Verifier], task_json: bytes, response: str) -> dict[str, Any]:
    """The one boundary between verifiers and the rest: whatever comes out of one becomes a verdict."""
    random.seed(0)
    try:
        task = _task(task_json)
        return verifiers[task.domain].verify(response, task).to_dict()
    except (MemoryError, RecursionError) as error:
        reason = f"the verifier ran into its {type(error).__name__} limit"
        return Verdict.bad(Status.TIMEOUT, detail=reason).to_dict()
    except ProrlError as error:
        return Verdict.failed(str(error)).to_dict()
    except BaseException as error:  # noqa: BLE001 - some libraries' timeouts derive from BaseException
        return Verdict.failed(f"verifier bug: {type(error).__name__}: {error}"[:500]).to_dict()


@functools.lru_cache(maxsize=512)
def _task(task_json: bytes) -> Task:
    """Rollouts of one prompt come in groups: each task is parsed once, not once a response."""
    return Task.from_dict(json.loads(task_json))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
