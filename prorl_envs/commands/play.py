"""`prorl play ID`: answer a problem in the terminal and see what the verifier says of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from prorl_envs.core import Status
from prorl_envs.env import VerifiableEnv
from prorl_envs.extract import answer_tag, code_blocks, last_boxed
from prorl_envs.registry import environment

__all__ = ["as_response", "main"]

_COLOURS = {Status.CORRECT: "green", Status.PARTIAL: "yellow", Status.FAILED: "magenta"}


@dataclass
class Options:
    """Answer problems yourself and see the verdicts."""

    id: Annotated[str, tyro.conf.Positional]
    """The environment, such as prorl/Math-v0 (`prorl envs` lists them)."""
    recipe: str | None = None
    """The recipe to take problems from; the environment's own samples by default."""
    path: str | None = None
    """Your copy of the recipe's data."""
    task: str | None = None
    """Logic only: the Reasoning Gym task, such as chain_sum."""
    seed: int | None = None
    """Reproduces the order of the problems."""
    as_is: bool = False
    """Send your text as it is, without putting it into the form that the domain asks for."""


def main(argv: Sequence[str]) -> int:
    """Plays until the input ends."""
    options = tyro.cli(Options, args=list(argv), prog="prorl play")
    spec = environment(options.id)
    given = {"recipe": options.recipe, "path": options.path, "task": options.task}
    env = VerifiableEnv(
        **{**spec.make_kwargs, **{name: value for name, value in given.items() if value is not None}}
    )
    console = Console()
    seed = options.seed
    while True:
        prompt, info = env.reset(seed=seed)
        seed = None
        console.print(Panel(Text(prompt), title=info["task_id"]))
        answer = _read_answer(console)
        if answer is None:
            return 0
        _, reward, _, _, info = env.step(answer if options.as_is else as_response(spec.domain, answer))
        status = Status(info["status"])
        line = Text(f"reward {reward:g}  {status.value}  {info['detail']}", _COLOURS.get(status, "red"))
        console.print(line)


def as_response(domain: str, answer: str) -> str:
    r"""A person's plain answer in the form the domain's verifier reads; kept when it already has that form."""
    text = answer.strip()
    if domain in ("math", "stem") and last_boxed(text) is None:
        return f"\\boxed{{{text}}}"
    if domain == "logic" and answer_tag(text) is None:
        return f"<answer>{text}</answer>"
    if domain == "code" and not code_blocks(text):
        return f"```python\n{answer}\n```"
    return answer


def _read_answer(console: Console) -> str | None:
    """Lines up to one that holds a single full stop, or up to the end of the input; None when there is nothing."""
    console.print(Markdown("Your answer; end it with a line that holds only `.` (Ctrl-D leaves)."))
    lines: list[str] = []
    for line in sys.stdin:
        if line.rstrip("\n") == ".":
            return "".join(lines)
        lines.append(line)
    return "".join(lines) if lines else None
