"""Instructions that a program can check: what IFEval, IF-RLVR and IFBench ask of a response.

`CATALOGUE` holds every instruction by its published id, `instruction_truth` reads the row layouts they come in,
`views` makes the variants of a response that the loose measure looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prorl_envs.instructions import (
    if_rlvr,
    ifbench_custom,
    ifbench_layout,
    ifbench_sentences,
    ifbench_words,
    ifeval,
)
from prorl_envs.instructions.catalogue import Bound, Catalogue, Instruction
from prorl_envs.instructions.layouts import GRADING_MODES, read_truth

__all__ = ["CATALOGUE", "GRADING_MODES", "Bound", "Catalogue", "Instruction", "instruction_truth"]

CATALOGUE = Catalogue(
    "all",
    ifeval.CATALOGUE,
    if_rlvr.CATALOGUE,
    ifbench_words.CATALOGUE,
    ifbench_sentences.CATALOGUE,
    ifbench_layout.CATALOGUE,
    ifbench_custom.CATALOGUE,
)


def instruction_truth(row: Mapping[str, Any]) -> dict[str, Any]:
    """The truth of an instruction-following row in any layout of `prorl_envs.instructions.layouts`.

    Returns:
        ``{"instruction_id_list": [...], "kwargs": [...]}``, and ``"grading_mode": "binary"`` where the row says so.

    Raises:
        RowError: naming the field of the row that is missing, unknown or malformed.
    """
    return read_truth(CATALOGUE, row)
