"""What our layer costs and what dynamic sampling gains, beside plain TRL: one model, one set of problems, one run.

    python -m benchmarks.speed [--rounds 5] [--steps 6] [--output benchmarks/results/speed.md]

Each round trains the same fresh model once in every way, on prompts of its own and in alternating order: by TRL's
GRPOTrainer as it comes (its own generation, a reward function that asks our Scorer), and by `adapters.train`. All
use the same TRL settings, and no response ends early, so that a step is the same work to the token. Ratios are of one
round; their median is what counts. Processor time stands beside wall time: other work hardly touches it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl.trainer.grpo_trainer import GRPOTrainer

import benchmarks.coins  # noqa: F401 - registers the environments
from adapters import train
from adapters.prorl.config import RunConfig
from adapters.prorl.journal import read_metrics
from adapters.prorl.problems import load_problems
from adapters.prorl.settings import validated
from adapters.prorl.tiny import build_model, build_tokenizer, save_model
from adapters.prorl.trl_settings import grpo_config
from benchmarks.coins import coin_tasks
from benchmarks.tables import publish
from prorl_envs.scoring import Scorer

SETTINGS: dict[str, Any] = {
    "threads": 1,
    "environments": [{"id": "speed/Coins-v0"}],
    "model": {"bf16": False, "gradient_checkpointing": False},
    "rollout": {
        "prompts": 16,
        "group": 8,
        "temperature": 1.0,
        "max_prompt_tokens": 32,
        "max_response_tokens": 64,
    },
    "objective": {"reward": "binary", "kl": 0.01},
    "optimizer": {"learning_rate": 1e-6, "mini_batch": 4, "device_batch": 32},
    "validation": {"tasks": 0},
    "checkpoint": {"every": 10_000},
    "log_rollouts": 4,
}
"""Four updates a step, as the paper's; a reference policy; nothing validated and no checkpoint written meanwhile."""


@dataclass
class Steps(TrainerCallback):
    """The clock of one training: wall and processor time at the end of every step."""

    updates: int
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    carrying: list[int] = field(default_factory=list)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Notes the time after the last update of a step."""
        if state.global_step % self.updates == 0:
            self.walls.append(time.perf_counter())
            self.cpus.append(time.process_time())

    @property
    def wall(self) -> float:
        """Median seconds of a step; the first, which warms caches up, is the clock's start."""
        return median(after - before for before, after in itertools.pairwise(self.walls))

    @property
    def cpu(self) -> float:
        """Median processor seconds of a step, workers left out."""
        return median(after - before for before, after in itertools.pairwise(self.cpus))

    @property
    def useful(self) -> float:
        """Responses with a gradient per second of all steps but the first."""
        return sum(self.carrying[1:]) / (self.walls[-1] - self.walls[0])

    @property
    def useful_cpu(self) -> float:
        """The same per second of processor time."""
        return sum(self.carrying[1:]) / (self.cpus[-1] - self.cpus[0])


@dataclass(frozen=True)
class Way:
    """A way to train: plain TRL, or our command with some words."""

    name: str
    words: tuple[str, ...] | None


PLAIN = Way("plain TRL", None)
LAYER = Way("our layer, dynamic sampling off", ("--rollout.no-dynamic-sampling",))
DYNAMIC = Way("our layer, dynamic sampling on", ())


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of every way once")
    parser.add_argument("--steps", type=int, default=6, help="of each training; the first is not counted")
    parser.add_argument("--hidden", type=int, default=128, help="width of the model")
    parser.add_argument("--layers", type=int, default=4, help="of the model")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    ways = (PLAIN, LAYER, DYNAMIC)
    with tempfile.TemporaryDirectory(prefix="prorl-speed-") as scratch:
        folder = Path(scratch)
        config = settings(folder, options.steps, hidden=options.hidden, layers=options.layers)
        weights = write_model(folder / "model", config, endless=True)
        about = described(options, config, weights)
        rounds: list[dict[str, Steps]] = []
        for number in range(options.rounds):
            order = ways if number % 2 == 0 else ways[::-1]
            drawn = config.model_copy(update={"seed": number})
            clocks = {way.name: trained(way, drawn, folder / "runs") for way in order}
            rounds.append({way.name: clocks[way.name] for way in ways})
            publish([*about, *table(rounds)], options.output)
        publish([*about, *table(rounds), "", *scoring_hidden(config, folder)], options.output)


def described(options: argparse.Namespace, config: RunConfig, weights: int) -> list[str]:
    """The head of the page: what was run, on what."""
    rollout = config.rollout
    about = (
        f"`python -m benchmarks.speed --rounds {options.rounds} --steps {options.steps} --hidden {options.hidden} "
        f"--layers {options.layers}`: {weights:,} weights, {rollout.prompts} prompts x {rollout.group} responses of "
        f"{rollout.max_response_tokens} tokens, {config.updates_per_step} updates a step, a fourth of the problems "
        f"always right and a fourth never; PyTorch {torch.__version__} on one thread, TRL {version('trl')}, Python "
        f"{platform.python_version()}, {len(os.sched_getaffinity(0))} CPUs shared with other work (load "
        f"{os.getloadavg()[1]:.1f}). The first step of each training is not counted."
    )
    return ["# Speed beside plain TRL", "", about, ""]


def settings(folder: Path, steps: int, *, hidden: int, layers: int) -> RunConfig:
    """The configuration that all ways share, of a model in `folder`."""
    model = {**SETTINGS["model"], "path": str(folder / "model"), "hidden": hidden, "layers": layers}
    return validated({**SETTINGS, "steps": steps, "runs": str(folder / "runs"), "model": model}, "speed")


def written(settings: Mapping[str, Any], file: Path) -> Path:
    """The YAML file of some settings."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    return file


def write_model(folder: Path, config: RunConfig, *, endless: bool) -> int:
    """Writes a model with random weights, and returns their number.

    Args:
        folder: where to.
        config: whose model's size.
        endless: it never ends a response; otherwise it does so at any token, once in about as many as it knows.
    """
    tokenizer = build_tokenizer([task.text for task in coin_tasks(50, ("coin",), seconds=0)], kinds=1)
    model = build_model(config.model, tokenizer, seed=0, context=256)
    if endless:
        model.generation_config.suppress_tokens = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    save_model(model, tokenizer, folder)
    return int(model.num_parameters())


def trained(way: Way, config: RunConfig, runs: Path) -> Steps:
    """Trains once in one way, from the same weights, and returns its clock."""
    clock = Steps(config.updates_per_step)
    if way.words is None:
        plain(config, runs / "plain", clock)
    else:
        ours(config, runs / "ours", way.words, clock)
    return clock


def plain(config: RunConfig, folder: Path, clock: Steps) -> None:
    """TRL's trainer without our layer: the same prompts in the same order, judged by the same Scorer."""
    torch.set_num_threads(config.threads or 1)
    problems = load_problems(config)
    tasks = problems.mixture(config.seed).take(config.steps * config.rollout.prompts)
    rows = [{"prompt": task.text + "\n", "number": number} for number, task in enumerate(tasks)]
    group = config.rollout.group
    with Scorer(verifiers=problems.verifiers) as scorer:

        def judged(prompts: Any, completions: list[str], number: list[int], **_: Any) -> list[float | None]:  # noqa: ARG001
            rewards = [
                verdict.reward for verdict in scorer.score([tasks[index] for index in number], completions)
            ]
            groups = [rewards[start : start + group] for start in range(0, len(rewards), group)]
            clock.carrying.append(sum(group for one in groups if len(set(one)) > 1))
            return rewards

        trainer = GRPOTrainer(
            model=str(config.model.path),
            processing_class=AutoTokenizer.from_pretrained(config.model.path, padding_side="left"),
            reward_funcs=judged,
            args=grpo_config(config, folder),
            train_dataset=Dataset.from_list(rows),
        )
        trainer.add_callback(clock)
        trainer.train()
    shutil.rmtree(folder, ignore_errors=True)


def ours(config: RunConfig, folder: Path, words: Sequence[str], clock: Steps) -> None:
    """Our command, timed by the same clock at the same places."""
    file = written(config.model_dump(mode="json"), folder.with_suffix(".yaml"))
    with everywhere(clock):
        code = train.main(["--preset", "local", "--config", str(file), "--name", folder.name, *words])
    assert code == 0, f"training ended with exit code {code}"
    group = config.rollout.group
    for row in read_metrics(folder, "step"):
        live = round(row["keep_rate"] * row["groups_sampled"])
        clock.carrying.append(min(live, config.rollout.prompts) * group)
    shutil.rmtree(folder)


@contextlib.contextmanager
def everywhere(callback: TrainerCallback) -> Iterator[None]:
    """Adds a callback to every trainer that is made meanwhile, so that a command can be timed from outside."""
    from transformers.trainer import DEFAULT_CALLBACKS

    DEFAULT_CALLBACKS.append(callback)
    try:
        yield
    finally:
        DEFAULT_CALLBACKS.remove(callback)


def table(rounds: Sequence[dict[str, Steps]]) -> list[str]:
    """Each way's step and its ratio to plain TRL of the same round: the median, and the range over rounds."""
    lines = [
        "| way | step, s | beside plain | step, CPU s | beside plain | with a gradient per s | beside plain | "
        "per CPU s | beside plain |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in rounds[0]:
        cells = []
        for value in ("wall", "cpu", "useful", "useful_cpu"):
            mine = [getattr(one[name], value) for one in rounds]
            ratios = [getattr(one[name], value) / getattr(one[PLAIN.name], value) for one in rounds]
            beside = "" if name == PLAIN.name else spread(ratios)
            cells.append(f"{median(mine):.3g} | {beside}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def spread(ratios: Sequence[float]) -> str:
    """The median of some ratios with their range."""
    return f"**{median(ratios):.3f}** ({min(ratios):.3f} to {max(ratios):.3f})"


def scoring_hidden(config: RunConfig, folder: Path) -> list[str]:
    """How much of the time that judging takes passes while something is generated, when each verdict takes 10 ms.

    Here responses end at random, after 60 tokens on average: what ends early can be judged while the rest goes on.
    """
    write_model(folder / "ending", config, endless=False)
    rollout = {"dynamic_sampling": False, "max_response_tokens": 192}
    slow = config.model_dump(mode="json") | {"name": "slow", "environments": [{"id": "speed/Slow-v0"}]}
    slow["rollout"] |= rollout
    slow["model"] |= {"path": str(folder / "ending")}
    code = train.main(["--preset", "local", "--config", str(written(slow, folder / "slow.yaml"))])
    assert code == 0, f"training ended with exit code {code}"
    rows = read_metrics(config.runs / "slow", "step")[1:]
    total, waited = (sum(row[name] for row in rows) for name in ("scoring_s", "scoring_wait_s"))
    generation = sum(row["generation_s"] for row in rows)
    verdicts = config.rollout.prompts * config.rollout.group
    return [
        "## Scoring behind generation",
        "",
        f"Each verdict takes 10 ms of waiting, as a sandbox's does, {verdicts} of them a step, on responses of "
        f"{median(row['length'] for row in rows):.0f} tokens on average, at most 192. A step generates for "
        f"{generation / len(rows):.2f} s and has responses judged for {total / len(rows):.2f} s, of which it waits "
        f"for {waited / len(rows):.2f} s: **{1 - waited / total:.0%}** is hidden behind generation.",
    ]


if __name__ == "__main__":
    main()
