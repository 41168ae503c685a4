"""A Docker engine for the tests: the one that answers, or one started for them and ended after them.

An own engine needs root, ``dockerd`` and ``debootstrap``, and is started only with PRORL_TEST_DOCKER=start: making
the image takes minutes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.docker_backend import IMAGE

REPO = Path(__file__).resolve().parents[2]

_PACKAGES = "python3,python3-numpy,gcc,libc6-dev,lua5.4"


def has_image(host: str | None) -> bool:
    """Whether an engine answers at `host` (the default one for ``None``) and has the image."""
    import docker

    try:
        client = docker.DockerClient(base_url=host, timeout=60) if host else docker.from_env()
    except docker.errors.DockerException:
        return False
    try:
        client.images.get(os.environ.get("PRORL_SANDBOX_IMAGE", IMAGE))
    except docker.errors.DockerException:
        return False
    finally:
        client.close()
    return True


@contextlib.contextmanager
def engine() -> Iterator[str | None]:
    """The address of an engine with the image, or a skip."""
    pytest.importorskip("docker")
    if has_image(None):
        yield None
        return
    if os.environ.get("PRORL_TEST_DOCKER") != "start":
        pytest.skip("no Docker engine with the sandbox image (PRORL_TEST_DOCKER=start makes one)")
    if os.getuid() or not shutil.which("dockerd") or not shutil.which("debootstrap"):
        pytest.skip("an engine of our own needs root, dockerd and debootstrap")
    with tempfile.TemporaryDirectory(prefix="prorl-docker-") as folder, _started(Path(folder)) as host:
        _make_image(Path(folder), host)
        yield host


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[str]:
    host = f"unix://{folder}/docker.sock"
    command = [
        "dockerd", "--iptables=false", "--bridge=none", "--storage-driver=vfs", f"--data-root={folder}/data",
        f"--exec-root={folder}/exec", f"--pidfile={folder}/pid", f"--host={host}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "docker.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        yield host
    finally:
        process.terminate()
        process.wait(60)


def _make_image(folder: Path, host: str) -> None:
    import docker

    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=1200)
    archive = folder / "image.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    shutil.rmtree(root)
    client = docker.DockerClient(base_url=host, timeout=600)
    client.api.import_image_from_file(str(archive), repository="prorl-base", tag="latest")
    # The Dockerfile as it is shipped, from a base that has the packages already: engines here have no network.
    arguments = {"BASE": "prorl-base", "PACKAGES": ""}
    client.images.build(
        path=str(REPO / "sandbox"), tag=IMAGE, buildargs=arguments, network_mode="none", rm=True
    )
    client.close()
    archive.unlink()
