"""Measures the sandbox beside what it replaces, in one run on one machine, and prints ratios.

    python -m benchmarks.sandbox [--level confined] [--rounds 5] [--docker] [--peer FOLDER] [--first] [--output FILE]

Rounds of all contestants are interleaved, so that a busy neighbour slows them alike. Times are medians. Where other
work cannot be stopped, ``--first`` (root) runs all contestants ahead of it, by the real-time scheduler.

* *floor*: a warm bare interpreter that forks by the C library, executes a compiled one-line program and exits;
  *preloaded*: the same, with the modules loaded that a judge loads beforehand.
* *subprocess*: ``python3`` started for each test.
* *in-process*: PRIME's way, in our own words: a manager and one forked process per program execute it on all tests
  with its standard streams replaced; if not all pass, each of the first ten tests again with ones of its own.
* *peer*: the real thing, verl's ``prime_code``, where ``--peer`` says it lies.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.sandbox_peers import TESTS, by_subprocess, floor, in_process, real_peer
from benchmarks.tables import publish
from sandbox import Program, Sandbox, StdinTest

SOURCE = "print(int(input()) * 2)"
WRONG = "print(int(input()) * 2 + 1)"
PRELOADED = (
    "bisect", "collections", "copy", "ctypes", "functools", "heapq", "itertools", "json", "math", "operator", "re",
    "string",
)  # fmt: skip
MANY = 100
"""Tests of a program that has many."""


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def program(source: str = SOURCE, times: int = 1, **options: object) -> Program:
    """The program of every contestant, its tests repeated."""
    return Program(source, [StdinTest(a, b) for a, b in TESTS] * times, **options)  # type: ignore[arg-type]


def throughput(sandbox: Sandbox, count: int, **options: object) -> tuple[float, float]:
    """Programs per second, all workers busy; CPU seconds per program, the judge's included."""
    programs = [program(**options) for _ in range(count)]
    cpu = time.process_time() + _agents()[0]
    took = _timed(lambda: sandbox.run_many(programs))
    return count / took, (time.process_time() + _agents()[0] - cpu) / count


def together(body: Callable[[], object], count: int, threads: int) -> float:
    """Calls per second from `threads` threads."""
    with ThreadPoolExecutor(threads) as pool:
        return count / _timed(lambda: list(pool.map(lambda _: body(), range(count))))


@contextlib.contextmanager
def contestants(level: str | None, docker: bool) -> Iterator[dict[str, Sandbox]]:
    """The sandboxes to measure."""
    with contextlib.ExitStack() as stack:
        found = {
            "all": stack.enter_context(Sandbox(level=level)),
            "one": stack.enter_context(Sandbox(level=level, workers=1)),
        }
        if docker:
            found["docker"] = stack.enter_context(Sandbox(backend="docker", require="docker", workers=1))
        yield found


class Bench:
    """One run.

    Attributes:
        seen: what was measured, by name: seconds, or programs per second.
    """

    def __init__(self, boxes: dict[str, Sandbox], peer: Callable[[str], bool] | None) -> None:
        self.boxes, self.peer = boxes, peer
        self.seen: dict[str, list[float]] = {}

    def note(self, name: str, *values: float) -> None:
        """Adds measurements."""
        self.seen.setdefault(name, []).extend(values)

    def round(self) -> None:
        """Every contestant once."""
        self._latencies()
        self._throughputs()
        cpus = self.boxes["all"].workers
        self.note("subprocess_programs_per_s", together(partial(by_subprocess, SOURCE), 6, cpus))
        judges = {"in_process": in_process, **({"peer": self.peer} if self.peer else {})}
        for name, judge in judges.items():
            assert judge(SOURCE) and not judge(WRONG), f"{name} misjudges"
            self.note(f"{name}_programs_per_s", together(partial(judge, SOURCE), 8, cpus))
            self.note(f"{name}_programs_per_s_wrong", together(partial(judge, WRONG), 2, cpus))

    def _latencies(self) -> None:
        self.note("floor_s", *floor(150))
        self.note("floor_preloaded_s", *floor(150, PRELOADED))
        one = self.boxes["one"]
        for key, box, subject in (
            ("per_test_s", one, program()),
            ("docker_per_test_s", self.boxes.get("docker"), program()),
            ("shared_per_test_s", one, program(isolation="program")),
            ("shared_per_test_of_many_s", one, program(times=MANY // len(TESTS), isolation="program")),
        ):
            if box is not None:
                times = [_timed(partial(box.run, subject)) for _ in range(15)]
                self.note(key, *(t / len(subject.tests) for t in times))  # type: ignore[arg-type]
        times = [_timed(partial(by_subprocess, SOURCE)) for _ in range(2)]
        self.note("subprocess_per_test_s", *(t / len(TESTS) for t in times))

    def _throughputs(self) -> None:
        for key, box, count, options in (
            ("", "all", 60, {}),
            ("_one_worker", "one", 40, {}),
            ("_wrong", "all", 60, {"source": WRONG}),
            ("_shared", "all", 120, {"isolation": "program"}),
        ):
            speed, cpu = throughput(self.boxes[box], count, **options)  # type: ignore[arg-type]
            self.note(f"programs_per_s{key}", speed)
            self.note(f"cpu_per_program{key}_s", cpu)


def _put_first() -> None:
    """Agents in containers are no children of this process, which have its scheduling anyway."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and b"agent/boot.py" in (folder / "cmdline").read_bytes():
                os.sched_setscheduler(int(folder.name), os.SCHED_RR, os.sched_param(1))


def measure(level: str | None, rounds: int, docker: bool, peer: Path | None) -> dict[str, float]:
    """All measurements: medians over rounds."""
    with contestants(level, docker) as boxes:
        for box in boxes.values():
            box.run_many([program()] * 4)
        if os.sched_getscheduler(0) == os.SCHED_RR:
            _put_first()
        bench = Bench(boxes, real_peer(peer) if peer else None)
        for _ in range(rounds):
            bench.round()
        memory = _agents()[1]
    result = {name: statistics.median(values) for name, values in bench.seen.items()}
    slowest = statistics.quantiles(bench.seen["per_test_s"], n=100)[98]
    return {**result, "per_test_p99_s": slowest, "worker_pss_mb": memory, "worker_boot_s": _boot(level)}


def _boot(level: str | None) -> float:
    def start() -> None:
        with Sandbox(level=level, workers=1):
            booted.append(time.perf_counter() - started)

    booted: list[float] = []
    for _ in range(5):
        started = time.perf_counter()
        start()
    return statistics.median(booted)


def _agents() -> tuple[float, float]:
    """CPU seconds that all agents' processes took so far, and the proportional memory of one worker's in MiB."""
    cpu = memory = 0.0
    agents = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if folder.name.isdigit() and b"agent/boot.py" in (folder / "cmdline").read_bytes():
                # User and system time, its own and that of children it waited for.
                times = (folder / "stat").read_text().rpartition(")")[2].split()[11:15]
                cpu += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
                rollup = (folder / "smaps_rollup").read_text().splitlines()
                memory += next(int(line.split()[1]) for line in rollup if "Pss:" in line) / 1024
                agents += 1
    # A supervisor and its zygote are one worker.
    return cpu, memory / max(1, agents / 2)


TARGETS = (
    ("per test / floor", "per_test_s", "floor_s", "<=", 1.6),
    ("per test / preloaded floor", "per_test_s", "floor_preloaded_s", "", 0),
    ("subprocess per test / per test", "subprocess_per_test_s", "per_test_s", ">=", 8),
    ("throughput / subprocess", "programs_per_s", "subprocess_programs_per_s", ">=", 9),
    ("throughput / in-process, passing", "programs_per_s", "in_process_programs_per_s", ">=", 3),
    ("throughput / in-process, failing", "programs_per_s_wrong", "in_process_programs_per_s_wrong", ">=", 25),
    ("throughput / peer, passing", "programs_per_s", "peer_programs_per_s", ">=", 3),
    ("throughput / peer, failing", "programs_per_s_wrong", "peer_programs_per_s_wrong", ">=", 25),
    ("all workers / one worker", "programs_per_s", "programs_per_s_one_worker", ">=", 1.8),
    ("the same, by CPU per program", "cpu_per_program_s", "cpu_per_program_one_worker_s", "", 0),
    ("isolation=program / per test", "shared_per_test_s", "per_test_s", "<=", 0.1),
    (f"the same, {MANY} tests", "shared_per_test_of_many_s", "per_test_s", "<=", 0.1),
    ("docker per test / per test", "docker_per_test_s", "per_test_s", "<=", 1.2),
)


def report(seen: dict[str, float]) -> list[str]:
    """Measurements, then ratios beside what they should reach."""
    lines = []
    for name, value in sorted(seen.items()):
        seconds = name.endswith("_s") and "per_s" not in name
        lines.append(f"{name:36} {value * 1e3:10.3f} ms" if seconds else f"{name:36} {value:10.2f}")
    lines.append("")
    for title, top, bottom, sign, target in TARGETS:
        if top in seen and bottom in seen:
            ratio = seen[top] / seen[bottom]
            good = ratio <= target if sign == "<=" else ratio >= target
            verdict = f"   target {sign} {target:<5} {'reached' if good else 'NOT reached'}" if sign else ""
            lines.append(f"{title:36} {ratio:8.2f}{verdict}")
    return lines


def main() -> None:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--level", help="exactly this level; the strongest by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docker", action="store_true", help="measure the Docker backend too")
    parser.add_argument("--peer", type=Path, help="the folder of verl's prime_code")
    parser.add_argument(
        "--first", action="store_true", help="ahead of all other work of the machine; needs root"
    )
    parser.add_argument("--output", type=Path, help="write the report here")
    arguments = parser.parse_args()
    if arguments.first:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    load = os.getloadavg()[0]
    seen = measure(arguments.level, arguments.rounds, arguments.docker, arguments.peer)
    command = f"`python -m benchmarks.sandbox {' '.join(sys.argv[1:])}`"
    about = f"{os.cpu_count()} CPUs, load {load:.1f} before, Python {sys.version.split()[0]}"
    publish([command, "", "```text", about, "", *report(seen), "```"], arguments.output)


if __name__ == "__main__":
    main()
