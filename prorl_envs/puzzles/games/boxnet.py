"""BoxNet: agents on a grid hand colored boxes to their neighbors until each meets a target of its color."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["lifted", "plan"]

_AGENT = re.compile(
    r"\s*+(?:Agent)?\s*+\[?\s*+([0-9]{1,3}\.[0-9])\s*+,\s*+([0-9]{1,3}\.[0-9])\s*+\]?\s*+",
    re.ASCII | re.IGNORECASE,
)
_MOVE = re.compile(
    r"\s*+move\(\s*+(box_[a-z]{1,20})\s*+,\s*+(?:(target_[a-z]{1,20})"
    r"|square\s*+\[\s*+([0-9]{1,3}\.[0-9])\s*+,\s*+([0-9]{1,3}\.[0-9])\s*+\])\s*+\)\s*+",
    re.ASCII,
)

State: TypeAlias = dict[str, list[str]]
"""The boxes and targets of each square; squares are named ``x_y`` by their center."""


def lifted(initial: Mapping[str, Any], steps: Any) -> float:
    """The share of boxes that meet their targets under a plan, or 0 when any of its actions is impossible.

    Args:
        initial: the squares and what is on them.
        steps: the plan as read from JSON: a list of ``{"Agent[x, y]": "move(box, destination)"}``.
    """
    state: State = {square: list(things) for square, things in initial.items()}
    boxes = _count_boxes(state)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps) or not boxes:
        return 0.0
    for step in steps:
        actions = [_action(agent, action) for agent, action in step.items()]
        if not all(action is not None and _apply(state, *action) for action in actions):
            return 0.0
    return (boxes - _count_boxes(state)) / boxes


def plan(initial: Mapping[str, Any]) -> str:
    """A plan that lifts every box that can be lifted, one box after the other, as JSON."""
    state: State = {square: list(things) for square, things in initial.items()}
    steps: list[dict[str, str]] = []
    while (found := _next_box(state)) is not None:
        box, path = found
        for here, there in pairwise(path):
            steps.append({_agent(here): f"move({box}, square[{_center(there)}])"})
            _apply(state, here, box, there)
        target = f"target_{box.removeprefix('box_')}"
        steps.append({_agent(path[-1]): f"move({box}, {target})"})
        _apply(state, path[-1], box, target)
    return json.dumps(steps)


def _next_box(state: State) -> tuple[str, list[str]] | None:
    for square, things in state.items():
        for box in things:
            if box.startswith("box_") and (path := _path(state, square, f"target_{box[4:]}")):
                return box, path
    return None


def _path(state: State, start: str, target: str) -> list[str]:
    """The squares from `start` to the nearest one that holds `target`; empty when none can be reached."""
    came: dict[str, str | None] = {start: None}
    queue = deque([start])
    while queue:
        square = queue.popleft()
        if target in state[square]:
            path = [square]
            while (origin := came[path[-1]]) is not None:
                path.append(origin)
            return path[::-1]
        for following in _neighbors(state, square):
            if following not in came:
                came[following] = square
                queue.append(following)
    return []


def _neighbors(state: State, square: str) -> list[str]:
    x, y = map(float, square.split("_"))
    around = (f"{x - 1}_{y}", f"{x + 1}_{y}", f"{x}_{y - 1}", f"{x}_{y + 1}")
    return [name for name in around if name in state]


def _action(agent: str, action: Any) -> tuple[str, str, str] | None:
    """``(square, box, target or square)`` of one agent's action, or None."""
    where = _AGENT.fullmatch(agent)
    what = _MOVE.fullmatch(action) if isinstance(action, str) else None
    if not where or not what:
        return None
    box, target, x, y = what.groups()
    return f"{float(where[1])}_{float(where[2])}", box, target or f"{float(x)}_{float(y)}"


def _apply(state: State, square: str, box: str, destination: str) -> bool:
    """Does the action; False when it is impossible."""
    if box not in state.get(square, ()):
        return False
    if destination.startswith("target_"):
        if destination[7:] != box[4:] or destination not in state[square]:
            return False
        state[square].remove(destination)
    elif destination in _neighbors(state, square):
        state[destination].append(box)
    else:
        return False
    state[square].remove(box)
    return True


def _count_boxes(state: State) -> int:
    return sum(thing.startswith("box_") for things in state.values() for thing in things)


def _agent(square: str) -> str:
    return f"Agent[{_center(square)}]"


def _center(square: str) -> str:
    return square.replace("_", ", ")
