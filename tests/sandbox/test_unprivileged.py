"""The attack suite once more as a user without rights, for test runs that have root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.conftest import REPO

NOBODY = 61_234
SITE = Path(sysconfig.get_path("purelib"))

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="this run has no root: the suite itself ran without rights"),
    pytest.mark.timeout(900),
]


def as_nobody(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, **options
    )


def may_read(path: str | Path) -> bool:
    return as_nobody(["test", "-r", str(path)]).returncode == 0


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter of this version that a user without rights can start."""
    for path in (
        sys.executable,
        shutil.which(f"python{sys.version_info[0]}.{sys.version_info[1]}", path="/usr/bin"),
    ):
        if path and may_read(Path(path).resolve()):
            return path
    pytest.skip("no interpreter of this version that another user can read")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """This repository's sandbox and its tests, and a home, where a user without rights can read them."""
    if not may_read(SITE / "pytest" / "__init__.py"):
        pytest.skip(f"another user cannot read {SITE}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sandbox", "tests/sandbox"):
            shutil.copytree(REPO / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPO / "LICENSE", folder)
        Path(folder, "tests", "__init__.py").touch()
        Path(folder).chmod(0o755)
        Path(folder, "home").mkdir()
        os.chown(Path(folder, "home"), NOBODY, NOBODY)
        yield Path(folder)


@pytest.mark.parametrize("level", ["confined", "ns"])
def test_the_suite_holds_without_rights(level: str, python: str, checkout: Path) -> None:
    command = [
        python,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-c",
        os.devnull,
        f"--rootdir={checkout}",
    ]
    command += [
        "tests/sandbox/test_attacks.py",
        "-k",
        f"({level} and deserves and not shared) or next_program",
    ]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(checkout / "home"),
        "PYTHONPATH": f"{checkout}:{SITE}",
    }
    done = as_nobody(command, cwd=checkout, env={**environment, "PYTHONDONTWRITEBYTECODE": "1"})
    told = done.stdout[-3000:] + done.stderr[-1000:]
    if "does not reach the sandbox level" in done.stdout and " failed" not in told:
        pytest.skip(f"without rights, this machine does not reach {level!r}")
    assert done.returncode == 0, told
    passed = int(done.stdout.rpartition(" passed")[0].rpartition("\n")[2].split()[-1])
    assert passed >= 300, told
