"""`prorl doctor`: looks at this installation and says what will not work, before a run finds out."""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from prorl_envs.core import Status, Task
from prorl_envs.env import VerifiableEnv
from prorl_envs.errors import ProrlError
from prorl_envs.registry import broken_plugins, environments
from prorl_envs.scoring import Scorer
from sandbox import Level, survey

__all__ = ["Check", "checks", "main"]

_REQUIRED = ("gymnasium", "reasoning-gym", "math-verify", "pint", "langdetect", "pydantic")
_OPTIONAL = {"torch": "train", "transformers": "train", "trl": "train", "vllm": "vllm", "docker": "docker"}
_ROOT = Path(__file__).resolve().parents[2]


class Check(NamedTuple):
    """One line of the report: what was looked at, "ok", "note" or "problem", and what was found."""

    what: str
    state: str
    found: str


@dataclass
class Options:
    """Look at this installation."""


def main(argv: Sequence[str]) -> int:
    """Prints the report. Returns 1 when there is a problem."""
    tyro.cli(Options, args=list(argv), prog="prorl doctor")
    console = Console()
    table = Table("what", "", "found")
    colours = {"ok": "green", "note": "yellow", "problem": "red"}
    failed = False
    for check in checks():
        table.add_row(check.what, f"[{colours[check.state]}]{check.state}[/]", escape(check.found))
        failed |= check.state == "problem"
    console.print(table)
    return 1 if failed else 0


def checks() -> Iterator[Check]:
    """Every check, in order."""
    yield Check("python", "ok", f"{platform.python_version()} on {platform.machine()}")
    yield Check("cpus", "ok", f"{len(os.sched_getaffinity(0))} usable")
    yield from _packages()
    yield from _name_clashes()
    yield from _plugins()
    yield from _sandbox()
    yield from _environments()


def _packages() -> Iterator[Check]:
    for name in _REQUIRED:
        found = _version(name)
        yield Check(name, "ok" if found else "problem", found or "not installed")
    for name, extra in _OPTIONAL.items():
        found = _version(name)
        yield Check(name, "ok" if found else "note", found or f"not installed: prorl-envs[{extra}] brings it")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _name_clashes() -> Iterator[Check]:
    """`adapters` is also a package of AdapterHub; `datasets` must stay Hugging Face's."""
    other = _version("adapters")
    origin = _origin("adapters")
    ours = origin is not None and origin.parent.parent == _ROOT
    if other or not ours:
        found = f"the package 'adapters' {other or ''} at {origin} hides ours: pip uninstall adapters"
        yield Check("name clash", "problem", found)
    datasets = _origin("datasets")
    if datasets is not None and datasets.parent.parent == _ROOT:
        yield Check("name clash", "problem", f"{datasets} hides Hugging Face datasets: remove it")


def _origin(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec and spec.origin else None


def _plugins() -> Iterator[Check]:
    for name, reason in broken_plugins().items():
        yield Check(f"plug-in {name}", "problem", reason)


def _sandbox() -> Iterator[Check]:
    """Each level of the sandbox, the strongest first, and each layer of the one that programs will get."""
    told = False
    daemon = "DOCKER_HOST" in os.environ or Path("/var/run/docker.sock").exists()
    for report in survey(docker=daemon and _version("docker") is not None):
        level = f"sandbox: {report.level.label}"
        if not report.reached:
            yield Check(level, "note", report.why)
            continue
        yield Check(level, "ok", "reached")
        if not told and report.level is not Level.DOCKER:
            told = True
            for layer, found in report.layers.items():
                yield Check(f"  {layer}", "ok" if found.startswith("on") else "note", found)
    if not told:
        yield Check("sandbox", "problem", "no level that holds a program without Docker: see above")


def _environments() -> Iterator[Check]:
    """Makes every environment and has one reference response judged."""
    with Scorer(workers=1) as shared:
        for spec in environments():
            if spec.verifier is None:
                yield _try(spec.id, partial(VerifiableEnv, **spec.make_kwargs, scorer=shared))
                continue
            with Scorer(workers=1, verifiers={spec.domain: spec.verifier}) as own:
                yield _try(spec.id, partial(VerifiableEnv, **spec.make_kwargs, scorer=own))


def _try(id: str, make: Callable[[], VerifiableEnv]) -> Check:
    start = time.monotonic()
    try:
        env = make()
        task: Task = env.tasks[0]
        verdict = env.scorer.score([task], [task.meta.get("reference", "")])[0]
    except ProrlError as error:
        return Check(id, "problem", str(error))
    if verdict.status is Status.FAILED:
        return Check(id, "problem", verdict.detail)
    seconds = time.monotonic() - start
    return Check(id, "ok", f"{len(env.tasks)} tasks, first verdict after {seconds:.1f} s")
