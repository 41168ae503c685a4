"""The host's handle on the zygote: start it, have it import verifiers, fork and kill workers."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prorl_envs.errors import InfrastructureError
from prorl_envs.verifiers import VerifierSpec
from prorl_envs.workers import wire

__all__ = ["Nursery", "NurseryLostError"]

_log = logging.getLogger(__name__)
_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "TZ")
_FIXED_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_BOOT = (
    "import sys; sys.path[:] = {path!r}; from prorl_envs.workers.zygote import main; main({fd}, {network})"
)


class NurseryLostError(InfrastructureError):
    """The zygote died or does not answer."""


@dataclass
class Nursery:
    """A running zygote. Not thread-safe: the dispatcher thread alone talks to it.

    Args:
        memory_bytes: address-space limit of each worker.
        network: whether a verifier asks a server; without it, zygote and workers give up the network.
        environment: names of environment variables that they keep beside the harmless ones.
        boot_timeout_s: how long starting, and importing verifiers, may take.
    """

    memory_bytes: int
    network: bool
    environment: tuple[str, ...]
    boot_timeout_s: float

    def __post_init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(self.boot_timeout_s)
        kept = {*_KEPT_ENVIRONMENT, *self.environment}
        environment = {k: v for k, v in os.environ.items() if k in kept or k.startswith("LC_")}
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - "" means the current folder
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT.format(path=path, fd=theirs.fileno(), network=self.network)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **_FIXED_ENVIRONMENT},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def prepare(self, specs: Mapping[str, VerifierSpec]) -> dict[str, str]:
        """Imports the verifiers by domain. Returns the reason for each that could not be.

        Raises:
            NurseryLostError: the zygote died, or did not finish in time.
        """
        plain = {domain: spec.to_dict() for domain, spec in specs.items()}
        answer = self._ask({"op": "prepare", "specs": plain})
        if answer["warning"]:
            _log.warning("%s", answer["warning"])
        errors: dict[str, str] = answer["errors"]
        return errors

    def fork(self) -> tuple[int, socket.socket]:
        """A new worker: its pid and the host's end of its socket (non-blocking)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                answer = self._ask({"op": "fork", "memory_bytes": self.memory_bytes}, [theirs.fileno()])
        except NurseryLostError:
            ours.close()
            raise
        ours.setblocking(False)
        return int(answer["pid"]), ours

    def kill(self, pid: int) -> None:
        """Kills and reaps a worker. The zygote does it, as the parent: a pid it has not reaped is not reused."""
        self._ask({"op": "kill", "pid": pid})

    def close(self) -> None:
        """Ends the zygote and all its workers."""
        self._control.close()
        try:
            self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def abandon(self) -> None:
        """Forgets a zygote that belongs to the parent of this forked process."""
        self._control.close()
        self._process.returncode = 0

    def _ask(self, command: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        try:
            wire.send_command(self._control, command, fds)
            answer = self._control.recv(wire.COMMAND_BYTES)
        except OSError as error:
            raise NurseryLostError(f"the scoring zygote does not answer: {error}") from error
        if not answer:
            raise NurseryLostError(f"the scoring zygote died (exit code {self._process.poll()})")
        decoded: dict[str, Any] = json.loads(answer)
        return decoded
