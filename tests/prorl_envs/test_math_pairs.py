"""The strict mode against pairs whose verdict is known: each rule, each way to be wrongly right, the labelled set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prorl_envs.answers.compare import compare
from prorl_envs.core import Task
from prorl_envs.verifiers.math_answer import MathVerifier
from tests.prorl_envs.answer_pairs import Pair, pairs, responses

VERIFIER = MathVerifier()
PAIRS = pairs("math")
GROUPS = sorted({(pair.group, pair.equal) for pair in PAIRS})
ONE_WAY = {
    "numbers",
    "rounding",
    "constants",
    "conditions",
    "ratios",
    "second series",
    "third series",
    "degrees, percent, money, units",
    "examined: radical",
    "examined: repeating",
    "examined: near",
    "examined: approx",
    "examined: olympiads",
}
"""Groups in which gold and answer have different rights: an exact gold is not met by its rounding."""


def verdict(gold: str, response: str) -> bool | None:
    return VERIFIER.verify(response, Task("math", "?", {"answer": gold})).correct


@pytest.mark.parametrize(("group", "equal"), GROUPS)
def test_every_pair_of_a_group_has_its_verdict(group: str, equal: bool) -> None:
    wrong = [p for p in PAIRS if (p.group, p.equal) == (group, equal) and not _as_it_should(p)]
    assert not wrong


def _as_it_should(pair: Pair) -> bool:
    return verdict(pair.gold, f"<think>...</think> The answer is $\\boxed{{{pair.answer}}}$.") is pair.equal


def test_the_answer_is_found_where_a_reader_finds_it() -> None:
    assert not [row for row in responses("math") if verdict(row.gold, row.response) is not row.equal]


def test_there_are_hundreds_of_pairs_on_both_sides() -> None:
    assert sum(p.equal for p in PAIRS) > 300
    assert sum(not p.equal for p in PAIRS) > 250


def test_difference_is_symmetric() -> None:
    """What is unequal stays unequal when gold and answer change places (math-verify's known asymmetry)."""
    one_way = [
        p for p in PAIRS if not p.equal and p.group not in ONE_WAY and compare(p.answer, p.gold).equal is True
    ]
    assert not one_way


def test_equality_is_symmetric_where_no_side_is_special() -> None:
    groups = ("algebra", "equations", "tuples", "complex", "families", "congruences", "bases")
    asymmetric = [p for p in PAIRS if p.equal and p.group in groups and not compare(p.answer, p.gold).equal]
    assert not asymmetric


def test_every_answer_equals_itself() -> None:
    texts = {p.gold for p in PAIRS}
    assert not [text for text in texts if not compare(text, text).equal]


def test_labelled_development_pairs_meet_the_bar(shared_data: Path) -> None:
    lines = (shared_data / "labelled" / "math_pairs_dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    judged = [(row, verdict(row["gold"], row["prediction"])) for row in rows]
    positives = [right for row, right in judged if row["label"] and row["category"] != "text"]
    negatives = [right for row, right in judged if not row["label"]]
    assert sum(map(bool, positives)) / len(positives) >= 0.95
    assert sum(map(bool, negatives)) / len(negatives) <= 0.01
