"""Hostile answers through the Scorer: each costs at most its deadline, from wherever it is scored."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator

import pytest

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.scoring import Scorer
from tests.prorl_envs.poison_answers import POISON

DEADLINE_S = 3.0
FEW = [
    case
    for case in POISON
    if case[0] in ("tower of nines", "bars", "list of ones for 1", "surrogates", "code")
]


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    with Scorer(workers=1, deadline_s=DEADLINE_S) as made:
        for domain in ("math", "stem"):
            assert made.score([Task(domain, "?", {"answer": "7"})], ["\\boxed{7}"])[0].correct
        yield made


def verdicts(scorer: Scorer, cases: list[tuple[str, str, str]], domain: str = "math") -> list[Verdict]:
    tasks = [Task(domain, "?", {"answer": gold}) for _, gold, _ in cases]
    return scorer.score(tasks, [f"</think> \\boxed{{{answer}}}" for _, _, answer in cases])


def test_there_are_enough_poisons() -> None:
    assert len(POISON) >= 60
    assert len({name for name, _, _ in POISON}) == len(POISON)


@pytest.mark.parametrize("domain", ["math", "stem"])
def test_no_poison_passes_fails_or_outlives_its_deadline(scorer: Scorer, domain: str) -> None:
    for case in POISON:
        start = time.monotonic()
        (verdict,) = verdicts(scorer, [case], domain)
        assert time.monotonic() - start < DEADLINE_S + 1.0, case[0]
        assert verdict.correct is False, case[0]
        assert verdict.status in (Status.WRONG, Status.NO_ANSWER, Status.TIMEOUT), case[0]


def test_a_worker_thread_gets_the_same_verdicts(scorer: Scorer) -> None:
    found: list[list[Verdict]] = []
    thread = threading.Thread(target=lambda: found.append(verdicts(scorer, FEW)))
    thread.start()
    thread.join(60)
    assert found == [verdicts(scorer, FEW)]


def test_asyncio_gets_the_same_verdicts(scorer: Scorer) -> None:
    tasks = [Task("math", "?", {"answer": gold}) for _, gold, _ in FEW]
    responses = [f"</think> \\boxed{{{answer}}}" for _, _, answer in FEW]
    assert asyncio.run(scorer.ascore(tasks, responses)) == verdicts(scorer, FEW)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_the_same_verdicts(scorer: Scorer) -> None:
    expected = [verdict.to_dict() for verdict in verdicts(scorer, FEW)]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            found = [verdict.to_dict() for verdict in verdicts(scorer, FEW)]
            os.write(writing, json.dumps(found).encode())
            scorer.close()
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        found = json.loads(pipe.read())
    assert os.waitpid(child, 0)[1] == 0
    assert found == expected


def test_no_neighbour_is_harmed(scorer: Scorer) -> None:
    cases = [("good", "7", "7"), POISON[0], ("good", "7", "7")]
    assert [verdict.correct for verdict in verdicts(scorer, cases)] == [True, False, True]
