"""Code: the share of a problem's tests that the response's program passes (ProRL section 3.1, appendix D.2).

The program is the last ```python block after ``</think>``; it runs in the `sandbox` room, never here. The reward
is the share of *all* tests passed; 0 for a program that does not compile, or that takes more than five seconds
over all its tests. A failure of our own machinery is a `failed` verdict, never a 0.

Which block is the program: the last one whose fence names the task's language; else the last one at all. No
block, no answer. In HumanEval's layout a block may define the whole function or only its body: see
`prorl_envs.completion`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from prorl_envs.completion import whole_program
from prorl_envs.core import Kind, Status, Task, Verdict
from prorl_envs.errors import ConfigError, InfrastructureError, TaskError
from prorl_envs.extract import Section, code_blocks
from prorl_envs.verifiers.base import BaseVerifier

if TYPE_CHECKING:
    from sandbox import Program, ProgramResult, Sandbox

__all__ = ["CodeVerifier"]

_FENCES: Mapping[str, tuple[str, ...]] = {
    "python": ("python", "python3", "py", "py3"),
    "cpp": ("cpp", "c++", "cc", "cxx"),
    "javascript": ("javascript", "js", "node", "nodejs"),
    "go": ("go", "golang"),
}

_sandboxes: dict[str, Sandbox] = {}
_starting = threading.Lock()


class CodeVerifier(BaseVerifier):
    """Judges programs. Constructing it starts nothing; the first verdict starts one `Sandbox` per process and
    set of options, which lives until the process ends.

    Args:
        require: the weakest isolation that will do: "full", "ns", "confined", "docker" or "unsafe".
        level: exactly this isolation, instead of the strongest that the machine reaches.
        allow_unsafe: must be True for "unsafe", which holds nothing.
        isolation: "test" for a fresh process per test, "program" for one per program (cheaper).
        backend: "embedded" or "docker".
        workers: programs at a time; one per CPU when ``None``.
        deadline_s: seconds for all tests of a program together (the paper's 5).
        memory_mb: memory of one test, in MiB.
        compare: the comparison of outputs; see `sandbox.compare`.
        allow_weak_asserts: judge HumanEval-like tests whose values are no plain data in the program's own
            process, where they can be fooled.

    Raises:
        ConfigError: an option is out of range.
    """

    domain: ClassVar[str] = "code"
    kind: ClassVar[Kind] = "continuous"
    part_names: ClassVar[tuple[str, ...]] = ("correct", "passed", "compiled")
    isolated: ClassVar[bool] = True

    def __init__(
        self,
        *,
        require: str = "confined",
        level: str | None = None,
        allow_unsafe: bool = False,
        isolation: Literal["test", "program"] = "test",
        backend: Literal["embedded", "docker"] = "embedded",
        workers: int | None = None,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        compare: str = "eurus",
        allow_weak_asserts: bool = False,
    ) -> None:
        if not deadline_s > 0 or not memory_mb > 0:
            raise ConfigError(f"deadline_s and memory_mb must be positive, not {deadline_s!r}, {memory_mb!r}")
        if isolation not in ("test", "program"):
            raise ConfigError(f"isolation is 'test' or 'program', not {isolation!r}")
        self._sandbox_options: dict[str, Any] = {
            "require": require,
            "level": level,
            "allow_unsafe": allow_unsafe,
            "workers": workers,
            "backend": backend,
        }
        self._isolation: Literal["test", "program"] = isolation
        self._deadline_s, self._memory_mb = deadline_s, memory_mb
        self._compare, self._allow_weak = compare, allow_weak_asserts

    def check(self, task: Task) -> None:
        """Raises `TaskError` unless the truth is in PRIME's or HumanEval's layout and its tests are readable."""
        truth = task.truth
        language = truth.get("language", "python")
        if not isinstance(language, str):
            raise TaskError(f"task {task.id}: truth.language must be a text, not {language!r}")
        if "test" in truth:
            for name in ("test", "entry_point"):
                if not isinstance(truth.get(name), str) or not truth[name].strip():
                    raise TaskError(f"task {task.id}: truth.{name} must be a text that is not empty")
            return
        for name in ("inputs", "outputs"):
            if not isinstance(truth.get(name), list) or not truth[name]:
                raise TaskError(f"task {task.id}: truth.{name} must be a list that is not empty")
        if len(truth["inputs"]) != len(truth["outputs"]):
            raise TaskError(f"task {task.id}: truth.inputs and truth.outputs differ in length")
        _tests(task)

    def prepare(self) -> None:
        """Starts the sandbox.

        Raises:
            InfrastructureError: this machine does not reach the required isolation; says what is missing.
        """
        from sandbox import SandboxError

        try:
            self._sandbox()
        except SandboxError as error:
            raise InfrastructureError(str(error)) from error

    def judge(self, section: Section, task: Task) -> Verdict:
        """The share of the task's tests that the response's program passes."""
        from sandbox import SandboxError

        language = task.truth.get("language", "python")
        source = _program_text(section.text, language)
        if source is None:
            return Verdict.bad(Status.NO_ANSWER, detail="no fenced code block after the reasoning")
        try:
            result = self._sandbox().run(self._program(source, language, task))
        except SandboxError as error:
            return Verdict.failed(f"sandbox: {error}")
        return _verdict(result)

    def _program(self, source: str, language: str, task: Task) -> Program:
        from sandbox import Asserts, Limits, Program

        limits = Limits(total_s=self._deadline_s, memory_bytes=self._memory_mb << 20)
        truth = task.truth
        if "test" in truth:
            source = whole_program(source, truth, task.text)
            tests = Asserts(truth["test"], truth["entry_point"], allow_weak=self._allow_weak)
            return Program(source, tests, limits=limits, isolation=self._isolation)
        return Program(
            source,
            _tests(task),
            fn_name=truth.get("fn_name"),
            language=language,
            limits=limits,
            compare=self._compare,
            isolation=self._isolation,
        )

    def _sandbox(self) -> Sandbox:
        from sandbox import Sandbox

        key = json.dumps(self._sandbox_options, sort_keys=True)
        with _starting:
            if key not in _sandboxes:
                _sandboxes[key] = Sandbox(**self._sandbox_options)
            return _sandboxes[key]


def _after_fork() -> None:
    """Another thread may have held the lock when the process was forked. The sandboxes look after themselves."""
    global _starting
    _starting = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _verdict(result: ProgramResult) -> Verdict:
    from sandbox import ProgramStatus

    if result.fraction is None:
        return Verdict.failed(f"sandbox: {result.detail}")
    compiled = result.status is not ProgramStatus.COMPILE_ERROR
    parts = {"passed": result.fraction, "compiled": float(compiled)}
    count = sum(test.passed for test in result.tests)
    detail = f"{count} of {len(result.tests)} tests passed"
    if result.status is ProgramStatus.OK:
        return Verdict.share(result.fraction, parts=parts, detail=detail)
    if result.status is ProgramStatus.TIMEOUT:
        return Verdict.bad(Status.TIMEOUT, parts=parts, detail="past the total time")
    reason = result.detail.partition("\n")[0][:200] or "not judged to the end"
    return Verdict.bad(Status.WRONG, parts=parts, detail=f"{result.status.value}: {reason}")


def _program_text(answer: str, language: str) -> str | None:
    blocks = code_blocks(answer)
    fences = _FENCES.get(language, (language,))
    named = [code for fence, code in blocks if fence in fences]
    if named:
        return named[-1]
    return blocks[-1][1] if blocks else None


def _tests(task: Task) -> list[Any]:
    """The tests of PRIME's layout.

    Raises:
        TaskError: names the test that cannot be read.
    """
    from sandbox import CallTest, StdinTest

    truth = task.truth
    pairs = list(zip(truth["inputs"], truth["outputs"], strict=True))
    if not truth.get("fn_name"):
        return [
            StdinTest(_text(given, task, f"inputs[{i}]"), _text(wanted, task, f"outputs[{i}]"))
            for i, (given, wanted) in enumerate(pairs)
        ]
    return [
        CallTest(_arguments(given, task, f"inputs[{i}]"), _json(wanted, task, f"outputs[{i}]"))
        for i, (given, wanted) in enumerate(pairs)
    ]


def _text(value: Any, task: Task, field: str) -> str:
    """Standard input or output: a text, or a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, (str, int, float)) for line in value):
        return "\n".join(str(line) for line in value)
    raise TaskError(f"task {task.id}: truth.{field} must be a text or a list of lines")


def _arguments(value: Any, task: Task, field: str) -> list[Any]:
    """The arguments of a call: one JSON value per line, or a list of them."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        raise TaskError(f"task {task.id}: truth.{field} must be lines of JSON or a list of arguments")
    return [_json(line, task, field) for line in value.split("\n") if line.strip()]


def _json(value: Any, task: Task, field: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"task {task.id}: truth.{field} is not JSON: {error}") from None
