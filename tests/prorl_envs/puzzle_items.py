"""Puzzles for the tests: a few items of every task, made once for each process."""

from __future__ import annotations

import functools
import json
import sys

from prorl_envs.core import Task
from prorl_envs.puzzles import generate, oracle, task_names

SLOW = frozenset(
    {"knight_swap", "puzzle24", "zebra_puzzles", "futoshiki", "intermediate_integration", "word_ladder"}
)
"""Tasks whose generators take long: one item is enough for the default run."""


@functools.cache
def items(task: str, size: int = 3, seed: int = 7) -> tuple[Task, ...]:
    """`size` tasks of a puzzle."""
    return tuple(generate(task, size=size, seed=seed))


def few(task: str) -> tuple[Task, ...]:
    """Two or three tasks, or one of a puzzle that is slow to make."""
    return items(task, 1 if task in SLOW else 3)


def gold(task: Task) -> str:
    """A right answer."""
    return oracle(task.truth["task"], task.truth["entry"])


def answered(answer: str) -> str:
    """A full response."""
    return f"<think>\nSome reasoning, with <answer>a draft</answer>.\n</think>\nSo:\n<answer>\n {answer} \n</answer>"


def replay(rows_file: str) -> None:
    """Writes the strict verdicts on stored rows ``{"row", "response"}`` to standard output, one JSON for each."""
    from prorl_envs.verifiers.logic_puzzle import LogicVerifier

    verifier = LogicVerifier()
    with open(rows_file, encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            stored = json.loads(line)
            task = Task.from_dict(stored["row"])
            verdict = verifier.verify(stored["response"], task).to_dict()
            sys.stdout.write(json.dumps([task.id, verdict], sort_keys=True) + "\n")


if __name__ == "__main__":
    replay(sys.argv[1])
else:
    ALL = task_names()
