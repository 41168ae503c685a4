"""From a response in the HumanEval layout to a whole program.

The prompt ends in the stub of a function. A response may hold the whole function, which then is given what stands
before that function in the prompt (imports, helpers); or only the function's body, which continues the stub. It
is a whole function exactly when some line of it, unindented, defines the entry point.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from prorl_envs.extract import code_blocks

__all__ = ["whole_program"]

_CODE = re.compile(r"(?:import|from|def|class|async|@|[A-Za-z_]\w*+ *=)")


def whole_program(block: str, truth: Mapping[str, Any], prompt: str) -> str:
    """`block` as a program of its own, with what it needs of the prompt.

    Args:
        block: what the response wrote: the whole function, or its body.
        truth: has ``entry_point``, and ``prompt`` where the stub is known apart from what the policy was asked.
        prompt: the task's prompt, searched for the stub otherwise.
    """
    define = _defines(truth["entry_point"])
    stub = truth["prompt"] if isinstance(truth.get("prompt"), str) else _stub(prompt, define)
    opening = define.search(stub)
    if define.search(block):
        preamble = stub[: opening.start()] if opening else ""
        return f"{preamble}\n{block}" if _parses(preamble) else block
    if opening is None:
        return block
    first = next((line for line in block.split("\n") if line.strip()), "")
    body = block if first[:1] in (" ", "\t") else textwrap.indent(block, "    ")
    return f"{stub.rstrip()}\n{body}"


def _defines(entry_point: str) -> re.Pattern[str]:
    name = re.escape(entry_point)
    return re.compile(
        rf"^(?:(?:async[ \t]++)?def[ \t]++{name}\b|class[ \t]++{name}\b|{name}[ \t]*+=)", re.MULTILINE
    )


def _stub(prompt: str, define: re.Pattern[str]) -> str:
    """The code in a prompt: its fenced block with the function, or the longest run of lines that is code."""
    for _, code in code_blocks(prompt):
        if define.search(code):
            return code
    if not define.search(prompt):
        return ""
    lines = prompt.split("\n")
    for start, line in enumerate(lines):
        if not _CODE.match(line):
            continue
        for end in range(len(lines), start, -1):
            code = "\n".join(lines[start:end]).rstrip()
            if define.search(code) and _parses(f"{code}\n    pass\n"):
                return code
    return ""


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
