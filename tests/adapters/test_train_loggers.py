"""Loggers of other projects: what reaches them, what they may not do to a run, and the real ones where installed."""

from __future__ import annotations

import json
import logging
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from adapters import train
from adapters.prorl.settings import validated
from adapters.prorl.telling import loggers
from adapters.prorl.telling.loggers import LoggerObserver, check_loggers, flattened, make_loggers
from adapters.prorl.watching.watch import Alarm
from prorl_envs.errors import ConfigError, MissingExtraError

ROW = {
    "step": 3,
    "reward": 0.5,
    "kl": None,
    "loss": float("nan"),
    "reward_by_domain": {"math": 0.25},
    "rounds": 2,
}
RESULT: Any = SimpleNamespace(
    pass_at={1: 0.5, 8: 0.75},
    by_source={"sorting": 0.5},
    by_domain={"logic": {"pass@1": 0.5}},
    length=7.0,
    truncated=0.0,
    reward=None,
)


def config(*names: str, **more: Any) -> Any:
    return validated({"log_to": names, **more}, "test")


def drive(observer: LoggerObserver) -> None:
    observer.step(ROW)
    observer.validation(3, RESULT)
    observer.reset(3, "by hand")
    observer.alarm(Alarm("kl_runaway", 3, 2.0, 1.0, "advice"))
    observer.alarm_over(13, "kl_runaway")
    observer.close()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuses connections that leave the machine, and remembers them."""
    tried: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            tried.append(address)
            raise ConnectionRefusedError(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def test_numbers_alone_go_out_each_under_its_own_name() -> None:
    assert flattened("train", {k: v for k, v in ROW.items() if k != "step"}) == {
        "train/reward": 0.5, "train/reward_by_domain/math": 0.25, "train/rounds": 2.0,
    }  # fmt: skip


def test_wandb_is_offline_unless_asked_and_keeps_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    run = SimpleNamespace(
        log=lambda values: calls.append(("log", values)),
        define_metric=lambda *args, **kw: calls.append(("define", args, kw)),
        finish=lambda: calls.append("finish"),
    )
    fake = ModuleType("wandb")
    fake.init = lambda **options: calls.append(("init", options)) or run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    drive(make_loggers(config("wandb"), tmp_path)[0])
    make_loggers(config("wandb", log_online=True), tmp_path)
    (_, first), (_, second) = [call for call in calls if call[0] == "init"]
    assert (first["mode"], second["mode"]) == ("offline", "online")
    assert first["id"] == second["id"] == json.loads((tmp_path / "tracking.json").read_text())["id"]
    assert first["dir"] == str(tmp_path)
    assert first["config"]["log_to"] == ["wandb"]
    assert ("define", ("*",), {"step_metric": "step"}) in calls
    assert ("log", {"heldout/pass@1": 0.5, "heldout/pass@8": 0.75, "heldout/by_source/sorting": 0.5,
                    "heldout/by_domain/logic/pass@1": 0.5,
                    "heldout/length": 7.0, "heldout/truncated": 0.0, "step": 3}) in calls  # fmt: skip
    assert ("log", {"events/reset": 1.0, "step": 3}) in calls
    assert ("log", {"alarms/kl_runaway": 0.0, "step": 13}) in calls
    assert "finish" in calls


def test_trackio_gets_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    fake: Any = ModuleType("trackio")
    fake.init = lambda **options: calls.append(("init", options))
    fake.log = lambda values, step: calls.append((step, values))
    fake.finish = lambda: calls.append("finish")
    monkeypatch.setitem(sys.modules, "trackio", fake)
    drive(make_loggers(config("trackio", log_project="mine"), tmp_path)[0])
    assert calls[0][1]["project"] == "mine"
    assert "space_id" not in calls[0][1]
    assert (3, {"train/reward": 0.5, "train/reward_by_domain/math": 0.25, "train/rounds": 2.0}) in calls
    assert calls[-1] == "finish"


def test_a_logger_that_fails_is_dropped_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        calls = 0

        def log(self, step: int, values: Any) -> None:
            Broken.calls += 1
            raise KeyError("server says no")

        def close(self) -> None:
            raise AssertionError("a dropped logger is left alone")

    with caplog.at_level(logging.WARNING):
        drive(LoggerObserver("wandb", Broken))
    assert Broken.calls == 1
    assert "wandb failed" in caplog.text
    with caplog.at_level(logging.WARNING):
        drive(LoggerObserver("trackio", lambda: 1 / 0))  # type: ignore[arg-type]
    assert "division by zero" in caplog.text


@pytest.mark.parametrize("name", ["tensorboard", "trackio", "wandb"])
def test_a_missing_package_is_refused_before_the_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=rf"prorl-envs\[{name}\]"):
        check_loggers(config(name))
    assert train.main(["--log-to", name, "--runs", str(tmp_path / "runs")]) == 2
    assert f"pip install 'prorl-envs[{name}]'" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()


def test_an_unknown_logger_is_refused() -> None:
    with pytest.raises(ConfigError, match="log_to"):
        config("tensorbord")


def test_real_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    drive(make_loggers(config("tensorboard"), tmp_path)[0])
    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    (reward,) = read.Scalars("train/reward")
    assert (reward.step, reward.value) == (3, 0.5)
    assert [event.value for event in read.Scalars("alarms/kl_runaway")] == [1.0, 0.0]


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
def test_real_wandb_stays_offline(
    tmp_path: Path, no_network: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    drive(make_loggers(config("wandb"), tmp_path)[0])
    assert "failed" not in caplog.text
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert no_network == []


@pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")
def test_real_trackio_stays_local(
    tmp_path: Path, no_network: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "db"))
    drive(make_loggers(config("trackio"), tmp_path)[0])
    assert "failed" not in caplog.text
    assert list((tmp_path / "db").rglob("*"))
    assert no_network == []
