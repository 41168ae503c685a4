"""Sokoban: the player pushes boxes, one at a time, until none stands off a goal."""

from __future__ import annotations

__all__ = ["solves"]

_STEPS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}


def solves(board: str, moves: str) -> bool:
    """Whether `moves` (letters U, D, L, R) leave every box on a goal. A step against a wall does nothing.

    Args:
        board: lines of cells: ``+`` wall, ``-`` free, ``X`` goal, ``@`` box, ``$`` box on a goal, ``*`` player,
            ``%`` player on a goal; blanks do not matter.
        moves: the letters.
    """
    rows = board.replace(" ", "").strip().split("\n")
    cells = {(r, c): cell for r, row in enumerate(rows) for c, cell in enumerate(row)}
    walls = {place for place, cell in cells.items() if cell == "+"}
    goals = {place for place, cell in cells.items() if cell in "X$%"}
    boxes = {place for place, cell in cells.items() if cell in "@$"}
    player = next(place for place, cell in cells.items() if cell in "*%")
    for move in moves:
        dr, dc = _STEPS[move]
        ahead = (player[0] + dr, player[1] + dc)
        beyond = (ahead[0] + dr, ahead[1] + dc)
        if ahead in walls or ahead not in cells:
            continue
        if ahead in boxes:
            if beyond in walls or beyond in boxes or beyond not in cells:
                continue
            boxes.remove(ahead)
            boxes.add(beyond)
        player = ahead
    return boxes <= goals
