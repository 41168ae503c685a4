"""``python -m prorl_envs.instructions``: the table of all instructions and their rules, as Markdown."""

from __future__ import annotations

import sys

from prorl_envs.instructions import CATALOGUE
from prorl_envs.instructions.catalogue import Instruction


def row(instruction: Instruction) -> str:
    """The instruction as a row of the table: id, arguments, the first paragraph of its rule."""
    arguments = ", ".join(f"`{name}`" for name in instruction.params)
    rule = " ".join(instruction.rule.split("\n\n")[0].split()).replace("|", "\\|").replace("``", "`")
    return f"| `{instruction.id}` | {arguments} | {rule} |"


def main() -> None:
    """Writes the table to standard output, one section per family."""
    for family, title in (("ifeval", "IFEval"), ("if-rlvr", "IF-RLVR"), ("ifbench", "IFBench")):
        rows = [row(one) for one in CATALOGUE.values() if one.family == family]
        lines = [
            f"### {title}: {len(rows)}",
            "",
            "| id | arguments | followed when |",
            "|---|---|---|",
            *rows,
            "",
        ]
        sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
