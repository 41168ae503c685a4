"""What a program may read of this machine: the interpreter, its libraries, toolchains. Never site packages
other than the named ones, where the tests themselves could lie."""

from __future__ import annotations

import functools
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import InfrastructureError

__all__ = ["Interpreter", "Reach", "reach"]

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
_TOOLCHAINS = (
    "/bin", "/usr/bin", "/usr/local/bin", "/usr/include", "/usr/local/include", "/usr/libexec",
    "/usr/share/lua", "/usr/share/go", "/usr/local/go", "/usr/share/nodejs", "/usr/share/node_modules",
    "/etc/alternatives", "/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf",
)  # fmt: skip
_PACKAGES = ("numpy", "numpy.libs")

_ASK = """
import json, sys, sysconfig, importlib.util
spec = importlib.util.find_spec("numpy")
print(json.dumps({
    "stdlib": sysconfig.get_path("stdlib"),
    "dynload": sysconfig.get_config_var("DESTSHARED") or "",
    "prefix": sys.base_prefix,
    "site": [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))],
    "numpy": spec.origin if spec else None,
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """Where a Python keeps its things.

    Attributes:
        paths: the standard library's folders, as on ``sys.path``.
        prefix: where it is installed.
        site: its folders of installed packages.
        numpy: the folder that holds numpy, or ``None``.
    """

    paths: tuple[str, ...]
    prefix: str
    site: tuple[str, ...]
    numpy: str | None

    @classmethod
    @functools.cache
    def of(cls, python: str) -> Interpreter:
        """Asks `python` itself.

        Raises:
            InfrastructureError: it does not run.
        """
        try:
            done = subprocess.run([python, "-P", "-c", _ASK], capture_output=True, timeout=60, check=True)
            told: dict[str, Any] = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise InfrastructureError(f"cannot ask {python} where its library is: {error}") from error
        numpy = str(Path(told["numpy"]).parent.parent) if told["numpy"] else None
        paths = tuple(path for path in (told["stdlib"], told["dynload"]) if path)
        return cls(paths, told["prefix"], tuple(told["site"]), numpy)


@dataclass(frozen=True)
class Reach:
    """What is readable. Paths that do not exist are skipped by whoever uses it.

    Attributes:
        trees: folders and files.
        hidden: folders inside them that are not.
        shown: folders inside those that are, after all.
        listed: folders whose names may be listed, without what is in the files.
    """

    trees: tuple[str, ...]
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    listed: tuple[str, ...]

    def settings(self) -> dict[str, list[str]]:
        """As the agent reads it."""
        return {
            "trees": list(self.trees),
            "hidden": list(self.hidden),
            "shown": list(self.shown),
            "listed": list(self.listed),
        }


def reach(interpreter: Interpreter, *, toolchains: bool) -> Reach:
    """What programs of one flavour may read."""
    trees = [*_LIBRARIES, *_FILES, *interpreter.paths, *(_TOOLCHAINS if toolchains else ())]
    trees += [str(path) for path in Path(interpreter.prefix, "lib").glob("lib*.so*")]
    hidden = {*interpreter.site, *_package_folders(interpreter.prefix), *_package_folders("/usr")}
    hidden |= {*_package_folders("/usr/local"), f"{interpreter.paths[0]}/site-packages"}
    numpy = interpreter.numpy
    shown = [f"{numpy}/{name}" for name in _PACKAGES] if numpy else []
    existing = tuple(path for path in trees if Path(path).exists())
    return Reach(existing, tuple(sorted(hidden)), tuple(shown), (numpy,) if numpy else ())


def _package_folders(prefix: str) -> list[str]:
    return [str(path) for path in Path(prefix, "lib").glob("python3*/*-packages")]
