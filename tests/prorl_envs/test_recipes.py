"""A recipe reads what it says, and whatever is wrong is said with file, row and field."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prorl_envs.core import DOMAINS, Task
from prorl_envs.errors import MissingExtraError, RecipeError, RowError, UnknownNameError
from prorl_envs.prompts import PROMPTS
from prorl_envs.recipes import LoadReport, Recipe, data_root, load_recipe, load_tasks, recipe_names

SMALL = """
name: small
domain: math
description: For tests.
licence: CC0-1.0
prompt: "{{problem}}{{hint}} -- \\\\boxed{}"
layouts:
  - name: nested
    match: [q.text, gold]
    keep: {kind: [a, 1]}
    fields:
      problem: q.text
      hint: {template: " (hint: {{q.hint}})", missing: omit}
    truth: {answer: {path: gold.0, transforms: [text]}, tol: {const: 0.5}}
    meta: {level: {path: level, missing: omit}}
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "small.yaml").write_text(SMALL)
    return str(tmp_path / "small.yaml")


def rows(folder: Path, *values: Any) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("\n".join(value if isinstance(value, str) else json.dumps(value) for value in values))
    return file


def row(**changes: Any) -> dict[str, Any]:
    return {"q": {"text": "1+1?"}, "gold": [2.0], "kind": "a", **changes}


def test_paths_templates_constants_filters(small: str, tmp_path: Path) -> None:
    file = rows(tmp_path, row(q={"text": "1+1?", "hint": "count"}, level=3), row(kind="b"), row(kind=1))
    report = LoadReport()
    first, second = load_tasks(small, path=file, report=report)
    assert first.prompt == "1+1? (hint: count) -- \\boxed{}"
    assert second.prompt == "1+1? -- \\boxed{}"
    assert dict(first.truth) == {"answer": "2", "tol": 0.5}
    assert (first.source, dict(first.meta), dict(second.meta)) == ("small", {"level": 3}, {})
    assert (report.read, report.tasks, report.filtered) == (3, 2, 1)


@pytest.mark.parametrize(
    ("bad", "field", "problem"),
    [
        ({"q": {"text": "x"}, "kind": "a"}, "gold", "nested"),
        (row(gold=[]), "gold.0", "missing or empty"),
        (row(gold=[None]), "gold.0", "missing or empty"),
        (row(gold=["  "]), "gold.0", "missing or empty"),
        (row(gold=[True]), "gold.0", "found bool"),
        (row(q={"text": ""}), "q.text", "missing or empty"),
        (row(q={"text": {"x": 1}}), "problem", "not dict"),
        (row(level=float("nan")), None, "JSON-safe"),
        ("[1, 2]", None, "found list"),
        ('{"q": ', None, "not JSON"),
    ],
)
def test_a_malformed_row_names_file_row_and_field(
    small: str, tmp_path: Path, bad: Any, field: str | None, problem: str
) -> None:
    file = rows(tmp_path, row(), bad)
    with pytest.raises(RowError, match=problem) as caught:
        load_tasks(small, path=file)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), 2, field)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_skipping_counts_and_logs_once(small: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = rows(tmp_path, row(gold=[]), row(), "{", row(kind="z"), row())
    report = LoadReport()
    with caplog.at_level(logging.WARNING, "prorl_envs.recipes"):
        assert len(load_tasks(small, path=file, on_error="skip", report=report)) == 2
    assert (report.read, report.tasks, report.skipped, report.filtered) == (5, 2, 2, 1)
    assert [error.row for error in report.errors] == [1, 3]
    assert [record.getMessage() for record in caplog.records] == [f"small: {report.summary()}"]


def test_limit_stops_before_a_later_bad_row(small: str, tmp_path: Path) -> None:
    file = rows(tmp_path, row(), row(), "{")
    assert len(load_tasks(small, path=file, limit=2)) == 2
    assert load_tasks(small, path=file, limit=0) == []
    report = LoadReport()
    assert [len(load_tasks(small, path=file, limit=1, report=report)) for _ in range(3)] == [1, 1, 1]
    assert report.tasks == 3


def test_overrides_are_validated(small: str, tmp_path: Path) -> None:
    file = rows(tmp_path, row())
    assert load_tasks(small, path=file, prompt="as-is")[0].prompt == "1+1?"
    with pytest.raises(RecipeError, match=r"promt.*Did you mean 'prompt'"):
        load_tasks(small, path=file, promt="as-is")
    with pytest.raises(RecipeError, match=r"There is no prompt 'math-boxd'. Did you mean 'math-boxed'"):
        load_tasks(small, path=file, prompt="math-boxd")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("licence:", "license:", "license.*Did you mean 'licence'"),
        ("    match:", "    matches:", "layouts.0.matches.*Did you mean 'match'"),
        ("transforms: [text]", "transforms: [txt]", "transforms.0"),
        ("missing: omit", "missing: ignore", "missing"),
        ("problem: q.text", "question: q.text", "'problem'"),
        ("path: gold.0, ", "path: gold.0, const: 1, ", "exactly one of path, const and template"),
        ("    match:", "    prompt: math-boxd\n    match:", r"layouts.0.prompt.*Did you mean 'math-boxed'"),
        ("layouts:", "layouts: [", "cannot be read"),
        ("domain: math\n", "", "domain"),
    ],
)
def test_a_malformed_recipe_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL
    (tmp_path / "bad.yaml").write_text(SMALL.replace(old, new))
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(str(tmp_path / "bad.yaml"))
    assert "bad.yaml" in str(caught.value)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'deepscalr'. Did you mean 'deepscaler'"):
        load_tasks("deepscalr")
    with pytest.raises(UnknownNameError, match=r"'tain'. Did you mean 'train'"):
        load_tasks("deepscaler", path="x", split="tain")
    with pytest.raises(RecipeError, match=r"absent.yaml"):
        load_recipe("absent.yaml")


def test_data_that_is_not_here_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a recipe opened a socket without leave")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(RecipeError, match=r"path=.*download=True.*agentica-org/DeepScaleR-Preview-Dataset"):
        load_tasks("deepscaler")


def test_download_reads_the_pinned_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub")
    asked: dict[str, Any] = {}

    def snapshot(repo: str, **kwargs: Any) -> str:
        asked.update(kwargs, repo=repo)
        (tmp_path / "deepscaler.json").write_text(json.dumps([{"problem": "p", "answer": 3}]))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert [dict(task.truth) for task in load_tasks("deepscaler", download=True)] == [{"answer": "3"}]
    assert "deepscaler: read 1 rows where 40315 are published" in caplog.text
    hub = load_recipe("deepscaler").hub
    assert hub is not None
    assert (asked["repo"], asked["revision"], asked["repo_type"]) == (hub.id, hub.revision, "dataset")
    assert "deepscaler.json" in asked["allow_patterns"]


def test_a_failed_download_is_a_recipe_error(monkeypatch: pytest.MonkeyPatch) -> None:
    huggingface_hub = pytest.importorskip("huggingface_hub")
    httpx = pytest.importorskip("httpx")
    not_cached = huggingface_hub.errors.LocalEntryNotFoundError("offline")
    for reason in (
        not_cached,
        httpx.ConnectError("no such host"),
        OSError("disk full"),
        ValueError("bad id"),
    ):

        def fail(*_: object, reason: Exception = reason, **__: object) -> str:
            raise reason

        monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
        with pytest.raises(RecipeError, match=r"DeepScaleR.*cannot be downloaded") as caught:
            load_tasks("deepscaler", download=True)
        assert caught.value.__cause__ is reason
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"prorl-envs\[train\]"):
        load_tasks("deepscaler", download=True)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_complete(name: str) -> None:
    recipe = load_recipe(name)
    assert isinstance(recipe, Recipe)
    assert recipe.name == name
    assert recipe.domain in DOMAINS
    assert recipe.description.endswith(".")
    assert recipe.licence
    assert recipe.hub or recipe.bundled or recipe.generator
    assert Recipe.model_validate(recipe.model_dump(exclude_unset=True)) == recipe


def generated(count: int, seed: int = 0) -> list[Task]:
    return [Task("logic", f"{seed} {i}", {"task": "t", "entry": {}}) for i in range(count)]


def test_a_generator_recipe_takes_splits_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    file.write_text(
        "name: made\ndomain: logic\ndescription: For tests.\nlicence: CC0-1.0\n"
        f"generator: {{function: '{__name__}:generated', kwargs: {{count: 3}}, "
        "splits: {train: {seed: 1}, validation: {seed: 2, count: 2}}}\n"
    )
    assert [task.prompt for task in load_tasks(str(file))] == ["1 0", "1 1", "1 2"]
    assert [task.prompt for task in load_tasks(str(file), split="validation")] == ["2 0", "2 1"]
    assert [task.prompt for task in load_tasks(str(file), split="validation", count=1, seed=7)] == ["7 0"]
    assert len(load_tasks(str(file), limit=1)) == 1
    with pytest.raises(RecipeError, match="generates its tasks"):
        load_tasks(str(file), path="x")
    with pytest.raises(RecipeError, match="cuont"):
        load_tasks(str(file), cuont=1)
    with pytest.raises(UnknownNameError, match="validation"):
        load_tasks(str(file), split="validatoin")


def test_recipes_are_found_in_a_checkout_and_importing_is_light() -> None:
    assert (data_root() / "recipes" / "deepscaler.yaml").is_file()
    heavy = ("pyarrow", "datasets", "huggingface_hub", "torch", "sympy", "reasoning_gym")
    code = f"import sys, prorl_envs.recipes; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_logic_prompt_is_that_of_the_puzzles() -> None:
    from prorl_envs.puzzles import PROMPT

    assert PROMPTS["logic-answer"].replace("{{problem}}", "{question}") == PROMPT


def test_a_truth_the_verifier_refuses_is_a_bad_row(tmp_path: Path) -> None:
    file = rows(tmp_path, {"problem": "p", "answer": "1"}, {"problem": "p", "answer": "\\frac{1}{2"})
    with pytest.raises(RowError, match=r"rows.jsonl, row 2.*brace"):
        load_tasks("deepscaler", path=file)
    assert len(load_tasks("deepscaler", path=file, on_error="skip")) == 1


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_has_a_card(name: str) -> None:
    assert any(name in card.read_text() for card in (data_root() / "cards").glob("*.md"))
