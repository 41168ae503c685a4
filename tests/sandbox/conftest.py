"""Canaries on this machine, and sandboxes of every level it reaches."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import RequirementError, Sandbox

REPO = Path(__file__).resolve().parents[2]


class Canaries:
    """Things an attack would touch, and whether it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "secret.txt"
        self.secret.write_text("canary: you should not read this")
        self.victim_file = folder / "victim.txt"
        self.victim_file.write_text("canary")
        self.victim_file.chmod(0o666)
        folder.chmod(0o777)
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        self.visits: list[str] = []
        self.tcp = self._listen("tcp", socket.AF_INET, ("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.tcp.getsockname()[1]
        self.udp.bind(("127.0.0.1", self.port))
        self.udp.setblocking(False)
        self.unix = self._listen("unix", socket.AF_UNIX, str(folder / "s"))
        (folder / "s").chmod(0o777)
        self.abstract_name = f"prorl-canary-{os.getpid()}"
        self.abstract = self._listen("abstract", socket.AF_UNIX, f"\0{self.abstract_name}")

    def _listen(self, name: str, family: int, address: object) -> socket.socket:
        server = socket.socket(family)
        server.bind(address)
        server.listen()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()
                    self.visits.append(name)

        threading.Thread(target=accept, daemon=True).start()
        return server

    def fill(self, text: str) -> str:
        """`text` with its placeholders filled in."""
        for name, value in (
            ("SECRET", self.secret),
            ("VICTIM_FILE", self.victim_file),
            ("VICTIM", self.victim.pid),
            ("TMP", self.folder),
            ("HOME", Path.home()),
            ("PORT", self.port),
            ("UNIX", self.folder / "s"),
            ("ABSTRACT", self.abstract_name),
            ("REPO", REPO),
            ("LICENSE", (REPO / "LICENSE").read_text()[:5]),
        ):
            text = text.replace(f"@{name}@", str(value))
        return text

    def check(self) -> None:
        """Fails if any was touched."""
        assert self.victim.poll() is None, "a process of the host was killed"
        assert self.victim_file.read_text() == "canary", "a file of the host was changed"
        assert not self.visits, f"a connection from inside: {self.visits}"
        assert sorted(p.name for p in self.folder.iterdir()) == ["s", "secret.txt", "victim.txt"]
        with contextlib.suppress(BlockingIOError):
            raise AssertionError(f"a datagram from inside: {self.udp.recv(100)!r}")

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for server in (self.tcp, self.unix, self.abstract):
            # Closing does not wake a thread in accept().
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        self.udp.close()


@pytest.fixture(scope="session")
def canaries() -> Iterator[Canaries]:
    os.environ["PRORL_CANARY"] = "canary"
    with tempfile.TemporaryDirectory() as folder:
        made = Canaries(Path(folder))
        yield made
        made.close()
    del os.environ["PRORL_CANARY"]


def open_or_skip(**options: object) -> Sandbox:
    """A sandbox, or a skip with the reasons why this machine has none of that level."""
    try:
        return Sandbox(**options)  # type: ignore[arg-type]
    except RequirementError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=["ns", "confined"])
def held(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of each level that must hold."""
    with open_or_skip(level=request.param) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def any_sandbox() -> Iterator[Sandbox]:
    """The strongest sandbox of this machine."""
    with open_or_skip() as sandbox:
        yield sandbox
