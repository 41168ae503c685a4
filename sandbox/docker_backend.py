"""Programs in a container of their own: for machines whose embedded levels are too weak, or as a further wall.

One hardened container per sandbox runs the same agents as the embedded backend, each as a user of its own, and
workers talk to them through UNIX sockets in a folder that both sides see; so the daemon must run on this machine.
Nothing is started per test. The container ends when this process does, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.agent.server import FLAGS
from sandbox.agent.wire import JOB
from sandbox.errors import InfrastructureError, RequirementError
from sandbox.imports import PRELOADED
from sandbox.pool import NUMPY, OWN_BYTES, TOOLS
from sandbox.protocol import MIB, Level
from sandbox.worker import ENVIRONMENT, Worker

__all__ = ["IMAGE", "DockerLauncher"]

IMAGE = "prorl-sandbox"
"""The image of ``sandbox/Dockerfile``; PRORL_SANDBOX_IMAGE names another."""

_START_S = 60.0
_INSIDE = "/run/prorl"
_NOBODY = 65534
_UIDS = (20_000, 60_000)
_KEEPER = "keeper.sock"
_ROOM = "/opt/sandbox"


class DockerLauncher:
    """Starts agents in one container. Has the face of `sandbox.launch.Launcher`.

    Args:
        workers: how many there will be: the container's limits grow with them.

    Raises:
        RequirementError: the docker package is not installed, no daemon answers, or there is no such image.
    """

    def __init__(self, workers: int) -> None:
        self.level = Level.DOCKER
        self.report: dict[str, str] = {}
        self._workers = workers
        self._image = os.environ.get("PRORL_SANDBOX_IMAGE", IMAGE)
        self._folder = Path(tempfile.mkdtemp(prefix="prorl-sandbox-docker-"))
        self._sweeper = _sweep_after_us(self._folder)
        self._name = f"prorl-sandbox-{os.getpid()}-{secrets.token_hex(4)}"
        self._container: Any = None
        self._keeper: socket.socket | None = None
        self._first: Worker | None = None
        try:
            self._start_container()
            self._first = self.start("light", None)
        except BaseException:
            self.close()
            raise
        self.report = {**self._first.report, "container": "on"}

    def first(self) -> Worker:
        """The agent that proved the level, or another."""
        worker, self._first = self._first, None
        return worker if worker is not None and worker.alive else self.start("light", None)

    def start(self, flavour: str, cpu: int | None) -> Worker:
        """A ready agent of `flavour`. Raises `InfrastructureError`."""
        channel = self._connect(self._start_agent())
        settings = json.dumps({**self._settings(flavour), "cpu": cpu}).encode()
        try:
            channel.sendall(JOB.pack(len(settings)) + settings)
        except OSError as error:
            channel.close()
            raise InfrastructureError(f"the sandbox container is gone: {error}") from error
        worker = Worker(channel, None)
        worker.wait_ready()
        worker.cpu = cpu
        return worker

    def _start_agent(self) -> str:
        """Starts an agent in the container, as a user that no other has; the name of its socket."""
        import docker

        name = f"{secrets.token_hex(8)}.sock"
        uid = _UIDS[0] + secrets.randbelow(_UIDS[1] - _UIDS[0])
        command = ["python3", *FLAGS, f"{_ROOM}/agent/boot.py", "serve", f"{_INSIDE}/{name}"]
        try:
            # A client of its own: this may be a thread, or a forked process, of its own.
            client = docker.from_env()
            with contextlib.closing(client):
                container = client.containers.get(self._name)
                container.exec_run(command, user=f"{uid}:{uid}", environment=ENVIRONMENT, detach=True)
        except (docker.errors.DockerException, OSError) as error:
            raise InfrastructureError(f"the sandbox container starts no worker: {error}") from None
        return name

    def close(self) -> None:
        """Ends the container. Idempotent."""
        if self._first is not None:
            self._first.close()
        if self._keeper is not None:
            self._keeper.close()
        if self._container is not None:
            import docker

            # It ends by itself once the keeper is closed; this only makes sure.
            with contextlib.suppress(docker.errors.APIError, OSError):
                self._container.remove(force=True)
            self._container.client.close()
            self._container = None
        self._sweeper.kill()
        self._sweeper.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def forget(self) -> None:
        """In a forked child: the container is the parent's, which the child shares, with agents of its own."""
        if self._first is not None:
            self._first.forget()
            self._first = None
        if self._keeper is not None:
            self._keeper.close()
        self._sweeper.returncode = 0
        self._container = None

    def _start_container(self) -> None:
        try:
            import docker
        except ImportError:
            raise RequirementError("the docker backend needs: pip install 'prorl-envs[docker]'") from None
        self._folder.chmod(0o777)
        try:
            _refuse_remote(os.environ.get("DOCKER_HOST", ""))
            client = docker.from_env()
        except docker.errors.DockerException as error:
            raise RequirementError(f"no Docker daemon answers (is DOCKER_HOST right?): {error}") from None
        try:
            # Looked up first: `run` would pull a missing image from wherever its name leads.
            image = client.images.get(self._image)
            self._container = client.containers.run(image, **self._options())
        except docker.errors.ImageNotFound:
            client.close()
            build = "docker build -t prorl-sandbox -f sandbox/Dockerfile sandbox"
            raise RequirementError(f"there is no image {self._image!r}; build it: {build}") from None
        except docker.errors.APIError as error:
            client.close()
            raise RequirementError(f"the sandbox container cannot be started: {error}") from None
        self._keeper = self._connect(_KEEPER)

    def _options(self) -> dict[str, Any]:
        """Hardening: no network, no capabilities, no writable root, bounded tasks and memory, nobody's user."""
        many = self._workers + 1
        return {
            "command": ["python3", *FLAGS, f"{_ROOM}/agent/boot.py", "keep", f"{_INSIDE}/{_KEEPER}"],
            "name": self._name,
            "detach": True,
            "auto_remove": True,
            "network_mode": "none",
            "ipc_mode": "none",
            "read_only": True,
            "user": f"{_NOBODY}:{_NOBODY}",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": 160 * many,
            "mem_limit": 2048 * MIB * many,
            "memswap_limit": 2048 * MIB * many,
            "tmpfs": {"/scratch": f"size={64 * many}m,nr_inodes={4096 * many},mode=1777,nosuid,nodev,exec"},
            "volumes": [f"{self._folder}:{_INSIDE}:rw", f"{Path(__file__).parent}:{_ROOM}:ro"],
            "environment": ENVIRONMENT,
            "working_dir": "/",
        }

    def _connect(self, name: str) -> socket.socket:
        """A connection to the process behind the socket `name` in the container, which may still be starting."""
        deadline = time.monotonic() + _START_S
        while True:
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(str(self._folder / name))
            except OSError as error:
                channel.close()
                if time.monotonic() > deadline or not self._running():
                    raise InfrastructureError(f"the sandbox container does not answer: {error}") from None
                time.sleep(0.02)
            else:
                return channel

    def _running(self) -> bool:
        import docker

        if self._container is None:
            return True
        try:
            self._container.reload()
        except docker.errors.APIError:
            return False
        return bool(self._container.status in ("created", "running"))

    def _settings(self, flavour: str) -> dict[str, Any]:
        return {
            "level": "docker",
            "host_pid": 0,
            "uid": _NOBODY,
            "reach": {
                "trees": _READABLE if flavour != TOOLS else _WITH_TOOLS,
                "hidden": [],
                "shown": [],
                "listed": [],
            },
            "scratch": "",
            "tmp": "/scratch",
            "scratch_bytes": 64 * MIB,
            "count_files": 0,
            "cgroup": None,
            "own_bytes": OWN_BYTES[flavour],
            "stack_bytes": 256 * MIB,
            "paths": [],
            "packages": [],
            "preload": [*PRELOADED, *(["numpy"] if flavour == NUMPY else [])],
        }


def _refuse_remote(host: str) -> None:
    """Sockets in a shared folder need a daemon on this machine. Raises `RequirementError` for any other."""
    address = urlsplit(host)
    if address.scheme in ("", "unix", "npipe") or address.hostname in ("localhost", "127.0.0.1", "::1"):
        return
    raise RequirementError(
        f"the Docker daemon at {host} runs on another machine: workers talk to programs through sockets in a folder "
        "that both sides see. Run the sandbox on that machine, or unset DOCKER_HOST"
    )


def _sweep_after_us(folder: Path) -> subprocess.Popen[bytes]:
    """A process that removes `folder` when this one ends, however it ends."""
    return subprocess.Popen(
        [sys.executable, "-S", "-s", "-P", "-c", _SWEEP, str(os.getpid()), str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )


_SWEEP = """
import os, select, shutil, sys
try:
    select.select([os.pidfd_open(int(sys.argv[1]))], [], [])
except ProcessLookupError:
    pass
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""

_READABLE = [
    "/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
]  # fmt: skip
_WITH_TOOLS = [
    *_READABLE, "/bin", "/usr/bin", "/usr/local/bin", "/usr/include", "/usr/libexec", "/usr/share",
    "/etc/alternatives", "/etc/ssl/openssl.cnf", "/usr/local/go",
]  # fmt: skip
