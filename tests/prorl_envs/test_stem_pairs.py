"""The STEM verifier against pairs whose verdict is known, and against the labelled development set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prorl_envs.core import Task
from prorl_envs.verifiers.stem_answer import StemVerifier
from tests.prorl_envs.answer_pairs import pairs

VERIFIER = StemVerifier()
PAIRS = pairs("stem")
GROUPS = sorted({(pair.group, pair.equal) for pair in PAIRS})


def verdict(gold: str, response: str) -> bool | None:
    return VERIFIER.verify(response, Task("stem", "?", {"answer": gold})).correct


@pytest.mark.parametrize(("group", "equal"), GROUPS)
def test_every_pair_of_a_group_has_its_verdict(group: str, equal: bool) -> None:
    chosen = [pair for pair in PAIRS if (pair.group, pair.equal) == (group, equal)]
    wrong = [p for p in chosen if verdict(p.gold, f"Hence \\boxed{{{p.answer}}}.") is not p.equal]
    assert not wrong


def test_every_gold_equals_itself() -> None:
    golds = {pair.gold for pair in PAIRS}
    assert not [gold for gold in golds if not verdict(gold, f"\\boxed{{{gold}}}")]


def test_labelled_development_pairs_meet_the_bar(shared_data: Path) -> None:
    lines = (shared_data / "labelled" / "stem_pairs_dev.jsonl").read_text(encoding="utf-8").splitlines()
    judged = [(row, verdict(row["gold"], row["prediction"])) for row in map(json.loads, lines)]
    positives = [right for row, right in judged if row["label"]]
    negatives = [right for row, right in judged if not row["label"]]
    assert sum(map(bool, positives)) / len(positives) >= 0.95
    assert sum(map(bool, negatives)) / len(negatives) <= 0.02
