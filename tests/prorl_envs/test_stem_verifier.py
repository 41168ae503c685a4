"""The STEM verifier around its rules: options of the task, solution texts as golds, the optional judge."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.verifiers.stem_answer import StemVerifier

VERIFIER = StemVerifier()
SAMPLES = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "stem.jsonl"


def judge(given: str, verifier: StemVerifier = VERIFIER, /, **truth: Any) -> Verdict:
    return verifier.verify(f"So \\boxed{{{given}}}", Task("stem", "How much?", truth))


def test_every_sample_reference_earns_its_reward() -> None:
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 25
    for row in rows:
        task = Task("stem", row["problem"], row["truth"])
        assert VERIFIER.verify(row["reference"], task).correct, row["problem"]
        assert not VERIFIER.verify("\\boxed{-12345.678 \\text{ furlong}}", task).correct


def test_a_unit_beside_the_answer_counts() -> None:
    assert judge("3000 \\text{ m}", answer="3", unit="km").correct
    assert judge("3", answer="3", unit="km").correct
    assert not judge("3 \\text{ m}", answer="3", unit="km").correct
    assert judge("2 \\times 10^6 \\text{ m}", answer="2", unit="$10^6$ m").correct


def test_a_missing_unit_is_a_policy() -> None:
    strict = StemVerifier(missing_unit="reject")
    assert judge("3", answer="3 \\text{ km}").detail == "unit missing"
    assert judge("3", answer="3 \\text{ km}").correct
    assert not judge("3", strict, answer="3 \\text{ km}").correct
    assert not judge("3 \\text{ km}", strict, answer="3").correct
    assert judge("3 km", strict, answer="3 \\text{ km}").correct


def test_a_tolerance_of_the_task_replaces_the_default() -> None:
    assert judge("104 \\text{ N}", answer="100.0 \\text{ N}", rel_tol=0.05).correct
    assert not judge("104 \\text{ N}", answer="100.0 \\text{ N}").correct
    assert not judge("100.5 \\text{ N}", answer="100.0 \\text{ N}", rel_tol=0).correct


def test_no_tolerance_is_absolute() -> None:
    assert not judge("9.1e-31", answer="1.6e-19").correct
    assert not judge("1.0e-400", answer="2.0e-400").correct
    assert not judge("0", answer="6.63e-34").correct


def test_an_option_may_be_given_by_its_text() -> None:
    choices = ["proton", "neutron", "electron"]
    assert judge("neutron", answer="B", choices=choices).correct
    assert judge("\\text{B. neutron}", answer="B", choices=choices).correct
    assert not judge("proton", answer="B", choices=choices).correct
    assert not judge("proton or neutron", answer="B", choices=choices).correct


def test_the_verdict_names_the_rule() -> None:
    assert judge("0.5 km", answer="500.0 m").detail == "unit"
    assert judge("500 kg", answer="500.0 m").detail == "dimension"
    assert judge("CO", answer="CO_2").detail == "formula"
    assert judge("A or B", answer="B").detail == "choice"


@pytest.mark.parametrize(
    ("truth", "field"),
    [
        ({}, "answer"),
        ({"answer": ""}, "answer"),
        ({"answer": "5", "unit": 3}, "unit"),
        ({"answer": "5", "rel_tol": -1}, "rel_tol"),
        ({"answer": "5", "rel_tol": "1%"}, "rel_tol"),
        ({"answer": "B", "choices": "AB"}, "choices"),
    ],
)
def test_a_malformed_truth_is_the_tasks_fault(truth: dict[str, Any], field: str) -> None:
    with pytest.raises(TaskError, match=rf"truth\.{field}"):
        VERIFIER.check(Task("stem", "?", truth))


def test_no_box_is_no_answer_and_a_retraction_is_wrong() -> None:
    task = Task("stem", "?", {"answer": "5.0 \\text{ m}"})
    assert VERIFIER.verify("it is 5.0 m", task).status is Status.NO_ANSWER
    assert VERIFIER.verify("\\boxed{5.0 m}. Wait, the answer is 7.0 m.", task).status is Status.WRONG


def test_a_solution_text_counts_by_its_final_answer() -> None:
    solution = (
        "The force is mass times acceleration.\nWith m = 2 kg and a = 3 m/s^2 we get\n\\[F = 6 \\text{ N}\\]"
    )
    assert judge("6 \\text{ N}", answer=solution).correct
    assert not judge("5 \\text{ N}", answer=solution).correct


def test_a_solution_without_a_clear_answer_is_refused_as_a_task() -> None:
    essay = "Consider first the forces that act on the block. They are gravity and friction.\nBoth matter."
    with pytest.raises(TaskError, match="solution"):
        VERIFIER.check(Task("stem", "?", {"answer": essay}))


# --- the optional judge ---
class _Endpoint(HTTPServer):
    """A local stand-in for a language model: replies from a list, one per request."""

    replies: list[str]
    asked: list[dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        reply = self.server.replies[(len(self.server.asked) - 1) % len(self.server.replies)]
        payload = json.dumps({"choices": [{"message": {"content": reply}}]}).encode()
        self.send_response(500 if reply == "BROKEN" else 200)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def endpoint() -> Iterator[_Endpoint]:
    server = _Endpoint(("127.0.0.1", 0), _Handler)
    server.replies, server.asked = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def asking(endpoint: _Endpoint) -> StemVerifier:
    return StemVerifier(judge={"base_url": f"http://127.0.0.1:{endpoint.server_port}/v1", "model": "m"})


UNDECIDED = {"answer": "the rate doubles because more molecules collide"}


def test_without_a_judge_the_undecided_is_wrong() -> None:
    verdict = judge("the rate is twice as high", **UNDECIDED)
    assert (verdict.status, verdict.detail) == (Status.WRONG, "undecided")


def test_a_judge_decides_what_no_rule_does_and_remembers(endpoint: _Endpoint) -> None:
    endpoint.replies = ["Same thing.\n[[EQUIVALENT]]"]
    verifier = asking(endpoint)
    for _ in range(3):
        verdict = judge("the rate is twice as high", verifier, **UNDECIDED)
        assert (verdict.status, verdict.detail) == (Status.CORRECT, "judge")
    assert len(endpoint.asked) == 2
    assert [body["temperature"] for body in endpoint.asked] == [0, 0]
    assert endpoint.asked[0]["messages"][1] != endpoint.asked[1]["messages"][1]


def test_a_judge_is_not_asked_where_a_rule_decides(endpoint: _Endpoint) -> None:
    endpoint.replies = ["[[EQUIVALENT]]"]
    assert not judge("7.0 m", asking(endpoint), answer="5.0 m").correct
    assert endpoint.asked == []


@pytest.mark.parametrize(
    "replies",
    [
        ["[[EQUIVALENT]]", "[[DIFFERENT]]"],
        ["I think so"],
        ["[[EQUIVALENT]] or [[DIFFERENT]]"],
        ["[[EQUIVALENT]] said the answer, but no"],
        ["BROKEN"],
    ],
)
def test_a_judge_that_fails_gives_no_reward_at_all(endpoint: _Endpoint, replies: list[str]) -> None:
    endpoint.replies = replies
    verdict = judge("the rate is twice as high", asking(endpoint), **UNDECIDED)
    assert (verdict.status, verdict.reward) == (Status.FAILED, None)


def test_a_judge_that_is_not_there_gives_no_reward_at_all() -> None:
    verifier = StemVerifier(judge={"base_url": "http://127.0.0.1:9", "model": "m", "timeout_s": 0.5})
    assert judge("the rate is twice as high", verifier, **UNDECIDED).status is Status.FAILED


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"base_url": "file:///etc/passwd", "model": "m"},
        {"base_url": "http://x", "model": "m", "colour": 1},
    ],
)
def test_unusable_judge_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="judge"):
        StemVerifier(judge=settings)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ConfigError, match="missing_unit"):
        StemVerifier(missing_unit="maybe")  # type: ignore[arg-type]
