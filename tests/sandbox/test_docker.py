"""The same programs through the Docker backend; nothing of it outlives its host."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import InfrastructureError, Level, Program, RequirementError, Sandbox, StdinTest
from tests.sandbox.attacks import all_cases
from tests.sandbox.conftest import REPO, Canaries
from tests.sandbox.engine import engine
from tests.sandbox.test_attacks import run
from tests.sandbox.test_lifecycle import GOOD, eventually

pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(1800),
    # docker-py leaves its socket to the garbage collector when the first request to a daemon fails.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_of_docker_py() -> Iterator[None]:
    """docker-py leaves its socket to the garbage collector when the first request to a daemon fails."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def contained() -> Iterator[Sandbox]:
    with engine() as host, pytest.MonkeyPatch.context() as patch:
        if host:
            patch.setenv("DOCKER_HOST", host)
        with Sandbox(require="docker", backend="docker") as sandbox:
            yield sandbox


def containers() -> list[Any]:
    import docker

    client = docker.from_env()
    found = [c for c in client.containers.list(all=True) if c.name.startswith("prorl-sandbox-")]
    client.close()
    return [container.name for container in found]


def test_every_case_deserves_the_same(contained: Sandbox, canaries: Canaries) -> None:
    wrong = []
    for case in all_cases():
        result = run(contained, case, canaries)
        if result.fraction is None or abs(result.fraction - case.deserves) > 1e-9:
            wrong.append((case.name, result))
    canaries.check()
    assert not wrong


def test_it_says_what_it_is(contained: Sandbox) -> None:
    assert contained.level is Level.DOCKER
    assert contained.report["container"] == contained.report["seccomp"] == "on"
    assert contained.run(GOOD).level is Level.DOCKER


def test_other_languages(contained: Sandbox) -> None:
    source = '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d", 2 * n); }'
    assert contained.run(Program(source, [StdinTest("21", "42")], language="c")).fraction == 1.0


def test_each_worker_has_a_user_of_its_own(contained: Sandbox) -> None:
    told = "import os, time\ntime.sleep(0.5)\nprint(os.getuid())"
    results = contained.run_many([Program(told, [StdinTest("", "")])] * 2 * contained.workers)
    users = {result.tests[0].stdout_head for result in results}
    assert len(users) == contained.workers
    assert not users & {"0\n", "65534\n", f"{os.getuid()}\n"}


def test_a_killed_host_leaves_no_container(contained: Sandbox) -> None:
    before = set(containers())
    code = (
        "import time; from sandbox import *\n"
        "s = Sandbox(require='docker', backend='docker', workers=1)\n"
        "print(s.level.label, flush=True)\ntime.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPO) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"docker\n"
        assert set(containers()) - before
        os.kill(host.pid, signal.SIGKILL)
        host.wait()
    assert eventually(lambda: set(containers()) == before, 60)


def test_a_lost_container_is_no_wrong_answer(contained: Sandbox) -> None:
    import docker

    before = set(containers())
    with Sandbox(require="docker", backend="docker", workers=1) as sandbox:
        assert sandbox.run(GOOD).fraction == 1.0
        (name,) = set(containers()) - before
        client = docker.from_env()
        client.containers.get(name).kill()
        client.close()
        assert sandbox.run(GOOD).fraction is None


def test_a_missing_image_says_how_to_build_it(contained: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRORL_SANDBOX_IMAGE", "prorl-no-such-image")
    with pytest.raises(RequirementError, match="docker build"):
        Sandbox(require="docker", backend="docker")


def test_a_daemon_elsewhere_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docker")
    monkeypatch.setenv("DOCKER_HOST", "ssh://someone@example.org")
    with pytest.raises(RequirementError, match="another machine"):
        Sandbox(require="docker", backend="docker")


def test_a_missing_daemon_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("docker")
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    with pytest.raises((RequirementError, InfrastructureError), match="no Docker daemon answers"):
        Sandbox(require="docker", backend="docker")
