"""`ProrlReward` keeps TRL's contract: called by TRL's own code, off the main thread, with failures as None."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.trl_rewards import ProrlReward, make_reward, to_dataset, to_rows
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError, RowError
from prorl_envs.scoring import Scorer, shared_scorer

MATH = Task("math", "1+1?", {"answer": "2"}, source="own", meta={"level": 1})
CHOICE = Task("stem", "Which?", {"answer": "B"}, source="own")
TASKS = [MATH, CHOICE]


@pytest.fixture(scope="module", autouse=True)
def _scorer() -> Iterator[None]:
    yield
    shared_scorer().close()


def columns(tasks: list[Task]) -> dict[str, list[Any]]:
    rows = to_rows(tasks)
    return {name: [row[name] for row in rows] for name in rows[0] if name != "prompt"}


def test_rewards_of_texts_and_of_messages() -> None:
    reward = make_reward()
    prompts, texts = ["p"] * 3, ["\\boxed{2}", "\\boxed{3}", "<think>"]
    extra = columns([MATH] * 3)
    assert reward(prompts, texts, **extra) == [1.0, 0.0, 0.0]
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    assert reward(prompts, chats, completion_ids=[[1]] * 3, trainer_state=None, **extra) == [1.0, 0.0, 0.0]


def test_the_dataset_keeps_every_task() -> None:
    datasets = pytest.importorskip("datasets")
    mixed = [
        *TASKS,
        Task("code", "p", {"inputs": ["1"], "outputs": ["1"]}),
        Task("stem", ({"role": "system", "content": "s"}, {"role": "user", "content": "u"}), {"answer": 1.5}),
    ]
    dataset = to_dataset(mixed)
    assert isinstance(dataset, datasets.Dataset)
    assert [Task.from_dict(row) for row in dataset] == mixed


def test_the_binary_view_scores_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def score(self: Scorer, tasks: list[Task], responses: list[object]) -> list[Verdict]:
        calls.append(len(tasks))
        return [Verdict.share(0.5), Verdict.share(1.0), Verdict.share(0.0)]

    monkeypatch.setattr(Scorer, "score", score)
    dense = make_reward()
    binary = dense.binary()
    assert dense.__name__ != binary.__name__
    batch, extra = ["a", "b", "c"], columns([MATH] * 3)
    assert dense(batch, batch, **extra) == [0.5, 1.0, 0.0]
    assert binary(batch, list(batch), **extra) == [0.0, 1.0, 0.0]
    assert len(calls) == 1
    dense(batch, batch, **columns([CHOICE] * 3))
    assert len(calls) == 2, "other tasks for equal completions are another batch"


def test_failures_are_none_in_both_views_and_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def score(self: Scorer, tasks: list[Task], responses: list[object]) -> list[Verdict]:
        calls.append(len(tasks))
        return [Verdict.failed("worker lost"), Verdict.binary(True)]

    monkeypatch.setattr(Scorer, "score", score)
    dense = make_reward()
    extra = columns([MATH, MATH])
    assert dense(["p"] * 2, ["a", "b"], **extra) == [None, 1.0]
    assert dense.binary()(["p"] * 2, ["a", "b"], **extra) == [None, 1.0]
    assert len(calls) == 2


def test_metrics_and_extra_columns_cover_every_sample_once() -> None:
    metrics: dict[str, float] = {}
    extra: dict[str, list[Any]] = {}
    dense = make_reward()
    texts = ["\\boxed{2}", "no box", "\\boxed{B}"]
    data = columns([MATH, MATH, CHOICE])
    sinks = {"log_metric": metrics.__setitem__, "log_extra": extra.__setitem__}
    dense(["p"] * 3, texts, **sinks, **data)
    assert extra["status"] == ["correct", "no_answer", "correct"]
    assert len(extra["detail"]) == 3
    assert metrics["verdict/correct/math"] == 0.5
    assert metrics["verdict/correct/stem"] == 1.0
    assert metrics["verdict/no_answer"] == pytest.approx(1 / 3)
    assert metrics["verdict/failed"] == 0.0
    metrics.clear()
    dense.binary()(["p"] * 3, texts, **sinks, **data)
    assert not metrics, "two views must not log one batch twice"


def test_a_dataset_without_tasks_is_refused() -> None:
    with pytest.raises(RowError, match=r"row 1, field 'domain'"):
        make_reward()(["p"], ["\\boxed{2}"], solution=["2"])
    with pytest.raises(ConfigError, match="view"):
        make_reward("sparse")  # type: ignore[arg-type]


def test_it_travels_to_another_process_as_configuration() -> None:
    reward = ProrlReward("binary", "strict", {"math": {}})
    reward(["p"], ["\\boxed{2}"], **columns([MATH]))
    copy = pickle.loads(pickle.dumps(reward))
    assert (copy.view, copy.__name__, copy.verifiers) == ("binary", "strict", {"math": {}})
    assert copy(["p"], ["\\boxed{2}"], **columns([MATH])) == [1.0]


# --- TRL's own code ---


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A real GRPOTrainer around a randomly initialised model of a few thousand parameters."""
    trl = pytest.importorskip("trl")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")

    alphabet = ["<eos>", "<pad>", *sorted(set(map(chr, range(32, 127))))]
    bare = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({token: i for i, token in enumerate(alphabet)}, unk_token="<pad>")
    )
    bare.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    bare.decoder = tokenizers.decoders.Fuse()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<eos>", pad_token="<pad>", padding_side="left"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    torch.manual_seed(0)
    model = transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            vocab_size=len(alphabet),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            eos_token_id=0,
            pad_token_id=1,
            bos_token_id=None,
        )
    )
    dense = make_reward()
    args = trl.GRPOConfig(
        output_dir=str(tmp_path_factory.mktemp("run")),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=4,
        max_steps=1,
        reward_weights=[1.0, 0.0],
        report_to=[],
        use_cpu=True,
        bf16=False,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
    )
    return trl.GRPOTrainer(
        model=model,
        reward_funcs=[dense, dense.binary()],
        args=args,
        train_dataset=to_dataset(TASKS),
        processing_class=tokenizer,
    )


@pytest.mark.parametrize("threaded", [False, True], ids=["main thread", "another thread"])
def test_trl_calls_it(trainer: Any, threaded: bool) -> None:
    inputs = [dict(row) for row in to_rows([MATH, MATH, CHOICE, CHOICE])]
    texts = ["\\boxed{2}", "\\boxed{9}", "\\boxed{B}", ""]
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    results: list[Any] = []

    def calculate() -> None:
        prompts = [row["prompt"] for row in inputs]
        results.append(trainer._calculate_rewards(inputs, prompts, completions, [[1]] * 4))

    if threaded:
        thread = threading.Thread(target=calculate)
        thread.start()
        thread.join(60)
    else:
        calculate()
    assert results[0].tolist() == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    assert trainer.reward_func_names == ["prorl", "correct"]
    trainer._pending_metrics.clear()
    trainer._pending_extra_logs.clear()


def test_trl_ignores_a_failure(trainer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [Verdict.failed("worker lost"), Verdict.binary(True)]
    monkeypatch.setattr(Scorer, "score", lambda self, tasks, responses: failing)
    inputs = [dict(row) for row in to_rows([MATH, MATH])]
    rewards = trainer._calculate_rewards(inputs, ["p"] * 2, ["a", "b"], [[1]] * 2)
    assert rewards.isnan().tolist() == [[True, True], [False, False]]
    trainer._pending_metrics.clear()
    trainer._pending_extra_logs.clear()


@pytest.mark.filterwarnings("ignore")
def test_trl_trains_a_step_on_it(trainer: Any, tmp_path: Path) -> None:
    trainer.train()
    logged = {name: value for entry in trainer.state.log_history for name, value in entry.items()}
    assert logged["rewards/prorl/mean"] == logged["rewards/correct/mean"] == 0.0
    assert logged["verdict/failed"] == 0.0
    assert logged["verdict/no_answer"] > 0.0
