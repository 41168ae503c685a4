"""Hostile answers to every task: nothing is executed, nothing raises, nothing is earned, nothing takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prorl_envs.core import Task
from prorl_envs.scoring import Scorer
from tests.prorl_envs.hostile_answers import hostile
from tests.prorl_envs.puzzle_items import ALL, few, gold

EVALUATED = (
    "binary_matrix bitwise_arithmetic countdown intermediate_integration n_queens number_sorting puzzle24 "
    "polynomial_multiplication simple_integration spiral_matrix string_insertion"
)


@pytest.fixture(scope="module")
def strict() -> Iterator[Scorer]:
    with Scorer(workers=2, deadline_s=5.0) as scorer:
        yield scorer


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scorer]:
    with Scorer(workers=2, deadline_s=5.0, verifiers={"logic": {"scoring": "upstream"}}) as scorer:
        yield scorer


def hedges(task: Task) -> list[str]:
    """The right answer with company, or outside the tags."""
    right = gold(task)
    question = task.truth["entry"]["question"]
    around = (f"{right} or {right}1", f"{right}, or maybe not {right}", f"{right} {right} {right}x", question)
    return [
        *(f"<answer>{text}</answer>" for text in around if right),
        right,
        f"<think><answer>{right}</answer>",
    ]


@pytest.mark.parametrize("name", ALL)
def test_strict_scoring_pays_nothing_for_hostile_answers_and_hedges(
    name: str, strict: Scorer, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    task = few(name)[0]
    right = f"<answer>{gold(task)}</answer>"  # "[]" or "0" can be right
    responses = [response for response in [*hostile(canary), *hedges(task)] if response != right]
    assert len(responses) > 100
    begun = time.monotonic()
    verdicts = strict.score([task] * len(responses), responses)
    seconds = time.monotonic() - begun
    assert not canary.exists()
    paid = [(r, v) for r, v in zip(responses, verdicts, strict=True) if v.reward != 0.0]
    assert not paid, [(str(r)[:80], v) for r, v in paid[:3]]
    assert all(v.status in ("wrong", "no_answer", "truncated") for v in verdicts)
    assert seconds < 20


@pytest.mark.parametrize("name", EVALUATED.split())
def test_upstream_scoring_executes_nothing_and_returns_in_time(
    name: str, upstream: Scorer, tmp_path: Path
) -> None:
    check_upstream(name, upstream, tmp_path / "canary")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name not in EVALUATED.split()])
def test_upstream_scoring_of_the_others_too(name: str, upstream: Scorer, tmp_path: Path) -> None:
    check_upstream(name, upstream, tmp_path / "canary")


def check_upstream(name: str, scorer: Scorer, canary: Path) -> None:
    task = few(name)[0]
    responses = hostile(canary)
    verdicts = scorer.score([task] * len(responses), responses)
    assert not canary.exists()
    slow = [
        str(r)[:80] for r, v in zip(responses, verdicts, strict=True) if v.status in ("timeout", "failed")
    ]
    assert not slow
    assert all(v.reward is not None and 0.0 <= v.reward <= 1.0 for v in verdicts)
