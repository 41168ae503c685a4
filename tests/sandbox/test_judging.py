# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""What is judged, and how: statuses, limits, call and assert tests, isolation by program, languages, bad input."""

from __future__ import annotations

import gzip
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sandbox as room
from sandbox import (
    Asserts,
    CallTest,
    InfrastructureError,
    InvalidProgramError,
    Level,
    Limits,
    Program,
    ProgramStatus,
    RequirementError,
    Sandbox,
    StdinTest,
    TestStatus,
    ToolchainError,
    UnknownLanguageError,
    checker,
    float_compare,
)
from sandbox.asserts import calls_of

DOUBLE = "print(int(input()) * 2)"
TESTS = [StdinTest(str(n), str(2 * n)) for n in range(4)]


def test_all_tests_run_and_the_share_counts(any_sandbox: Sandbox) -> None:
    result = any_sandbox.run(Program("n = int(input())\nprint(2 * n if n != 1 else 7)", TESTS))
    assert result.fraction == 0.75
    assert [test.status.value for test in result.tests] == ["pass", "wrong", "pass", "pass"]
    assert result.tests[1].stdout_head == "7\n"
    assert not result.passed


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("1 / 0", TestStatus.RUNTIME_ERROR),
        ("raise MemoryError", TestStatus.MEMORY),
        ("import os; os.kill(os.getpid(), 11)", TestStatus.KILLED),
        ("print('x' * (1 << 21))", TestStatus.OUTPUT_LIMIT),
        ("print(1)", TestStatus.WRONG),
    ],
)
def test_each_way_to_fail_has_a_name(any_sandbox: Sandbox, source: str, status: TestStatus) -> None:
    limits = Limits(output_bytes=1 << 20)
    result = any_sandbox.run(Program(source, [StdinTest("", "never")], limits=limits))
    assert result.status is ProgramStatus.OK
    assert result.tests[0].status is status, result


def test_past_the_total_time_nothing_counts(any_sandbox: Sandbox) -> None:
    source = "n = int(input())\nprint(2 * n, flush=True)\nwhile n == 3: pass"
    result = any_sandbox.run(Program(source, TESTS, limits=Limits(total_s=0.5)))
    assert result.status is ProgramStatus.TIMEOUT
    assert result.fraction == 0.0
    assert [test.passed for test in result.tests] == [True, True, True, False]


def test_a_limit_per_test_leaves_the_others(any_sandbox: Sandbox) -> None:
    source = "n = int(input())\nprint(2 * n, flush=True)\nwhile n == 1: pass"
    result = any_sandbox.run(Program(source, TESTS, limits=Limits(total_s=20, test_s=0.3)))
    assert result.status is ProgramStatus.OK
    assert result.fraction == 0.75
    assert result.tests[1].status is TestStatus.TIMEOUT


def test_sleeping_counts_as_time(any_sandbox: Sandbox) -> None:
    source = f"import time; time.sleep(0.2)\n{DOUBLE}"
    assert any_sandbox.run(Program(source, TESTS, limits=Limits(total_s=0.5))).status is ProgramStatus.TIMEOUT


def test_a_syntax_error_scores_nothing(any_sandbox: Sandbox) -> None:
    result = any_sandbox.run(Program("print(1\nfoo bar", TESTS))
    assert (result.status, result.fraction, result.tests) == (ProgramStatus.COMPILE_ERROR, 0.0, ())
    assert "SyntaxError" in result.detail


def test_one_process_per_program_runs_failures_again(any_sandbox: Sandbox) -> None:
    counting = (
        "import sys\nsys.n = getattr(sys, 'n', 0) + 1\nprint(int(input()) * 2 if sys.n == 1 else 'stale')"
    )
    many = [StdinTest(str(n), str(2 * n)) for n in range(40)]
    shared = any_sandbox.run(Program(counting, many, isolation="program"))
    assert shared.fraction == 1.0, "tests that failed only for what was carried over must be run again, fresh"
    wrong = any_sandbox.run(Program("print(int(input()) // 7)", many, isolation="program"))
    fresh = any_sandbox.run(Program("print(int(input()) // 7)", many))
    assert wrong.fraction == fresh.fraction
    dying = "import os\nn = int(input())\nif n == 3: os._exit(1)\nprint(2 * n)"
    assert any_sandbox.run(Program(dying, many, isolation="program")).fraction == 39 / 40
    hanging = Program("while True: pass", many, isolation="program", limits=Limits(total_s=0.5))
    assert any_sandbox.run(hanging).status is ProgramStatus.TIMEOUT


def test_calls_in_one_process(any_sandbox: Sandbox) -> None:
    program = Program(
        "def f(n: int) -> List[int]: return [n]",
        [CallTest([n], [n]) for n in range(30)],
        fn_name="f",
        isolation="program",
    )
    assert any_sandbox.run(program).fraction == 1.0


@pytest.mark.parametrize(
    ("expected", "result", "equal"),
    [
        ([3], "3", True),
        ([3, 4], "3", False),
        ([[1, 2]], "(1, 2)", True),
        ({"1": 2}, "{1: 2}", True),
        ([{"1": 2}], "{1: 2}", True),
        (1, "True", True),
        (3, "3.0000001", False),
        (None, "float('nan')", False),
        ([1], "{1}", False),
        ("a", "b'a'", False),
        (5, "object()", False),
        (0, "(lambda x: x.append(x) or x)([])", False),
    ],
)
def test_results_of_calls(any_sandbox: Sandbox, expected: Any, result: str, equal: bool) -> None:
    program = Program(f"def f(): return {result}", [CallTest([], expected)], fn_name="f")
    assert any_sandbox.run(program).passed is equal


def test_keyword_arguments_and_rich_plain_data(any_sandbox: Sandbox) -> None:
    source = "def f(a, *, b): return {'set': a, 'bytes': b, 't': (1, 2j), 'inf': -float('inf'), 'none': None}"
    expected = {"set": {1, 2}, "bytes": b"\0x", "t": (1, 2j), "inf": -float("inf"), "none": None}
    tests = [CallTest([{1, 2}], expected, {"b": b"\0x"})]
    assert any_sandbox.run(Program(source, tests, fn_name="f", compare="exact")).passed


def test_a_checker_runs_in_the_judge(any_sandbox: Sandbox) -> None:
    seen: list[tuple[str, str, str]] = []

    def accepts(stdin: str, expected: str, output: str) -> bool:
        seen.append((stdin, expected, output))
        return int(output) in (6, 7)

    assert any_sandbox.run(Program("print(7)", [StdinTest("s", "e")], compare=checker(accepts))).passed
    assert seen == [("s", "e", "7\n")]
    near = Program("print(1.01)", [StdinTest("", "1.0")], compare=float_compare(rtol=0.1))
    assert any_sandbox.run(near).passed


def test_a_broken_checker_is_no_wrong_answer(any_sandbox: Sandbox) -> None:
    broken = Program("print(7)", [StdinTest("", "")], compare=checker(lambda *_: 1 / 0))
    assert any_sandbox.run(broken).fraction is None


ASSERTS = """
def check(candidate):
    assert candidate(1) == 2
    assert candidate(2) == 4, "message"
    assert abs(candidate(3) - 6.0) < 1e-6
    assert not candidate(0)
"""


def test_asserts_on_literals_are_judged_outside(any_sandbox: Sandbox) -> None:
    calls = calls_of(ASSERTS, "f")
    assert calls is not None
    assert [call.args for call in calls] == [[1], [2], [3], [0]]
    assert any_sandbox.run(Program("def f(n): return 2 * n", Asserts(ASSERTS, "f"))).fraction == 1.0
    assert any_sandbox.run(Program("def f(n): return 2", Asserts(ASSERTS, "f"))).fraction == 0.25
    cheat = "class A:\n  def __eq__(self, o): return True\n  def __bool__(self): return False\ndef f(n): return A()"
    result = any_sandbox.run(Program(cheat, Asserts(ASSERTS, "f")))
    assert (result.fraction, result.integrity) == (0.0, "strong")


TESTER = """
def check(candidate):
    secret = [n * 37 for n in range(5)]
    for n, wanted in enumerate(secret):
        assert candidate(n) == wanted
    try:
        candidate("x")
    except TypeError:
        pass
    assert helper(1) == 2
"""


def test_other_test_code_runs_away_from_the_candidate(any_sandbox: Sandbox) -> None:
    assert calls_of(TESTER, "f") is None
    good = "def helper(n): return n + 1\ndef f(n): return n * 37 + 0 if isinstance(n, int) else 1 / 0 + n"
    assert any_sandbox.run(Program(good, Asserts(TESTER, "f"))).fraction == pytest.approx(5 / 6, abs=0.2)
    peeking = (
        "import gc, sys\ndef helper(n): return n + 1\n"
        "def f(n):\n    text = ' '.join(repr(o) for o in gc.get_objects() if type(o) in (list, dict, str))\n"
        "    return 37 * n if 'n * 37' in text.replace(\"'n * 37' in\", '') else -1\n"
    )
    result = any_sandbox.run(Program(peeking, Asserts(TESTER, "f")))
    assert result.fraction is not None
    assert result.fraction < 0.5
    assert any_sandbox.run(Program("import sys; sys.exit(0)", Asserts(TESTER, "f"))).fraction == 0.0


OPAQUE = "def check(candidate):\n    for _ in range(2):\n        assert candidate(1).value == 1\n"
OBJECT = "class P:\n    def __init__(self, v): self.value = v\ndef f(n): return P(n)"


def test_objects_need_the_weak_way(any_sandbox: Sandbox) -> None:
    strict = any_sandbox.run(Program(OBJECT, Asserts(OPAQUE, "f")))
    assert (strict.fraction, strict.integrity) == (0.0, "strong")
    weak = any_sandbox.run(Program(OBJECT, Asserts(OPAQUE, "f", allow_weak=True)))
    assert (weak.fraction, weak.integrity) == (1.0, "weak")


def test_humaneval(any_sandbox: Sandbox, shared_data: Path) -> None:
    with gzip.open(shared_data / "code" / "HumanEval.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == 164
    limits = Limits(total_s=20)

    def programs(body: str | None) -> list[Program]:
        return [
            Program(
                row["prompt"] + (row["canonical_solution"] if body is None else body),
                Asserts(row["test"], row["entry_point"]),
                limits=limits,
            )
            for row in rows
        ]

    solved = any_sandbox.run_many(programs(None))
    assert [row["task_id"] for row, result in zip(rows, solved, strict=True) if result.fraction != 1.0] == []
    assert {result.integrity for result in solved} == {"strong"}
    passing = any_sandbox.run_many(programs("    pass\n"))
    assert all(result.fraction is not None and result.fraction < 1.0 for result in passing)
    assert sum(result.fraction == 0.0 for result in passing) >= 150


LANGUAGES = {
    "c": '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d\\n", 2 * n); }',
    "cpp": "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n << std::endl; }",
    "javascript": "const n = parseInt(require('fs').readFileSync(0, 'utf8')); console.log(2 * n)",
    "lua": "print(math.tointeger(io.read('n') * 2))",
    "go": 'package main\nimport "fmt"\nfunc main() { var n int; fmt.Scan(&n); fmt.Println(2 * n) }',
}
BROKEN = {"c": "int main({", "cpp": "int main({", "go": "package main\nfunc main("}


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(held: Sandbox, language: str) -> None:
    limits = Limits(total_s=60)
    try:
        good = held.run(Program(LANGUAGES[language], TESTS, language=language, limits=limits))
    except ToolchainError as error:
        pytest.skip(str(error))
    assert good.fraction == 1.0, good
    if language in BROKEN:
        broken = held.run(Program(BROKEN[language], TESTS, language=language, limits=limits))
        assert (broken.status, broken.fraction) == (ProgramStatus.COMPILE_ERROR, 0.0)
        assert "main" in broken.detail


NATIVE_ATTACKS = {
    "fork": '#include <unistd.h>\n#include <stdio.h>\nint main() { puts(fork() >= 0 ? "BREACH" : "HELD"); }',
    "socket": '#include <sys/socket.h>\n#include <stdio.h>\nint main() { puts(socket(2, 1, 0) >= 0 ? "BREACH" : "HELD"); }',
    "file": '#include <stdio.h>\nint main() { puts(fopen("/etc/passwd", "r") ? "BREACH" : "HELD"); }',
    "kill": '#include <signal.h>\n#include <stdio.h>\n#include <unistd.h>\nint main() { puts(kill(getppid(), 9) ? "HELD" : "BREACH"); }',
    "keep": '#include <stdio.h>\nint main() { FILE *f = fopen("main", "w"); puts(f ? "wrote" : "HELD"); }',
}


@pytest.mark.parametrize("name", NATIVE_ATTACKS)
def test_compiled_programs_are_held_too(held: Sandbox, name: str) -> None:
    tests = [StdinTest("", "HELD"), StdinTest("", "HELD")]
    try:
        program = Program(NATIVE_ATTACKS[name], tests, language="c", limits=Limits(total_s=30))
        assert held.run(program).fraction == 1.0
    except ToolchainError as error:
        pytest.skip(str(error))


def test_compilers_read_nothing_of_the_host(held: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("canary canary")
    source = f'#include "{secret}"\nint main() {{}}'
    try:
        result = held.run(Program(source, TESTS, language="c", limits=Limits(total_s=30)))
    except ToolchainError as error:
        pytest.skip(str(error))
    assert result.status is ProgramStatus.COMPILE_ERROR
    assert "canary canary" not in result.detail


SHOUT = """
name: shout
source: program.txt
keep: [program.txt]
run: [sh, -c, "read word; read line < program.txt; echo $line; echo $word"]
"""


def test_a_language_is_one_file(any_sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "shout.yaml"
    file.write_text(SHOUT)
    with Sandbox(level=any_sandbox.level, workers=1, languages=[file]) as sandbox:
        result = sandbox.run(Program("hello\n", [StdinTest("you\n", "hello\nyou\n")], language="shout"))
    assert result.fraction == 1.0, result


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: x", "missing"),
        ("[1]", "mapping"),
        (SHOUT + "typo: 1\n", "typo"),
        (SHOUT.replace("[program.txt]", "program.txt"), "keep"),
        (SHOUT + "memory: much\n", "memory"),
        ("a: [", "cannot read"),
    ],
)
def test_a_bad_language_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(InvalidProgramError, match=complaint):
        room.languages.Language.read(file)


def test_a_missing_toolchain_is_said(any_sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SHOUT.replace("[sh,", "[no-such-shell,"))
    with (
        Sandbox(level=any_sandbox.level, workers=1, languages=[file]) as sandbox,
        pytest.raises(ToolchainError, match="no-such-shell"),
    ):
        sandbox.run(Program("x", TESTS, language="shout"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Program(DOUBLE, []),
        lambda: Program(DOUBLE, [StdinTest("", ""), CallTest([], 1)], fn_name="f"),
        lambda: Program(DOUBLE, [CallTest([], 1)]),
        lambda: Program(DOUBLE, [CallTest([], 1)], fn_name="not a name"),
        lambda: Program(DOUBLE, [CallTest([], 1)], fn_name="f", language="c"),
        lambda: Program(DOUBLE, Asserts("assert f() == 1", "f"), language="c"),
        lambda: Program(DOUBLE, TESTS, isolation="none"),  # type: ignore[arg-type]
        lambda: Program(b"print()", TESTS),  # type: ignore[arg-type]
        lambda: Limits(total_s=-1),
        lambda: Limits(total_s=float("nan")),
        lambda: Limits(memory_bytes=0),
        lambda: Limits(threads="many"),  # type: ignore[arg-type]
        lambda: float_compare(rtol=-1),
        lambda: Level.of("strong"),
        lambda: Sandbox(workers=0),
    ],
)
def test_what_cannot_be_judged_is_refused(make: Any) -> None:
    with pytest.raises(InvalidProgramError):
        make()


@pytest.mark.parametrize(
    "program",
    [
        Program(DOUBLE, TESTS, compare="loose"),
        Program(DOUBLE, [CallTest([object()], 1)], fn_name="f"),
        Program(DOUBLE, [StdinTest(1, "")]),  # type: ignore[arg-type]
        Program(DOUBLE, Asserts("def check(", "f")),
        Program(DOUBLE, Asserts("x = 1", "f")),
    ],
)
def test_what_cannot_be_planned_is_refused(any_sandbox: Sandbox, program: Program) -> None:
    with pytest.raises(InvalidProgramError):
        any_sandbox.run(program)


def test_an_unknown_language_suggests_the_nearest(any_sandbox: Sandbox) -> None:
    with pytest.raises(UnknownLanguageError, match="javascript"):
        any_sandbox.run(Program(DOUBLE, TESTS, language="javascrip"))


def test_errors_survive_pickling() -> None:
    for error in (UnknownLanguageError("x", ["y"]), RequirementError("r"), InfrastructureError("i")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))


def test_public_names() -> None:
    assert sorted(room.__all__) == room.__all__
    assert all(hasattr(room, name) for name in room.__all__)


@pytest.mark.parametrize("isolation", ["test", "program"])
def test_a_small_limit_on_output_holds_the_program_alone(isolation: Any, any_sandbox: Sandbox) -> None:
    tests = [StdinTest(str(n), str(2 * n)) for n in range(40)]
    limits = Limits(output_bytes=3)
    program = Program("print(int(input()) * 2)", tests, limits=limits, isolation=isolation)
    assert any_sandbox.run(program).fraction == 1.0
    result = any_sandbox.run(replace(program, source="print('long')"))
    assert {test.status for test in result.tests} == {TestStatus.OUTPUT_LIMIT}
