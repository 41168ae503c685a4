"""Runs untrusted programs and judges them on their tests. Standard library, PyYAML and docker only.

    from sandbox import Program, Sandbox, StdinTest

    with Sandbox() as sandbox:
        result = sandbox.run(Program("print(int(input()) * 2)", [StdinTest("21", "42")]))
        assert result.fraction == 1.0

Knows nothing of models or rewards. What it protects from, and what not, is in ``docs/sandbox.md``.
"""

from sandbox.compare import Compare, checker, float_compare
from sandbox.errors import (
    ClosedError,
    InfrastructureError,
    InvalidProgramError,
    RequirementError,
    SandboxError,
    ToolchainError,
    UnknownLanguageError,
)
from sandbox.facade import Sandbox, Stats
from sandbox.protocol import (
    Asserts,
    CallTest,
    Level,
    Limits,
    Program,
    ProgramResult,
    ProgramStatus,
    StdinTest,
    TestResult,
    TestStatus,
)
from sandbox.survey import LevelReport, survey

__all__ = [
    "Asserts",
    "CallTest",
    "ClosedError",
    "Compare",
    "InfrastructureError",
    "InvalidProgramError",
    "Level",
    "LevelReport",
    "Limits",
    "Program",
    "ProgramResult",
    "ProgramStatus",
    "RequirementError",
    "Sandbox",
    "SandboxError",
    "Stats",
    "StdinTest",
    "TestResult",
    "TestStatus",
    "ToolchainError",
    "UnknownLanguageError",
    "checker",
    "float_compare",
    "survey",
]
