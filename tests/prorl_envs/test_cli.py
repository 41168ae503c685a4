"""The `prorl` command as a user meets it: files in, files out, clear words for mistakes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from prorl_envs import EnvironmentSpec, Task, cli
from prorl_envs.commands import doctor
from prorl_envs.commands.play import as_response
from tests.prorl_envs import scripted

MATH: dict[str, Any] = {"domain": "math", "truth": {"answer": "7"}}


def score(tmp_path: Path, rows: list[object], *options: str) -> tuple[int, list[dict[str, Any]]]:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    code = cli.main(["score", str(source), "-o", str(target), "--workers", "1", *options])
    return code, [json.loads(line) for line in target.read_text().splitlines()]


def test_score_gives_the_same_ids_in_order(tmp_path: Path) -> None:
    rows = [{**MATH, "id": f"r{n}", "response": f"\\boxed{{{n}}}"} for n in (7, 8, 7)]
    code, out = score(tmp_path, rows)
    assert code == 0
    assert [(row["id"], row["reward"], row["status"]) for row in out] == [
        ("r7", 1.0, "correct"),
        ("r8", 0.0, "wrong"),
        ("r7", 1.0, "correct"),
    ]


def test_rows_that_cannot_be_read_are_named_and_stop_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[object] = [
        {**MATH, "id": 1, "response": "\\boxed{7}"},
        "{not json",
        {"id": 3, "domain": "math", "response": "x"},
        {"id": 4, **MATH},
        {"id": 5, "domain": "maths", "truth": {}, "response": "x"},
        {"id": 6, "domain": "math", "truth": {}, "response": "x"},
        {**MATH, "id": 7, "response": 7},
        {**MATH, "id": 8, "response": None},
        {**MATH, "id": 9, "response": "\\boxed{7}"},
    ]
    code, out = score(tmp_path, rows)
    assert code == 1
    assert [row["status"] for row in out] == ["correct", *["failed"] * 6, "no_answer", "correct"]
    assert [row["id"] for row in out] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert all(row["reward"] is None for row in out[1:7])
    said = capsys.readouterr().err.replace("\n", " ")
    for words in (
        "row 2",
        "row 3",
        "'truth'",
        "row 4",
        "'response'",
        "Did you mean 'math'",
        "row 6",
        "row 7",
    ):
        assert words in said


def test_verifier_options_reach_the_verifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**MATH, "response": "\\boxed{7}"}]
    assert score(tmp_path, rows, "--verifier", "math.mode=paper")[0] == 0
    assert cli.main(["score", str(tmp_path / "in.jsonl"), "--verifier", "math.mod=paper"]) == 2
    assert cli.main(["score", str(tmp_path / "in.jsonl"), "--verifier", "paper"]) == 2
    assert "DOMAIN.NAME=VALUE" in capsys.readouterr().err


def test_mistakes_in_the_call_are_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent, present = tmp_path / "absent.jsonl", tmp_path / "present.jsonl"
    present.write_text(json.dumps({**MATH, "response": "x"}) + "\n")
    assert cli.main(["score", str(absent)]) == 2
    assert cli.main(["score", str(present), "-o", str(present)]) == 2
    assert cli.main(["score", str(present), "-o", str(tmp_path / "no" / "folder")]) == 2
    assert present.read_text().count("\n") == 1
    said = capsys.readouterr().err
    assert "is no file" in said
    assert "overwrite" in said
    assert "cannot be written" in said


def test_an_unknown_verb_or_id_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scor"]) == 2
    assert cli.main(["play", "prorl/Mth-v0"]) == 2
    assert cli.main(["audit"]) == 2
    assert cli.main([]) == 2
    said = capsys.readouterr().err
    assert "Did you mean 'score'" in said
    assert "Did you mean 'prorl/Math-v0'" in said


def test_envs_lists_every_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["envs", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"prorl/Math-v0", "prorl/Instructions-v0"} <= {row["id"] for row in rows}
    assert cli.main(["envs"]) == 0
    assert "prorl/Stem-v0" in capsys.readouterr().out


def test_a_person_can_play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("nonsense\n.\n"))
    assert cli.main(["play", "prorl/Math-v0", "--seed", "1"]) == 0
    shown = capsys.readouterr().out
    assert "reward 0" in shown
    assert shown.count("math-") >= 2  # the next problem follows


@pytest.mark.parametrize(
    ("domain", "answer", "response"),
    [
        ("math", "7\n", "\\boxed{7}"),
        ("math", "\\boxed{7}", "\\boxed{7}"),
        ("logic", "7", "<answer>7</answer>"),
        ("logic", "<answer>7</answer>", "<answer>7</answer>"),
        ("code", "print(1)\n", "```python\nprint(1)\n\n```"),
        ("instruction", "hello", "hello"),
    ],
)
def test_plain_answers_are_put_into_the_form_of_their_domain(domain: str, answer: str, response: str) -> None:
    assert as_response(domain, answer) == response


def test_audit_of_one_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "prorl/Logic-v0"]) == 0
    assert "prorl/Logic-v0" in capsys.readouterr().out


def test_doctor_looks_at_everything(capsys: pytest.CaptureFixture[str]) -> None:
    found = {check.what: check for check in doctor.checks()}
    layers = {"sandbox: full", "sandbox: confined", "  seccomp"}
    assert {"python", "prorl/Math-v0", "prorl/Code-v0", "trl"} | layers <= found.keys()
    assert [check for check in found.values() if check.state == "problem"] == []


def test_doctor_judges_with_the_verifier_that_an_environment_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EnvironmentSpec(
        "theirs/Own-v0", domain="scripted", kind="binary", verifier=scripted.PATH, description="",
        options={"tasks": [Task("scripted", "say 1", {"answer": "1"})]},
    )  # fmt: skip
    monkeypatch.setattr(doctor, "environments", lambda: (spec,))
    assert [(check.what, check.state) for check in doctor._environments()] == [("theirs/Own-v0", "ok")]


def test_doctor_finds_a_package_that_hides_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_origin", lambda name: Path(f"/site-packages/{name}/__init__.py"))
    clashes = [check for check in doctor._name_clashes() if check.state == "problem"]
    assert len(clashes) == 1
    assert "pip uninstall adapters" in clashes[0].found
