"""Instructions that a program can check: what IFEval, IF-RLVR and IFBench ask of a response.

`CATALOGUE` holds every instruction by its published id, `instruction_truth` reads the row layouts they come in,
`views` makes the variants of a response that the loose measure looks at.
"""

from __future__ import annotations

from prorl_envs.instructions import ifeval
from prorl_envs.instructions.catalogue import Bound, Catalogue, Instruction

__all__ = ["CATALOGUE", "Bound", "Catalogue", "Instruction"]

CATALOGUE = Catalogue("all", ifeval.CATALOGUE)
