"""The table of differences between strict and upstream scoring, made from the rules themselves."""

from __future__ import annotations

from prorl_envs.puzzles.scorers import RULES

__all__ = ["BEGIN", "END", "table", "with_table"]

BEGIN = "<!-- table: python -m prorl_envs.puzzles table --write docs/logic.md -->"
END = "<!-- end of table -->"


def table() -> str:
    """A Markdown table: task, upstream, strict, why; one row for each task."""
    rows = ["| task | upstream | strict | why |", "|---|---|---|---|"]
    for name, rule in sorted(RULES.items()):
        cells = (name, rule.upstream, rule.strict, rule.why)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """`page` with the table between its marks renewed.

    Raises:
        ValueError: the marks are missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"
