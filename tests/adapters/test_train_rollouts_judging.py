"""Responses are judged while others are generated: who waits for whom, and that nothing depends on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl")

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from adapters.prorl.sampling.arrivals import STRIDE, replaced, watched
from adapters.prorl.sampling.generation import generate
from adapters.prorl.sampling.judging import Judging, sample_and_judge
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import InfrastructureError, ScorerClosedError
from tests.adapters.test_train_rollouts import Letters, Policy


class Slow:
    """A Scorer that takes its time; correct is what answers its prompt."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.batches, self.lock = seconds, 0, threading.Lock()

    def score(self, tasks: Sequence[Task], responses: Sequence[str]) -> list[Verdict]:
        with self.lock:
            self.batches += 1
        time.sleep(self.seconds)
        return [
            Verdict.binary(task.text == text.rstrip("~")) for task, text in zip(tasks, responses, strict=True)
        ]


def tasks(count: int) -> list[Task]:
    return [Task("logic", chr(65 + index), {}) for index in range(count)]


def prompts(count: int) -> list[list[int]]:
    return [[65 + index] for index in range(count)]


def judging(scorer: Any, count: int = 3, samples: int = 2) -> Judging:
    return Judging(scorer, Letters(), tasks(count), prompts(count), samples)


def test_verdicts_come_back_by_response_whatever_order_they_arrived_in() -> None:
    answers = {index: [65 + index // 2 if index != 3 else 90] for index in range(6)}
    given = judging(Slow(0.005))
    for index in (5, 0, 3, 1, 4, 2):
        given.add({index: answers[index]})
    texts, verdicts = given.results()
    assert texts == ["A", "A", "B", "Z", "C", "C"]
    assert [verdict.correct for verdict in verdicts] == [True, True, True, False, True, True]


def test_what_is_reported_twice_is_judged_once_and_must_be_the_same() -> None:
    scorer = Slow()
    given = judging(scorer, count=1, samples=1)
    given.add({0: [65]})
    given.add({0: [65]})
    with pytest.raises(InfrastructureError, match="other tokens"):
        given.add({0: [66]})
    assert given.results()[0] == ["A"]
    assert scorer.batches == 1


def test_a_response_that_never_came_is_an_error_and_no_zero() -> None:
    given = judging(Slow())
    given.add({0: [65]})
    with pytest.raises(InfrastructureError, match="1 of 6"):
        given.results()


def test_what_the_scorer_raises_reaches_the_trainer() -> None:
    class Closed(Slow):
        def score(self, tasks: Any, responses: Any) -> Any:
            raise ScorerClosedError("this Scorer is closed")

    given = judging(Closed())
    for index in range(6):
        given.add({index: [65]})
    with pytest.raises(ScorerClosedError):
        given.results()


def test_a_batch_that_takes_long_does_not_hold_up_the_next() -> None:
    release, done = threading.Event(), threading.Event()

    class Stuck(Slow):
        def score(self, tasks: Sequence[Task], responses: Sequence[str]) -> list[Verdict]:
            if "A" in responses:
                assert release.wait(10)
            else:
                done.set()
            return super().score(tasks, responses)

    given = judging(Stuck(), count=2, samples=1)
    given.add({0: [65]})
    time.sleep(0.02)
    given.add({1: [66]})
    assert done.wait(5), "the second response waits for the first"
    release.set()
    assert given.results()[0] == ["A", "B"]


def test_scoring_is_hidden_behind_generation() -> None:
    class Chunks(Policy):
        def _generate_single_turn(self, *args: Any) -> Any:
            time.sleep(0.1)
            return super()._generate_single_turn(*args)

    done = sample_and_judge(Chunks(), Slow(0.09), Letters(), tasks(6), prompts(6), 2, chunk=4)  # type: ignore[arg-type]
    assert [verdict.correct for verdict in done.verdicts] == [True] * 12
    assert done.generation_s >= 0.3
    assert 0.25 < done.scoring_s < 0.4
    assert done.wait_s < 0.6 * done.scoring_s, "only the last chunk's scoring is waited for"


def tiny_policy(max_tokens: int, ends: list[int]) -> Any:
    """The transformers path of TRL's `_generate_single_turn`, around a real model."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=20, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, head_dim=16, pad_token_id=0, eos_token_id=ends, bos_token_id=None,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config).eval()

    def turn(ids: list[list[int]], *_: Any) -> tuple[list[list[int]], None]:
        out = model.generate(
            input_ids=torch.tensor(ids), attention_mask=torch.ones(len(ids), len(ids[0])), do_sample=True,
            max_new_tokens=max_tokens,
        )[:, len(ids[0]) :]  # fmt: skip
        rows = []
        for row in out.tolist():
            last = next((place for place, token in enumerate(row) if token in ends), len(row) - 1)
            rows.append(row[: last + 1])
        return rows, None

    return SimpleNamespace(
        use_vllm=False,
        use_transformers_continuous_batching=False,
        eos_token_ids=ends,
        model_wrapped=model,
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        generation_config=SimpleNamespace(temperature=1.0),
        _generate_single_turn=turn,
    )


@pytest.mark.parametrize("ends", [[1], [1, 5], [0]])
def test_transformers_responses_are_reported_before_the_longest_has_ended(ends: list[int]) -> None:
    """Also where the end token is the padding token, which every ended row is full of."""
    policy, early = tiny_policy(4 * STRIDE, ends), []
    torch.manual_seed(1)
    responses, _ = generate(
        policy, [[2, 3]] * 16, 2, chunk=99, finished=lambda found: early.append(dict(found))
    )
    longest = max(map(len, responses))
    assert longest > STRIDE, "the test's model ends too early to show anything"
    *on_the_way, all_of_them = early
    assert all_of_them == dict(enumerate(responses))
    reported = [index for found in on_the_way for index in found]
    assert len(reported) == len(set(reported)), "a response was reported twice"
    assert all(responses[index] == ids for found in on_the_way for index, ids in found.items())
    last_look = longest // STRIDE * STRIDE
    in_time = {index for index, ids in enumerate(responses) if len(ids) <= last_look and ids[-1] in ends}
    assert in_time == set(reported)
    assert len(in_time) > 8
    torch.manual_seed(1)
    assert generate(policy, [[2, 3]] * 16, 2, chunk=99)[0] == responses, "watching changed the samples"
    assert "generate" not in vars(policy.model_wrapped)


def test_vllm_responses_are_reported_by_request() -> None:
    outputs = [
        [SimpleNamespace(request_id="8", finished=False, outputs=[])],
        [
            SimpleNamespace(request_id="9", finished=True, outputs=[SimpleNamespace(token_ids=(4, 5))]),
            SimpleNamespace(request_id="7", finished=True, outputs=[SimpleNamespace(token_ids=(6,))]),
        ],
    ]

    class Engine:
        def step(self) -> Any:
            return outputs.pop(0)

    engine, found = Engine(), {}
    llm = SimpleNamespace(llm_engine=engine, request_counter=SimpleNamespace(counter=7))
    trainer = SimpleNamespace(
        use_vllm=True,
        vllm_mode="colocate",
        vllm_tensor_parallel_size=1,
        vllm_generation=SimpleNamespace(llm=llm),
    )
    with watched(trainer, 3, found.update):
        assert len(engine.step()) == 1
        assert len(engine.step()) == 2
    assert found == {2: [4, 5], 0: [6]}
    assert "step" not in vars(engine)
    trainer.vllm_tensor_parallel_size = 2
    with watched(trainer, 3, found.update):
        assert "step" not in vars(engine), "an engine of several processes sees other requests too"


class Client:
    """TRL's client, answering each prompt with itself, once per sample."""

    def __init__(self, logprobs: bool = True) -> None:
        self.logprobs, self.requests = logprobs, 0
        self.lock = threading.Lock()

    def generate(
        self, prompts: list[list[int]], features: None = None, n: int = 1, **_: Any
    ) -> dict[str, Any]:
        with self.lock:
            self.requests += 1
        time.sleep(0.02 * (prompts[0][0] == 65))
        rows = [[*ids, sample] for ids in prompts for sample in range(n)]
        logprobs = [[[-float(token)] for token in row] for row in rows]
        return {
            "prompt_ids": prompts,
            "completion_ids": rows,
            "logprobs": logprobs if self.logprobs else None,
        }


@pytest.mark.parametrize("logprobs", [True, False])
def test_a_server_gets_a_request_for_each_prompt_and_the_answers_keep_their_places(logprobs: bool) -> None:
    client, found = Client(logprobs), {}
    trainer = SimpleNamespace(
        use_vllm=True, vllm_mode="server", accelerator=SimpleNamespace(is_main_process=True),
        vllm_generation=SimpleNamespace(vllm_client=client),
    )  # fmt: skip
    whole = Client(logprobs).generate(prompts(5), n=3)
    with watched(trainer, 9, found.update):
        spread = client.generate(prompts=prompts(5), features=None, n=3, temperature=1.0)
    assert spread == whole
    assert client.requests == 5
    assert found == dict(enumerate(whole["completion_ids"][:9])), "other processes' responses are not ours"


def test_processes_that_ask_no_server_watch_nothing() -> None:
    trainer = SimpleNamespace(
        use_vllm=True, vllm_mode="server", accelerator=SimpleNamespace(is_main_process=False),
        vllm_generation=SimpleNamespace(),
    )  # fmt: skip
    with watched(trainer, 1, pytest.fail):
        pass


def test_replaced_functions_come_back_also_after_an_error() -> None:
    class Owner:
        def name(self) -> str:
            return "class"

    def call(owner: Owner, function: Callable[[], str]) -> None:
        with pytest.raises(KeyError), replaced(owner, "name", function):
            assert owner.name() == "other"
            raise KeyError

    owner = Owner()
    call(owner, lambda: "other")
    assert owner.name() == "class"
    assert vars(owner) == {}
    owner.name = lambda: "own"  # type: ignore[method-assign]
    call(owner, lambda: "other")
    assert owner.name() == "own"


def test_responses_that_a_backend_loses_stop_the_run() -> None:
    policy = Policy()
    policy._generate_single_turn = lambda *_: ([[1]], None)  # type: ignore[method-assign, assignment]
    with pytest.raises(InfrastructureError, match="1 responses of 4"):
        generate(policy, prompts(2), 2, chunk=9)
