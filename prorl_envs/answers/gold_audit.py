r"""Which golds of a data set can these rules judge at all?

For every gold: can it be read; does it accept itself as a model would write it; does it refuse a nearby wrong
answer? A gold that fails is no basis for a reward, and is better known before training than after.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from prorl_envs.answers.choices import chosen
from prorl_envs.answers.compare import compare
from prorl_envs.answers.golds import gold_defect
from prorl_envs.answers.latex import clean, plain_words
from prorl_envs.answers.phrases import meaning
from prorl_envs.answers.reading import read_shape
from prorl_envs.answers.residues import compare_residues
from prorl_envs.answers.response import unboxed
from prorl_envs.answers.syntax import Unreadable

__all__ = ["GoldFinding", "GoldGrade", "GoldTable", "audit_gold", "audit_golds", "written_forms"]


class GoldGrade(StrEnum):
    """What a gold is good for."""

    VERIFIABLE = "verifiable"
    AMBIGUOUS = "ambiguous"
    BROKEN = "broken"


class GoldFinding(NamedTuple):
    """The grade of one gold, with the reason when it is not verifiable."""

    gold: str
    grade: GoldGrade
    reason: str


@dataclass
class GoldTable:
    """The grades of a data set.

    Attributes:
        counts: by grade and reason, how many golds.
        findings: every gold that is not verifiable, in order.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[GoldFinding] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many golds were looked at."""
        return sum(self.counts.values())

    def share(self, grade: GoldGrade) -> float:
        """The share of golds of this grade, 0 for an empty table."""
        found = sum(n for (name, _), n in self.counts.items() if name == grade)
        return found / self.total if self.total else 0.0

    def rows(self) -> list[tuple[str, str, int]]:
        """(grade, reason, count), the commonest first."""
        return [(grade, reason, n) for (grade, reason), n in self.counts.most_common()]


def audit_golds(golds: Iterable[object]) -> GoldTable:
    """Grades every gold; a gold that is no text or number is broken."""
    table = GoldTable()
    for gold in golds:
        usable = isinstance(gold, (str, int, float)) and not isinstance(gold, bool)
        finding = audit_gold(str(gold)) if usable else GoldFinding(repr(gold), GoldGrade.BROKEN, "no text")
        table.counts[finding.grade.value, finding.reason] += 1
        if finding.grade is not GoldGrade.VERIFIABLE:
            table.findings.append(finding)
    return table


def audit_gold(gold: str) -> GoldFinding:
    """The grade of one gold of mathematics."""
    if defect := gold_defect(gold):
        return GoldFinding(gold, GoldGrade.BROKEN, defect)
    text = clean(unboxed(gold))
    if cut_short := _cut_short(text):
        return GoldFinding(gold, GoldGrade.BROKEN, cut_short)
    refused = [form for form in written_forms(gold) if not compare(gold, form).equal]
    if refused:
        return GoldFinding(gold, GoldGrade.AMBIGUOUS, "refuses itself in another spelling")
    wrong = _nearby(text)
    if wrong and chosen(gold) is None and compare(gold, wrong).equal:
        return GoldFinding(gold, GoldGrade.AMBIGUOUS, "accepts a nearby wrong answer")
    return _by_shape(gold, text)


def _by_shape(gold: str, text: str) -> GoldFinding:
    if compare_residues(text, text).equal:
        return GoldFinding(gold, GoldGrade.VERIFIABLE, "mathematics")
    try:
        read_shape(text)
    except Unreadable:
        words = re.findall(r"[a-z]{3,}", plain_words(text))
        if meaning(text).startswith("(") or (
            0 < len(words) <= 3 and text.replace("\\text", "").strip("{} ").isascii()
        ):
            return GoldFinding(gold, GoldGrade.VERIFIABLE, "a term")
        reason = "prose" if len(words) > 3 else "notation the reader does not know"
        return GoldFinding(gold, GoldGrade.AMBIGUOUS, reason)
    return GoldFinding(gold, GoldGrade.VERIFIABLE, "mathematics")


_UNFINISHED = re.compile(r"(?:[-+*/^_=<>(\[{]|\\(?:frac|sqrt|cdot|times|le|ge|in))$")


def _cut_short(text: str) -> str:
    if _UNFINISHED.search(text):
        return "ends in an operator"
    if (
        abs(text.count("(") + text.count("[") - text.count(")") - text.count("]")) > 0
        and "\\" not in text[:1]
    ):
        opened, closed = (sum(text.count(c) for c in pair) for pair in ("([", ")]"))
        return "unbalanced brackets" if opened != closed else ""
    return ""


def written_forms(gold: str) -> Iterator[str]:
    """The ways in which a model would write a gold: display fractions, math marks, a full stop, bold numbers."""
    yield gold
    yield f"${gold.strip().strip('$').strip()}$" if "\\[" not in gold and "\\(" not in gold else gold
    yield gold.rstrip() + "."
    yield gold.replace("\\frac", "\\dfrac").replace("\\ddfrac", "\\dfrac")
    if "\\left" not in gold and gold.count("(") == gold.count(")"):
        yield gold.replace("(", "\\left(").replace(")", "\\right)")
    if re.fullmatch(r"-?[\d.]+", gold):
        yield f"\\mathbf{{{gold}}}"
        yield f"x = {gold}"
    yield "\n" + gold + "\n"


def _nearby(text: str) -> str:
    """`text` with its last digit raised by one; empty when it has none."""
    for place in range(len(text) - 1, -1, -1):
        if text[place].isdigit() and text[place].isascii() and not _is_subscript(text, place):
            return text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    return ""


def _is_subscript(text: str, place: int) -> bool:
    return bool(re.search(r"_\s*\{?[^{}]{0,12}$", text[:place]))
