"""Nothing is left behind, whoever dies; workers come back; levels are never silently weaker."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import (
    ClosedError,
    Level,
    Limits,
    Program,
    ProgramStatus,
    RequirementError,
    Sandbox,
    StdinTest,
    survey,
)
from tests.sandbox.conftest import REPO, open_or_skip

GOOD = Program("print(int(input()) * 2)", [StdinTest("21", "42")])
SLEEPER = Program("import time; time.sleep(60)", [StdinTest("", "")], limits=Limits(total_s=30))


def agents(host: int | None = None) -> set[int]:
    """Processes of agents that the process `host`, by default this one, started: supervisors and below."""
    told = re.compile(rb'"host_pid": %d\b' % (host or os.getpid()))
    parents: dict[int, int] = {}
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and b"agent/boot.py" in (folder / "cmdline").read_bytes():
                status = (folder / "status").read_text()
                parents[int(folder.name)] = int(status.partition("PPid:")[2].split()[0])
                if told.search((folder / "environ").read_bytes()):
                    found.add(int(folder.name))
        except OSError:
            continue
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def traces(pids: set[int]) -> set[str]:
    """Scratch folders and control groups that carry one of these numbers in their names."""
    found = {str(path) for path in Path(tempfile.gettempdir()).glob("prorl-sandbox-*")}
    for controller in Path("/sys/fs/cgroup").glob("*"):
        if controller.is_dir():
            found |= {str(path) for path in controller.rglob("prorl-sandbox-*")}
    return {path for path in found if any(f"prorl-sandbox-{pid}-" in path for pid in pids)}


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def _runs(pid: int) -> bool:
    try:
        return b"agent/boot.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(params=["full", "ns", "confined", "unsafe"])
def level(request: pytest.FixtureRequest) -> str:
    open_or_skip(level=request.param, allow_unsafe=True, workers=1).close()
    return str(request.param)


def test_close_leaves_nothing(level: str) -> None:
    before, open_before = agents(), descriptors()
    names_before = traces({os.getpid()})
    sandbox = Sandbox(level=level, allow_unsafe=True)
    sandbox.run_many([GOOD] * 4)
    ours = agents() - before
    assert ours
    assert traces(ours | {os.getpid()}) - names_before or level == "ns"
    sandbox.close()
    sandbox.close()
    assert eventually(lambda: not agents() - before)
    assert eventually(lambda: not traces(ours | {os.getpid()}) - names_before)
    assert descriptors() == open_before


def test_an_exception_leaves_nothing() -> None:
    before = agents()
    with pytest.raises(ZeroDivisionError), open_or_skip() as sandbox:
        sandbox.run(GOOD)
        raise ZeroDivisionError
    assert eventually(lambda: not agents() - before)


def test_closing_while_a_program_runs(any_sandbox: Sandbox) -> None:
    sandbox = Sandbox(level=any_sandbox.level, workers=1)
    results: list[ProgramStatus] = []
    thread = threading.Thread(target=lambda: results.append(sandbox.run(SLEEPER).status))
    thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    sandbox.close()
    thread.join(10)
    assert time.monotonic() - started < 10
    assert results == [ProgramStatus.INFRA_ERROR]
    with pytest.raises(ClosedError):
        sandbox.run(GOOD)


def test_a_killed_host_leaves_nothing(level: str) -> None:
    code = (
        "import sys; from sandbox import *\n"
        f"s = Sandbox(level={level!r}, allow_unsafe=True, workers=1)\n"
        "print(s.run(Program('print(1)', [StdinTest('', '1')])).fraction, flush=True)\n"
        's.run(Program(\'open("f", "w").write("x")\\nimport time; time.sleep(60)\', '
        "[StdinTest('', '')], limits=Limits(total_s=60)))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPO) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"1.0\n"
        time.sleep(0.5)
        started = agents(host.pid)
        assert started
        names = started | {host.pid}
        host.send_signal(signal.SIGKILL)
        host.wait()
    assert eventually(lambda: not agents(host.pid) and not any(map(_runs, started)))
    assert eventually(lambda: not traces(names))


@pytest.mark.parametrize("victim", ["first", "all"])
def test_a_killed_worker_is_replaced(victim: str, level: str) -> None:
    before, names_before = agents(), traces({os.getpid()})
    with Sandbox(level=level, allow_unsafe=True, workers=1) as sandbox:
        assert sandbox.run(GOOD).fraction == 1.0
        ours = sorted(agents() - before)
        for pid in ours[:1] if victim == "first" else ours:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.3)
        assert sandbox.run(GOOD).fraction == 1.0
    assert eventually(lambda: not agents() - before)
    assert eventually(lambda: not traces({os.getpid(), *ours}) - names_before)


def test_a_worker_killed_while_it_judges_is_not_the_programs_fault(any_sandbox: Sandbox) -> None:
    before = agents()
    slow = Program("import time; time.sleep(1.5); print(1)", [StdinTest("", "1")], limits=Limits(total_s=20))
    with Sandbox(level=any_sandbox.level, workers=1) as sandbox:
        sandbox.run(GOOD)
        results = []
        thread = threading.Thread(target=lambda: results.append(sandbox.run(slow)))
        thread.start()
        time.sleep(0.4)
        for pid in sorted(agents() - before):
            os.kill(pid, signal.SIGKILL)
            break
        thread.join()
        assert results[0].fraction == 1.0, results


def test_threads_and_asyncio_share_one(any_sandbox: Sandbox) -> None:
    results: list[float | None] = []
    threads = [
        threading.Thread(target=lambda: results.append(any_sandbox.run(GOOD).fraction)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()

    async def ask() -> list[float | None]:
        batches = await asyncio.gather(*(any_sandbox.arun_many([GOOD] * 3) for _ in range(3)))
        return [result.fraction for batch in batches for result in batch]

    assert asyncio.run(ask()) == [1.0] * 9
    for thread in threads:
        thread.join()
    assert results == [1.0] * 12


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_gets_workers_of_its_own(any_sandbox: Sandbox) -> None:
    assert any_sandbox.run(GOOD).fraction == 1.0
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = b"0"
        try:
            answer = b"1" if any_sandbox.run(GOOD).fraction == 1.0 else b"0"
            any_sandbox.close()
        finally:
            os.write(writer, answer)
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"1"
    os.close(reader)
    os.waitpid(pid, 0)
    assert any_sandbox.run(GOOD).fraction == 1.0


def test_results_keep_their_order(any_sandbox: Sandbox) -> None:
    programs = [Program(f"print({n})", [StdinTest("", str(n if n % 3 else -1))]) for n in range(30)]
    assert [r.fraction for r in any_sandbox.run_many(programs)] == [float(n % 3 != 0) for n in range(30)]
    assert any_sandbox.run_many([]) == []


def test_unsafe_needs_to_be_asked_for() -> None:
    with pytest.raises(RequirementError, match="allow_unsafe"):
        Sandbox(level="unsafe")
    with pytest.raises(RequirementError, match="allow_unsafe"):
        Sandbox(require="unsafe")


def test_a_container_is_not_more_than_a_container() -> None:
    with pytest.raises(RequirementError, match="require='docker'"):
        Sandbox(backend="docker")


def test_an_unreachable_level_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox import launch

    monkeypatch.setattr(launch.Launcher, "_settings", _without_landlock(launch.Launcher._settings))
    with pytest.raises(RequirementError, match="confined"):
        Sandbox(level="confined")


def _without_landlock(original: Callable[..., dict[str, object]]) -> Callable[..., dict[str, object]]:
    """Settings under which the agent cannot build its layers."""
    return lambda self, flavour: {**original(self, flavour), "scratch": "/no/such/folder"}


def test_every_result_carries_its_level(level: str) -> None:
    with Sandbox(level=level, allow_unsafe=True, workers=1) as sandbox:
        assert sandbox.run(GOOD).level is sandbox.level is Level.of(level)
        if level != "unsafe":
            assert sandbox.report["seccomp"] == "on"
            assert sandbox.report["capabilities"] == "on"


def test_a_starved_timeout_is_retried_alone(any_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox import load

    monkeypatch.setattr(load.Meter, "starved", lambda self, wall, cpu: True)
    before = any_sandbox.stats.starved_retries
    limits = Limits(total_s=0.3)
    result = any_sandbox.run(Program("while True: pass", [StdinTest("", "")], limits=limits))
    assert result.status is ProgramStatus.TIMEOUT
    assert result.timings["starved_retries"] == 1.0
    assert any_sandbox.stats.starved_retries == before + 1


def test_a_busy_program_is_not_starved() -> None:
    from sandbox import load

    assert not load.Meter().starved(wall_s=5.0, cpu_s=4.8)


def test_the_survey_says_what_is_reached(any_sandbox: Sandbox) -> None:
    found = {report.level: report for report in survey(docker=False)}
    assert list(found) == [Level.FULL, Level.NS, Level.CONFINED]
    for level, report in found.items():
        assert report.reached == (level in found and not report.why)
        assert report.reached == bool(report.layers)
    assert found[any_sandbox.level].reached
