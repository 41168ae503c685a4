"""The code verifier: which block is the program, what the truth may look like, what becomes of each outcome."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from prorl_envs.core import Status, Task, Verdict, Verifier
from prorl_envs.errors import ConfigError, InfrastructureError, TaskError
from prorl_envs.verifiers import BUILTIN, VerifierSpec, code_program
from prorl_envs.verifiers.code_program import CodeVerifier
from sandbox import Sandbox, SandboxError

SAMPLES = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "code.jsonl"
DOUBLING = {"inputs": ["1\n", "2\n", "10\n"], "outputs": ["2\n", "4\n", "20\n"]}
GOOD = "print(int(input()) * 2)"


@pytest.fixture(scope="module")
def verifier() -> CodeVerifier:
    made = CodeVerifier()
    try:
        made.prepare()
    except InfrastructureError as error:
        pytest.skip(str(error))
    return made


def task(truth: dict[str, Any] | None = None, prompt: str = "Double the number.") -> Task:
    return Task("code", prompt, truth or DOUBLING)


def fenced(code: str, language: str = "python") -> str:
    return f"<think>\nhm\n</think>\nSo:\n```{language}\n{code}\n```\n"


def test_it_is_a_verifier_and_its_import_is_cheap() -> None:
    made = VerifierSpec(BUILTIN["code"]).build()
    assert isinstance(made, Verifier)
    assert made.isolated
    assert made.kind == "continuous"


def test_the_share_of_tests_is_the_reward(verifier: CodeVerifier) -> None:
    whole = verifier.verify(fenced(GOOD), task())
    assert (whole.reward, whole.status, whole.correct) == (1.0, Status.CORRECT, True)
    some = verifier.verify(fenced("n = int(input())\nprint(2 * n if n < 10 else 0)"), task())
    assert some.reward == pytest.approx(2 / 3)
    assert (some.status, some.correct) == (Status.PARTIAL, False)
    none = verifier.verify(fenced("print(0)"), task())
    assert (none.reward, none.status) == (0.0, Status.WRONG)
    assert {*whole.parts} == {*some.parts} == {*none.parts} == {*CodeVerifier.part_names}
    assert some.parts["passed"] == some.reward


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ("", Status.NO_ANSWER),
        ("The answer is 42.", Status.NO_ANSWER),
        (GOOD, Status.NO_ANSWER),
        (f"<think>```python\n{GOOD}\n```</think> I do not know.", Status.NO_ANSWER),
        (f"<think>```python\n{GOOD}\n```", Status.TRUNCATED),
        ("```python\nprint(", Status.WRONG),
        ("```python\n```", Status.WRONG),
        ("```python\n\0\n```", Status.WRONG),
        ("```python\n'\ud800'\n```", Status.WRONG),
        (f"```python\nraise SystemExit\n{GOOD}\n```", Status.WRONG),
        (f"```python\n{GOOD}\n```", Status.CORRECT),
        (f"```py\n{GOOD}\n```", Status.CORRECT),
        (f"```\n{GOOD}\n```", Status.CORRECT),
        (f"```python\nprint(0)\n```\nNo, better:\n```python\n{GOOD}\n```", Status.CORRECT),
        (f"```python\n{GOOD}\n```\nNo, better:\n```python\nprint(0)\n```", Status.WRONG),
        (f"```python\n{GOOD}\n```\nIt prints:\n```text\n42\n```", Status.CORRECT),
        (f"```python\n{GOOD}", Status.CORRECT),
        (f"</think></think>\n~~~python\n{GOOD}\n~~~", Status.CORRECT),
    ],
)
def test_which_block_is_the_program(verifier: CodeVerifier, response: str, status: Status) -> None:
    assert verifier.verify(response, task()).status is status


def test_hostile_texts_are_answered(verifier: CodeVerifier) -> None:
    for response in (
        "`" * 1_000_000,
        "```python\n" * 100_000,
        "\0" * 100_000,
        "```python\n" + "(" * 1_000_000,
    ):
        verdict = verifier.verify(response, task())
        assert verdict.reward == 0.0


def test_past_five_seconds_in_total_nothing_counts() -> None:
    quick = CodeVerifier(deadline_s=0.5)
    verdict = quick.verify(fenced("n = int(input())\nprint(2 * n, flush=True)\nwhile n == 10: pass"), task())
    assert (verdict.reward, verdict.status) == (0.0, Status.TIMEOUT)


def test_compile_errors_are_told_apart(verifier: CodeVerifier) -> None:
    verdict = verifier.verify(fenced("def f(:"), task())
    assert (verdict.reward, verdict.parts["compiled"]) == (0.0, 0.0)
    assert "SyntaxError" in verdict.detail


def test_lines_as_lists_and_calls_as_json(verifier: CodeVerifier) -> None:
    lists = {"inputs": [["1", "2"]], "outputs": [["3"]]}
    assert verifier.verify(fenced("print(int(input()) + int(input()))"), task(lists)).correct
    calls = {"inputs": ["1\n[2, 3]", [4, [5]]], "outputs": ["[1, 2, 3]", [4, 5]], "fn_name": "join"}
    assert verifier.verify(fenced("def join(a, b): return [a] + b"), task(calls)).correct
    method = "class Solution:\n    def join(self, a: int, b: List[int]): return [a, *b]"
    assert verifier.verify(fenced(method), task(calls)).correct


@pytest.mark.parametrize(
    ("truth", "field"),
    [
        ({}, "inputs"),
        ({"inputs": [], "outputs": []}, "inputs"),
        ({"inputs": ["1"], "outputs": []}, "outputs"),
        ({"inputs": ["1"], "outputs": ["1", "2"]}, "length"),
        ({"inputs": "1", "outputs": "2"}, "inputs"),
        ({"inputs": [1], "outputs": ["2"]}, r"inputs\[0\]"),
        ({"inputs": ["oops"], "outputs": ["2"], "fn_name": "f"}, r"inputs\[0\]"),
        ({"inputs": ["1"], "outputs": ["oops"], "fn_name": "f"}, r"outputs\[0\]"),
        ({"test": "", "entry_point": "f"}, "test"),
        ({"test": "assert f()"}, "entry_point"),
        ({**DOUBLING, "language": 3}, "language"),
    ],
)
def test_a_malformed_truth_names_its_field(truth: dict[str, Any], field: str) -> None:
    broken = Task("code", "p", truth)
    with pytest.raises(TaskError, match=field):
        CodeVerifier().check(broken)


STUB = 'import math\n\n\ndef area(r: float) -> float:\n    """Area of a circle.\n    >>> area(0)\n    0.0\n    """\n'
ASSERTS = {
    "test": "def check(f):\n    assert f(0) == 0\n    assert abs(f(1) - 3.14159265) < 1e-6\n",
    "entry_point": "area",
}


@pytest.mark.parametrize(
    "prompt",
    [STUB, f"Complete this function.\n\n```python\n{STUB}```\nUse one block.", f"Please complete:\n\n{STUB}"],
    ids=["bare", "fenced", "after prose"],
)
@pytest.mark.parametrize(
    "block",
    [
        "    return math.pi * r * r",
        "return math.pi * r * r",
        "def area(r):\n    return math.pi * r * r",
        "import math\n\ndef helper(x):\n    return x * x\n\ndef area(r):\n    return math.pi * helper(r)",
        "area = lambda r: math.pi * r ** 2",
    ],
    ids=["indented body", "bare body", "function alone", "whole program", "lambda"],
)
def test_bodies_and_whole_functions(verifier: CodeVerifier, prompt: str, block: str) -> None:
    verdict = verifier.verify(fenced(block), task(ASSERTS, prompt))
    assert verdict.reward == 1.0, verdict


def test_part_of_the_asserts(verifier: CodeVerifier) -> None:
    assert verifier.verify(fenced("    return 0"), task(ASSERTS, STUB)).reward == 0.5


def test_humaneval_as_functions_and_as_bodies(verifier: CodeVerifier, shared_data: Path) -> None:
    with gzip.open(shared_data / "code" / "HumanEval.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines][::8]
    wrong = []
    for row in rows:
        asked = Task("code", row["prompt"], {"test": row["test"], "entry_point": row["entry_point"]})
        for block in (row["canonical_solution"], row["prompt"] + row["canonical_solution"]):
            if verifier.verify(fenced(block), asked).reward != 1.0:
                wrong.append((row["task_id"], block))
    assert not wrong


def test_every_sample_is_solved_by_its_reference(verifier: CodeVerifier) -> None:
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    assert 20 <= len(rows) <= 40
    for row in rows:
        asked = Task("code", row["problem"], row["truth"])
        verdict = verifier.verify(row["reference"], asked)
        assert verdict.reward == 1.0, (row["problem"], verdict)
        assert verifier.verify(fenced("pass"), asked).reward == 0.0


def test_many_threads_share_one_sandbox(verifier: CodeVerifier) -> None:
    seen: list[Verdict] = []
    threads = [
        threading.Thread(target=lambda: seen.append(CodeVerifier().verify(fenced(GOOD), task())))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.reward for verdict in seen] == [1.0] * 10
    assert CodeVerifier()._sandbox() is verifier._sandbox()


def test_our_own_failures_are_never_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Sandbox, program: object) -> None:
        raise SandboxError("the machine is on fire")

    made = CodeVerifier()
    monkeypatch.setattr(code_program.CodeVerifier, "_sandbox", lambda self: object.__new__(Sandbox))
    monkeypatch.setattr(Sandbox, "run", fail)
    verdict = made.verify(fenced(GOOD), task())
    assert (verdict.reward, verdict.status, verdict.correct) == (None, Status.FAILED, None)
    assert "on fire" in verdict.detail


def test_a_missing_level_is_a_failure_that_says_why() -> None:
    unsafe = CodeVerifier(level="unsafe")
    with pytest.raises(InfrastructureError, match="allow_unsafe"):
        unsafe.prepare()
    assert unsafe.verify(fenced(GOOD), task()).status is Status.FAILED


def test_bad_options_are_refused() -> None:
    for options in ({"deadline_s": 0}, {"memory_mb": -1}, {"isolation": "none"}):
        with pytest.raises(ConfigError):
            VerifierSpec("prorl_envs.verifiers.code_program:CodeVerifier", options).build()


def test_verdicts_are_the_same_every_time(verifier: CodeVerifier) -> None:
    response = fenced(
        "import random\nn = int(input())\nprint(2 * n if random.random() < 0.5 else n, *{'a', 'b', 'c'})"
    )
    seen = {json.dumps(verifier.verify(response, task()).to_dict()) for _ in range(5)}
    assert len(seen) == 1
