"""Measures the sandbox beside what it replaces, in one run on one machine, and prints ratios.

    python -m benchmarks.sandbox [--level confined] [--rounds 5] [--docker] [--json FILE]

Rounds of all contestants are interleaved, so that a busy neighbour slows them alike. Times are medians.

* *floor*: a warm Python process that forks by the C library, executes a compiled one-line program and exits.
* *subprocess*: ``python3`` started for each test.
* *in-process*: PRIME's way: one forked process per program executes it on all tests with its own standard
  streams replaced; if not all pass, each of the first ten tests again in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox import Program, Sandbox, StdinTest

SOURCE = "print(int(input()) * 2)"
WRONG = "print(int(input()) * 2 + 1)"
TESTS = [(str(n), str(2 * n)) for n in range(10)]

FLOOR = """
import ctypes, gc, os, sys, time
fork = ctypes.PyDLL(None).fork
sys.path[:] = []
code = compile("print(int(input()) * 2)", "p", "exec")
null = os.open("/dev/null", os.O_WRONLY)
def once():
    pid = fork()
    if pid == 0:
        os.dup2(null, 1)
        fd = os.memfd_create("in"); os.write(fd, b"3"); os.lseek(fd, 0, 0); os.dup2(fd, 0)
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
for _ in range(20): once()
gc.freeze()
times = []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter(); once(); times.append(time.perf_counter() - start)
sys.stderr.write(repr(times))
"""


def floor(count: int) -> list[float]:
    """Seconds of `count` bare forks that execute a trivial program."""
    cpu = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import os; os.sched_setaffinity(0, {{{cpu}}})\n{FLOOR}",
            str(count),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(x) for x in done.stderr.strip("[]").split(",")]


def by_subprocess(source: str = SOURCE) -> bool:
    """One program, a new ``python3`` for each test."""
    passed = 0
    for given, wanted in TESTS:
        done = subprocess.run([sys.executable, "-c", source], input=given, capture_output=True, text=True)
        passed += done.stdout.strip() == wanted
    return passed == len(TESTS)


def _execute(source: str, tests: list[tuple[str, str]], results: list[bool]) -> None:
    for given, wanted in tests:
        sys.stdin, out = io.StringIO(given), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(Exception):
            exec(source, {"__name__": "__main__"})  # noqa: S102 - the baseline is this unsafe
        results.append(out.getvalue().strip() == wanted)


def _forked(source: str, tests: list[tuple[str, str]]) -> list[bool]:
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        results = manager.list()
        process = context.Process(target=_execute, args=(source, tests, results))
        process.start()
        process.join(6)
        if process.is_alive():
            process.kill()
        return list(results)


def in_process(source: str = SOURCE) -> bool:
    """One program, PRIME's way."""
    if all(_forked(source, TESTS)):
        return True
    again = [all(_forked(source, [test])) for test in TESTS[:10]]
    return all(again)


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def program(source: str = SOURCE, **options: object) -> Program:
    """The program of every contestant."""
    return Program(source, [StdinTest(a, b) for a, b in TESTS], **options)  # type: ignore[arg-type]


def throughput(sandbox: Sandbox, count: int, **options: object) -> float:
    """Programs per second, all workers busy."""
    programs = [program(**options) for _ in range(count)]
    return count / _timed(lambda: sandbox.run_many(programs))


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


def measure(level: str | None, rounds: int, docker: bool) -> dict[str, float]:
    """All measurements: medians over rounds, in seconds or programs per second."""
    seen: dict[str, list[float]] = {}

    def note(name: str, *values: float) -> None:
        seen.setdefault(name, []).extend(values)

    with contestants(level, docker) as boxes:
        cpus = boxes["all"].workers
        for box in boxes.values():
            box.run_many([program()] * 4)
        shared = program(isolation="program")
        for _ in range(rounds):
            note("floor_s", *floor(150))
            for name, key in (("one", "per_test_s"), ("docker", "docker_per_test_s")):
                if name in boxes:
                    for _ in range(15):
                        note(key, _timed(lambda name=name: boxes[name].run(program())) / len(TESTS))
            note(
                "shared_per_test_s",
                *(_timed(lambda: boxes["one"].run(shared)) / len(TESTS) for _ in range(15)),
            )
            note("subprocess_per_test_s", *(_timed(by_subprocess) / len(TESTS) for _ in range(2)))
            note("programs_per_s", throughput(boxes["all"], 60))
            note("programs_per_s_one_worker", throughput(boxes["one"], 40))
            note("programs_per_s_wrong", throughput(boxes["all"], 60, source=WRONG))
            note("programs_per_s_shared", throughput(boxes["all"], 120, isolation="program"))
            note("subprocess_programs_per_s", together(by_subprocess, 6, cpus))
            note("in_process_programs_per_s", together(in_process, 8, cpus))
            note("in_process_programs_per_s_wrong", together(lambda: in_process(WRONG), 2, cpus))
        memory = worker_memory(boxes["one"])
    result = {name: statistics.median(values) for name, values in seen.items()}
    return {**result, "per_test_p99_s": statistics.quantiles(seen["per_test_s"], n=100)[98], **memory}


def worker_memory(sandbox: Sandbox) -> dict[str, float]:
    """Proportional memory of one worker's processes, in MiB, and the seconds to start one."""
    start = time.perf_counter()
    with Sandbox(level=sandbox.level, workers=1):
        boot = time.perf_counter() - start
    return {"worker_boot_s": boot, "worker_pss_mb": _pss_of_agents() / 2**20}


def _pss_of_agents() -> float:
    total = 0.0
    agents = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if folder.name.isdigit() and b"agent/boot.py" in (folder / "cmdline").read_bytes():
                pss = next(
                    line for line in (folder / "smaps_rollup").read_text().splitlines() if "Pss:" in line
                )
                total += int(pss.split()[1]) * 1024
                agents += 1
    # A supervisor and its zygote are one worker.
    return total / max(1, agents / 2)


TARGETS = (
    ("per test / floor", "per_test_s", "floor_s", "<=", 1.6),
    ("subprocess per test / per test", "subprocess_per_test_s", "per_test_s", ">=", 8),
    ("throughput / subprocess", "programs_per_s", "subprocess_programs_per_s", ">=", 9),
    ("throughput / in-process, passing", "programs_per_s", "in_process_programs_per_s", ">=", 3),
    ("throughput / in-process, failing", "programs_per_s_wrong", "in_process_programs_per_s_wrong", ">=", 25),
    ("all workers / one worker", "programs_per_s", "programs_per_s_one_worker", ">=", 1.8),
    ("isolation=program / per test", "shared_per_test_s", "per_test_s", "<=", 0.1),
    ("docker per test / per test", "docker_per_test_s", "per_test_s", "<=", 1.2),
)


def report(seen: dict[str, float]) -> None:
    """Prints measurements, then ratios beside what they should reach."""
    for name, value in sorted(seen.items()):
        print(
            f"{name:36} {value * 1e3:10.3f} ms"
            if name.endswith("_s") and "per_s" not in name
            else f"{name:36} {value:10.2f}"
        )
    print()
    for title, top, bottom, sign, target in TARGETS:
        if top in seen and bottom in seen:
            ratio = seen[top] / seen[bottom]
            good = ratio <= target if sign == "<=" else ratio >= target
            print(
                f"{title:36} {ratio:8.2f}   target {sign} {target:<5} {'reached' if good else 'NOT reached'}"
            )


def main() -> None:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--level", help="exactly this level; the strongest by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docker", action="store_true", help="measure the Docker backend too")
    parser.add_argument("--json", type=Path, help="write the measurements here")
    arguments = parser.parse_args()
    seen = measure(arguments.level, arguments.rounds, arguments.docker)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} CPUs, load {load:.1f}, Python {sys.version.split()[0]}\n")
    report(seen)
    if arguments.json:
        arguments.json.write_text(json.dumps({**seen, "load": load}, indent=2) + "\n")


if __name__ == "__main__":
    main()
