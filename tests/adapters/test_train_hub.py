"""Publishing a trained model: only when asked, private by default, and a failure costs nothing but the push."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("huggingface_hub")

import httpx
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
from rich.console import Console

from adapters import train
from adapters.prorl import verbs
from adapters.prorl.settings import parse
from adapters.prorl.telling.hub import check_push, push
from prorl_envs.errors import ConfigError, InfrastructureError
from tests.adapters.test_train_page import made_run


class Hub:
    """What `HfApi` is used for; remembers what it was asked, and fails on demand."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.created, self.uploaded = error, {}, {}

    def create_repo(self, repo_id: str, **options: Any) -> None:
        self.created = {"repo_id": repo_id, **options}

    def upload_folder(self, **options: Any) -> Any:
        if self.error:
            raise self.error
        files = {file.name: file.read_bytes() for file in Path(options["folder_path"]).iterdir()}
        self.uploaded = {**options, "files": files}
        return SimpleNamespace(commit_url="https://hub.example/me/model/commit/1")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = made_run(tmp_path / "my run")
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    (folder / "curves.png").write_bytes(b"png")
    return folder


def test_the_model_goes_up_with_its_card_and_curves_and_nothing_else(run: Path) -> None:
    hub = Hub()
    assert push(run, "me/model", api=hub) == "https://hub.example/me/model/commit/1"
    assert hub.created == {"repo_id": "me/model", "private": True, "exist_ok": True}
    assert set(hub.uploaded["files"]) == {"README.md", "curves.png", "model.safetensors"}
    assert b"pass@1" in hub.uploaded["files"]["README.md"]
    push(run, "me/model", private=False, api=hub)
    assert hub.created["private"] is False


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("no route to host"),
        HfHubHTTPError(
            "403 Forbidden", response=httpx.Response(403, request=httpx.Request("POST", "https://x"))
        ),
        LocalTokenNotFoundError("no token"),
        ConnectionError("offline mode"),
        OSError("disk"),
    ],
)
def test_a_push_that_fails_says_how_to_try_again_and_loses_nothing(run: Path, error: Exception) -> None:
    with pytest.raises(InfrastructureError, match=r"push '.*my run' me/model") as raised:
        push(run, "me/model", api=Hub(error))
    assert str(error).split()[0] in str(raised.value)
    assert (run / "model" / "model.safetensors").read_bytes() == b"weights"


def test_a_run_without_a_model_is_not_pushed(tmp_path: Path) -> None:
    hub = Hub()
    with pytest.raises(ConfigError, match="no trained model"):
        push(made_run(tmp_path / "fresh"), "me/model", api=hub)
    assert hub.created == {}


@pytest.mark.parametrize("name", ["model", "a/b/c", "me/", "me/mo del", "", "/x", "me/" + "x" * 120])
def test_a_name_that_is_none_is_refused_before_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        check_push(name)
    check_push("me/model-1.5b")


def test_without_a_token_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert train.main(["--push", "me/model", "--runs", str(tmp_path / "runs")]) == 2
    assert "HF_TOKEN" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_command_pushes_a_run_that_exists(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    monkeypatch.setattr(verbs, "push", lambda *args, **options: asked.append((args, options)) or "done")
    assert train.main(["push", str(run), "me/model"]) == 0
    assert train.main(["push", str(run), "me/model", "--public"]) == 0
    assert asked == [((run, "me/model"), {"private": True}), ((run, "me/model"), {"private": False})]


def test_the_page_is_made_again_on_demand(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["page", str(run)]) == 0
    assert "report.html" in capsys.readouterr().out
    assert (run / "report.html").exists()
    assert (run / "model" / "README.md").exists()
    assert train.main(["page", str(run.parent)]) == 2
    assert verbs.VERBS["page"]([str(run), "-o", str(run / "x.html")], Console(quiet=True)) == 0
    assert (run / "x.html").exists()


def test_pushing_is_asked_for_on_the_command_line_alone() -> None:
    request = parse(["--push", "me/model"])
    assert (request.push, request.public) == ("me/model", False)
    assert parse([]).push is None
    # A configuration that is resumed or shared must not publish anything.
    assert "push" not in request.config.model_dump()
