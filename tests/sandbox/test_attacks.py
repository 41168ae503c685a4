"""The attack suite: what must not succeed does not, what is honest passes, and the next program is judged right."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace

import pytest

from sandbox import CallTest, Program, ProgramResult, Sandbox, StdinTest, TestStatus
from sandbox.agent.kernel import MACHINE
from sandbox.protocol import Isolation
from tests.sandbox.attacks import DOUBLING, Case, all_cases
from tests.sandbox.conftest import Canaries, open_or_skip

CASES = {case.name: case for case in all_cases()}
HONEST = Program("print(int(input()) * 2)", DOUBLING)

# What a plain process lets happen: shows that the probes can succeed at all.
SHOWN_UNSAFE = (
    "files-secret_file", "files-passwords", "files-list_the_root", "files-other_processes", "memory-memory_files",
    "network-tcp_to_loopback", "network-unix_socket", "network-abstract_socket", "processes-fork",
    "processes-subprocess", "processes-os_system", "processes-own_session", "processes-limits_of_the_parent",
)  # fmt: skip


def run(sandbox: Sandbox, case: Case, canaries: Canaries, isolation: Isolation = "test") -> ProgramResult:
    if case.needs == "numpy" and importlib.util.find_spec("numpy") is None:
        pytest.skip("numpy is not installed")
    if case.needs == "before 3.12" and sys.version_info >= (3, 12):
        pytest.skip("this interpreter limits recursion through C functions, whatever a program says")
    if case.needs == "x86_64" and case.needs != MACHINE:
        pytest.skip("call numbers of another architecture")
    tests = [
        replace(test, expected=canaries.fill(str(test.expected))) if isinstance(test, StdinTest) else test
        for test in case.tests
    ]
    return sandbox.run(
        Program(
            canaries.fill(case.source),
            tests,
            fn_name=case.fn_name,
            compare=case.compare,
            limits=case.limits,
            isolation=isolation,
        )
    )


@pytest.mark.parametrize("name", CASES)
def test_deserves(name: str, held: Sandbox, canaries: Canaries) -> None:
    case = CASES[name]
    result = run(held, case, canaries)
    assert result.fraction == pytest.approx(case.deserves), result
    if case.says is not None and result.tests[0].status is TestStatus.WRONG:
        assert result.tests[0].stdout_head.strip() == case.says, result
    canaries.check()


# What a process shared by tests is documented to weaken: they see each other's inputs, and what they leave.
SHARED = {
    "integrity-read_other_tests_inputs", "integrity-answers_kept_in_a_file",
    "integrity-state_kept_in_the_interpreter", "integrity-state_kept_in_times_and_modes",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES.keys() - SHARED))
def test_deserves_the_same_in_a_shared_process(name: str, any_sandbox: Sandbox, canaries: Canaries) -> None:
    result = run(any_sandbox, CASES[name], canaries, isolation="program")
    assert result.fraction == pytest.approx(CASES[name].deserves), result
    canaries.check()


def test_the_next_program_is_judged_right(held: Sandbox) -> None:
    assert all(result.fraction == 1.0 for result in held.run_many([HONEST] * 8))


@pytest.mark.parametrize("name", SHOWN_UNSAFE)
def test_the_probe_succeeds_without_layers(name: str, canaries: Canaries) -> None:
    with open_or_skip(level="unsafe", allow_unsafe=True) as sandbox:
        result = run(sandbox, CASES[name], canaries)
    canaries.visits.clear()
    assert result.fraction == 1.0, result


def test_there_are_enough() -> None:
    names = [case.name for case in all_cases()]
    assert len(names) == len(set(names))
    assert len(names) >= 200
    assert sum(isinstance(case.tests[0], CallTest) for case in CASES.values()) >= 15
