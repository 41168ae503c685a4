"""The right answer to any puzzle: upstream's, or for the five tasks without one from their data or a solver."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from prorl_envs.errors import TaskError
from prorl_envs.puzzles.games import boxnet, cube, propositions, rush_hour

__all__ = ["oracle"]


def oracle(task: str, entry: Mapping[str, Any]) -> str:
    """An answer that earns 1.0 under both scorings.

    Args:
        task: the dataset's name.
        entry: a stored item (``question``, ``answer``, ``metadata``).

    Raises:
        TaskError: the item has no solution, or its metadata is malformed.
    """
    metadata = entry.get("metadata") or {}
    source = str(metadata.get("source_dataset", task)) if task == "composite" else task
    answer = entry.get("answer")
    if isinstance(answer, str):
        return answer
    solver = _SOLVERS.get(source)
    if solver is None:
        raise TaskError(f"an item of {source!r} has no answer, and there is no solver for it")
    try:
        return solver(metadata)
    except (KeyError, TypeError, ValueError) as error:
        raise TaskError(f"an item of {source!r} has no solution: {type(error).__name__}: {error}") from error


def _coloring(metadata: Mapping[str, Any]) -> str:
    return json.dumps({str(vertex): color for vertex, color in metadata["possible_answer"].items()})


def _conclusion(metadata: Mapping[str, Any]) -> str:
    """The stored example, unless it hands a premise back and the premises allow something better."""
    example = str(metadata["example_answer"])
    read = propositions.read(example)
    premises = [formula for p in metadata["premises"] if (formula := propositions.read(p)) is not None]
    lone = isinstance(read, str)  # upstream pays 0.25 for a lone variable, right or not
    if read is not None and not lone and propositions.follows(premises, read, metadata["variables"]):
        return example
    return propositions.conclusion(premises, metadata["variables"]) or example


def _cube(metadata: Mapping[str, Any]) -> str:
    example = str(metadata.get("example_correct_answer") or "")
    if example:
        return example
    scramble = cube.turns(metadata["scramble_moves"], metadata["cube_size"])
    if scramble is None:
        raise ValueError("scramble_moves are no moves")
    return " ".join(move + "'" * reverse for move, reverse in cube.inverse(scramble))


def _rush_hour(metadata: Mapping[str, Any]) -> str:
    found = rush_hour.solution(rush_hour.read_board(metadata["board_config"]))
    if found is None:
        raise ValueError("the red car cannot reach the exit")
    return found


def _boxnet(metadata: Mapping[str, Any]) -> str:
    return boxnet.plan(metadata["initial_state"])


_SOLVERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "boxnet": _boxnet,
    "graph_color": _coloring,
    "propositional_logic": _conclusion,
    "rubiks_cube": _cube,
    "rush_hour": _rush_hour,
}
