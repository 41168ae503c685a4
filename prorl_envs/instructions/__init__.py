"""Instructions that a program can check: what IFEval, IF-RLVR and IFBench ask of a response.

`CATALOGUE` holds every instruction by its published id, `instruction_truth` reads the row layouts they come in,
`views` makes the variants of a response that the loose measure looks at.
"""

from __future__ import annotations

from prorl_envs.instructions import (
    if_rlvr,
    ifbench_custom,
    ifbench_layout,
    ifbench_sentences,
    ifbench_words,
    ifeval,
)
from prorl_envs.instructions.catalogue import Bound, Catalogue, Instruction

__all__ = ["CATALOGUE", "Bound", "Catalogue", "Instruction"]

CATALOGUE = Catalogue(
    "all",
    ifeval.CATALOGUE,
    if_rlvr.CATALOGUE,
    ifbench_words.CATALOGUE,
    ifbench_sentences.CATALOGUE,
    ifbench_layout.CATALOGUE,
    ifbench_custom.CATALOGUE,
)
