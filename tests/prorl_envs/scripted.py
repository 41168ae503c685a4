"""A verifier that does what the response tells it to: what the Scorer's tests break things with."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import ClassVar

from prorl_envs.core import Kind, Task, Verdict
from prorl_envs.errors import TaskError
from prorl_envs.extract import Section
from prorl_envs.verifiers import VerifierSpec
from prorl_envs.verifiers.base import BaseVerifier

PATH = "tests.prorl_envs.scripted:ScriptedVerifier"
SPEC = VerifierSpec(PATH)


class Weird(BaseException):
    """Like the timeouts of some libraries, no Exception."""


class ScriptedVerifier(BaseVerifier):
    domain: ClassVar[str] = "scripted"
    kind: ClassVar[Kind] = "binary"
    part_names: ClassVar[tuple[str, ...]] = ("correct", "length")

    def check(self, task: Task) -> None:
        if "answer" not in task.truth:
            raise TaskError("field 'truth.answer' is missing")

    def judge(self, section: Section, task: Task) -> Verdict:
        word, _, argument = section.text.partition(" ")
        match word:
            case "sleep":
                time.sleep(float(argument))
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "die-once":
                mark = Path(argument)
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise ZeroDivisionError("scripted")
            case "weird":
                raise Weird
            case "eat":
                _ = bytearray(1 << 40)
            case "deep":
                return self.judge(section, task)
            case "pid":
                return Verdict.binary(True, detail=str(os.getpid()))
            case "network":
                socket.socket().close()
                return Verdict.binary(True, detail="open")
            case "environment":
                return Verdict.binary(True, detail=os.environ.get(argument, "absent"))
        parts = {"length": float(len(section.text))}
        return Verdict.binary(section.text == task.truth["answer"], detail=section.text[:20], parts=parts)


class IsolatedVerifier(ScriptedVerifier):
    domain: ClassVar[str] = "isolated"
    isolated: ClassVar[bool] = True


class AskingVerifier(ScriptedVerifier):
    domain: ClassVar[str] = "asking"
    server_s = 2.0
    environment = ("ASKING_KEY",)


class BrokenVerifier(ScriptedVerifier):
    domain: ClassVar[str] = "broken"

    def prepare(self) -> None:
        raise ImportError("no such library")
