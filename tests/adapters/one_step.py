"""One step of the real trainer on given responses, and what a float64 reference says about each of its updates."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback

from adapters.prorl.extension import Extension
from adapters.prorl.objective_trainer import ObjectiveTrainer
from adapters.prorl.sampling.groups import Group
from adapters.prorl.sampling.rollouts import passed_on
from adapters.prorl.settings import validated
from adapters.prorl.trl_settings import grpo_config
from prorl_envs.core import Task, Verdict
from tests.adapters.reference_objective import Array, Update, gradient

VOCABULARY, PAD, END = 13, 0, 1
TEMPERATURE = 1.2
Key = tuple[tuple[int, ...], tuple[int, ...]]


def config(
    runs: Path,
    *,
    device_batch: int = 2,
    mini_batch: int = 2,
    correction: str = "token_mask",
    **objective: Any,
) -> Any:
    """4 prompts of 3 responses, in updates of `mini_batch` prompts; steps large enough that ratios reach the clip."""
    return validated(
        {
            "runs": str(runs),
            "seed": 5,
            "steps": 1,
            "rollout": {
                "prompts": 4,
                "group": 3,
                "temperature": TEMPERATURE,
                "max_response_tokens": 8,
                "correction": correction,
                "correction_min": 0.6,
                "correction_max": 1.5,
            },
            "objective": objective,
            "optimizer": {
                "mini_batch": mini_batch,
                "device_batch": device_batch,
                "learning_rate": 0.05,
                "max_grad_norm": 1e9,
            },
            "model": {"bf16": False, "gradient_checkpointing": False},
        },
        "one step",
    )


def groups(*, unfinished: bool = False, unknown: bool = False) -> list[Group]:
    """Four prompts and twelve responses of unequal lengths, no two alike."""
    draw = np.random.default_rng(11)
    made = []
    for number in range(4):
        lengths = [1, 3 + number % 2, 6]
        responses = [[int(token) for token in draw.integers(2, VOCABULARY, n)] + [END] for n in lengths]
        if unfinished and number < 3:
            responses[2] = [*responses[2][:-1], 2]
        rewards: list[float | None] = [1.0, 0.0, round(0.25 * number, 2)]
        if unknown and number:
            rewards[:number] = [None] * number
        prompt = [int(token) for token in draw.integers(2, VOCABULARY, 2 + number)]
        verdicts = [Verdict.binary(bool(reward)) for reward in rewards]
        task = Task("logic", f"problem {number}", {"answer": ""})
        finished = [row[-1] == END for row in responses]
        made.append(Group(task, prompt, responses, [""] * 3, verdicts, rewards, rewards, finished))
    return made


class Given:
    """Rollouts that were made before."""

    replaces_dead = True

    def __init__(self, kept: list[Group], logprobs: list[list[float]] | None) -> None:
        self.counts, self._logprobs = SimpleNamespace(kept=kept), logprobs

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, Any]:
        kept = self.counts.kept
        return {
            "prompt_ids": [group.prompt_ids for group in kept for _ in group.texts],
            "completion_ids": [ids for group in kept for ids in group.response_ids],
            "env_reward": [reward for group in kept for reward in group.shaped],
            "logprobs": self._logprobs,
        }


@dataclass
class Recorded:
    """One update: the weights before it, its responses, its loss and gradient."""

    weights: dict[str, torch.Tensor]
    keys: list[Key] = field(default_factory=list)
    loss: float = 0.0
    grads: dict[str, torch.Tensor] = field(default_factory=dict)


class Recorder(ObjectiveTrainer, TrainerCallback):  # type: ignore[misc]
    """The trainer, writing down each update."""

    def snapshot(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        if not self.updates or self.updates[-1].grads:
            self.updates.append(Recorded(self.snapshot()))
        loss = super()._compute_loss(model, inputs)
        now = self.updates[-1]
        now.loss += loss.item()
        for prompt, mask, response in zip(
            inputs["prompt_ids"].tolist(), inputs["prompt_mask"].tolist(), inputs["completion_ids"].tolist(),
            strict=True,
        ):  # fmt: skip
            kept = tuple(token for token, on in zip(prompt, mask, strict=True) if on)
            now.keys.append((kept, tuple(token for token in response if token != PAD)))
        return loss


class _Gradients(TrainerCallback):  # type: ignore[misc]
    def __init__(self, trainer: Recorder) -> None:
        self._trainer = trainer

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        named = self._trainer.model.named_parameters()
        self._trainer.updates[-1].grads = {name: p.grad.detach().clone() for name, p in named}


def tiny(seed: int) -> LlamaForCausalLM:
    """A model of a few thousand weights, the larger for the ratios to differ."""
    torch.manual_seed(seed)
    shape = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, initializer_range=0.3, pad_token_id=PAD,
        eos_token_id=END, bos_token_id=None, tie_word_embeddings=False,
    )  # fmt: skip
    return LlamaForCausalLM(shape)


def trained(
    settings: Any,
    folder: Path,
    kept: list[Group],
    *,
    extensions: Sequence[Extension] = (),
    logprobs: list[list[float]] | None = None,
) -> Recorder:
    """Makes one step. With `logprobs` as if a sampler had reported them. The reference is not the first policy."""
    torch.set_num_threads(1)
    vocabulary = {f"t{i}": i for i in range(VOCABULARY)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, "t0")), pad_token="t0", eos_token="t1"
    )
    tiny(3).save_pretrained(folder / "model")
    given = Given(kept, logprobs)
    trainer = Recorder(
        settings.objective, given, extensions,
        model=str(folder / "model"), processing_class=tokenizer, reward_funcs=passed_on,
        args=grpo_config(settings, folder / "out", extensions=extensions),
        train_dataset=Dataset.from_dict({"prompt": [""] * settings.rollout.prompts}),
        rollout_func=given,
    )  # fmt: skip
    trainer.model.load_state_dict(tiny(4).state_dict())
    trainer.updates = []
    trainer.use_vllm, trainer._last_loaded_step = logprobs is not None, 0
    trainer.add_callback(_Gradients(trainer))
    trainer.train()
    return trainer


class Exact:
    """A policy in float64: log-probs and entropies of a response's tokens at the sampling temperature."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.model = tiny(0)
        self.model.load_state_dict(weights)
        self.model.double()

    def __call__(self, key: Key) -> tuple[torch.Tensor, torch.Tensor]:
        prompt, response = key
        logits = self.model(torch.tensor([[*prompt, *response]])).logits[0, len(prompt) - 1 : -1]
        table = torch.log_softmax(logits / TEMPERATURE, dim=-1)
        return table.gather(1, torch.tensor(response)[:, None])[:, 0], -(table.exp() * table).sum(-1)

    def logps(self, key: Key) -> Array:
        with torch.no_grad():
            return self(key)[0].numpy()


def check(
    trainer: Recorder,
    advantages: dict[Key, float],
    loss: Callable[[Update], float],
    *,
    masked: Sequence[Key] = (),
    sampled_from: dict[Key, tuple[int, ...]] | None = None,
    sampling: dict[Key, Array] | None = None,
    tolerance: float = 2e-5,
) -> list[Update]:
    """Compares loss and gradient of every update with `loss` in float64; the gradient goes through the tokens'
    log-probs and entropies by finite differences, and from there to the weights in float64."""
    old = Exact(trainer.updates[0].weights)
    reference = Exact(dict(tiny(3).named_parameters()))
    tokens = sum(len(key[1]) for key in advantages if key not in masked)
    seen = []
    for recorded in trainer.updates:
        policy = Exact(recorded.weights)
        tensors = [policy(key) for key in recorded.keys]
        update = Update(
            logps=[logps.detach().numpy().copy() for logps, _ in tensors],
            old=[old.logps(((sampled_from or {}).get(key, key[0]), key[1])) for key in recorded.keys],
            reference=[reference.logps(key) for key in recorded.keys],
            sampling=[(sampling or {}).get(key, np.zeros(0)) for key in recorded.keys],
            entropies=[entropy.detach().numpy().copy() for _, entropy in tensors],
            advantages=[advantages[key] for key in recorded.keys],
            masked=[key in masked for key in recorded.keys],
            tokens_per_update=tokens / len(trainer.updates),
        )
        expected = loss(update)
        assert abs(recorded.loss - expected) < tolerance * (1 + abs(expected)), (recorded.loss, expected)
        slopes = gradient(lambda u=update: loss(u), update.logps + update.entropies)
        outputs = [logps for logps, _ in tensors] + [entropy for _, entropy in tensors]
        torch.autograd.backward(outputs, [torch.from_numpy(slope) for slope in slopes])
        for name, parameter in policy.model.named_parameters():
            ours, exact = recorded.grads[name].double(), parameter.grad
            assert (ours - exact).norm() <= tolerance * (1e-3 + exact.norm()), (name, ours, exact)
        seen.append(copy.deepcopy(update))
    return seen
