"""Entropy collapse, provoked and avoided: does the watch see it, and what do clip-higher, KL and resets change?

    python -m benchmarks.ablation                          two seeds of each arm, some four minutes of one core
    python -m benchmarks.ablation --runs DIR --seeds 0     runs that DIR holds already are read, not made again

All arms share model, warm start, problems, learning rate and number of updates; they differ in what `ARMS` says.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from adapters import train
from adapters.prorl.telling.story import Story, read_story
from benchmarks.tables import publish

_KL = {"kl": 0.1}
ARMS: Mapping[str, dict[str, Any]] = {
    "provoked": {"objective": {"clip_high": 0.05, "kl": 0.0}, "reset": {"every": None}},
    "all three": {"objective": {"clip_high": 0.4, **_KL}, "reset": {"every": 20}},
    "clip-higher": {"objective": {"clip_high": 0.4, "kl": 0.0}, "reset": {"every": None}},
    "KL and resets": {"objective": {"clip_high": 0.05, **_KL}, "reset": {"every": 20}},
}
"""What each arm changes: the provocation, the whole remedy (ProRL 2.3), and the two halves of it."""

_TWO_DIGITS = {
    "min_numbers": 2, "max_numbers": 2, "min_decimals": 0, "max_decimals": 0, "min_value": 0, "max_value": 9
}  # fmt: skip
SMALL: dict[str, Any] = {
    "environments": [
        {"id": "prorl/Logic-v0", "weight": 1,
         "options": {"task": "number_sorting", "size": 400, "seed": 1, "config": _TWO_DIGITS}},
        {"id": "prorl/Logic-v0", "weight": 1,
         "options": {"task": "palindrome_generation", "size": 1500, "seed": 1,
                     "config": {"min_length": 3, "max_length": 4}}},
    ],
    "model": {"hidden": 32, "layers": 2, "heads": 2},
    "warm_start": {"updates": 300, "tasks": 1500, "batch": 48, "learning_rate": 6.0e-3},
    "rollout": {"prompts": 8, "group": 8, "dynamic_sampling": False},
    "optimizer": {"mini_batch": 2, "learning_rate": 1.0e-3, "warmup": 0},
    "checkpoint": {"every": 1000, "keep": 1},
}  # fmt: skip
"""A model of 30,000 weights on two easy puzzles, four updates on each batch of 64 responses: it commits itself."""

_LAST = 10
_COLOURS = ("#c0392b", "#e08214", "#1f77b4", "#2ca25f")


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        arm, seed: which.
        story: what its folder tells.
    """

    arm: str
    seed: int
    story: Story

    def entropy(self) -> list[float]:
        """By step, nats per token."""
        return [float(row["entropy"]) for row in self.story.steps]

    def alarm(self, name: str) -> int | None:
        """The step after which it was first raised."""
        return next((int(row["step"]) for row in self.story.alarms if row["name"] == name), None)

    def passes(self, index: int) -> tuple[float, float]:
        """pass@1 and pass@8 of a validation."""
        at = self.story.validations[index]["pass_at"]
        return at["1"], at["8"]


def run(runs: Path, name: str, settings: Mapping[str, Any], *, wanted: str = "model") -> Path:
    """Makes a run unless what is wanted of it is there.

    Raises:
        SystemExit: it failed.
    """
    folder = runs / name
    if not (folder / wanted).exists():
        file = runs / f"{name}.yaml"
        file.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
        code = train.main(
            ["--preset", "quickstart", "--config", str(file), "--runs", str(runs), "--name", name]
        )
        if code:
            raise SystemExit(code)
    return folder


def measure(runs: Path, arms: Sequence[str], seeds: Sequence[int], steps: int) -> list[Result]:
    """These arms of these seeds; each seed's warm start is made once."""
    results = []
    for seed in seeds:
        base = run(runs, f"base-{seed}", _base(seed), wanted="warm_start")
        for arm in arms:
            changes = ARMS[arm]
            model = {"path": str(base / "warm_start")}
            held_out = {"validation": {"tasks": 80, "samples": 8, "every": 20}}
            name = f"{arm.replace(' ', '-')}-{seed}"
            folder = run(
                runs, name, {**SMALL, **changes, **held_out, "seed": seed, "steps": steps, "model": model}
            )
            results.append(Result(arm, seed, read_story([folder])))
    return results


def _base(seed: int) -> dict[str, Any]:
    """A run whose warm start is all that is wanted."""
    return {**SMALL, "steps": 1, "seed": seed, "validation": {"tasks": 0}, "reset": {"every": None}}


def table(results: Sequence[Result]) -> list[str]:
    """The results as Markdown."""
    head = (
        "arm", "seed", "entropy, first 10 → last 10 steps", "alarms (after step)", "KL, last 10",
        "dead groups, last 10", "pass@1 before → after", "pass@8 before → after",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for result in results:
        entropy, steps = result.entropy(), result.story.steps
        alarms = [f"{row['name'].replace('_', ' ')} ({row['step']})" for row in result.story.alarms]
        (one, eight), (one_after, eight_after) = result.passes(0), result.passes(-1)
        kl = [row["kl"] for row in steps[-_LAST:] if row["kl"] is not None]
        cells = (
            result.arm, result.seed, f"{median(entropy[:_LAST]):.3f} → {median(entropy[-_LAST:]):.3f}",
            ", ".join(alarms) or "none", f"{median(kl):.3f}" if kl else "no reference",
            f"{median(row['dead'] for row in steps[-_LAST:]):.2f}", f"{one:.3f} → {one_after:.3f}",
            f"{eight:.3f} → {eight_after:.3f}",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def report(results: Sequence[Result]) -> list[str]:
    """The table with what it needs to be read."""
    samples = results[0].story.config["validation"]
    return [
        "# Ablation: clip-higher, KL and resets against a provoked collapse",
        "",
        "Made by `python -m benchmarks.ablation`. A model of some 30,000 weights, two puzzles (two digits to sort, "
        "three or four letters to make a palindrome of), a learning rate of 1e-3, four updates on each batch of "
        f"8 prompts x 8 responses, {len(results[0].story.steps)} steps, no dynamic sampling. "
        "*Provoked*: upper clip 0.05, no KL. "
        "*Clip-higher*: 0.4. *KL and resets*: weight 0.1, reference and optimizer reset every 20 steps. "
        f"{samples['tasks']} held-out problems, {samples['samples']} responses each, at the temperature of training.",
        "",
        *table(results),
        "",
        "![Entropy and pass@8](ablation.png)",
    ]


def draw(results: Sequence[Result], file: Path) -> None:
    """Entropy and pass@8 over steps; a triangle where the watch raised its entropy alarm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for arm, colour in zip(ARMS, _COLOURS, strict=True):
        for index, result in enumerate(r for r in results if r.arm == arm):
            label = arm if index == 0 else None
            entropy = result.entropy()
            left.plot(range(1, len(entropy) + 1), entropy, color=colour, linewidth=1, alpha=0.8, label=label)
            rows = result.story.validations
            xs, ys = [row["step"] for row in rows], [row["pass_at"]["8"] for row in rows]
            right.plot(xs, ys, color=colour, marker="o", markersize=3, linewidth=1)
            alarm = result.alarm("entropy_collapse")
            if alarm:
                left.plot(
                    [alarm], [entropy[alarm - 1]], color=colour, marker="v", markersize=8, linestyle="none"
                )
            alarm = result.alarm("exploration_loss")
            if alarm:
                right.plot([alarm - 1], [ys[xs.index(alarm - 1)]], color=colour, marker="v", markersize=9)
    left.set_title("Entropy, nats per token (triangle: alarm)", fontsize=9, loc="left")
    right.set_title("pass@8 on held-out problems (triangle: alarm)", fontsize=9, loc="left")
    left.legend(fontsize=8, frameon=False)
    for axes in (left, right):
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=90)


def main() -> None:
    """Runs or reads, and publishes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=None)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=None)
    known = parser.parse_args()
    runs = known.runs or Path(tempfile.mkdtemp(prefix="prorl-ablation-"))
    runs.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    results = measure(runs, known.arms, known.seeds, known.steps)
    print(f"{time.process_time() - began:.0f} s of processor time in this process; runs in {runs}")
    publish(report(results), known.output)
    if known.output is not None:
        draw(results, known.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
