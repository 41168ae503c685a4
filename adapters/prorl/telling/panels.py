"""Which curves a run's page shows, and which of its alarms stand on which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.prorl.telling.charts import Chart, Mark, Series
from adapters.prorl.telling.story import Story
from adapters.prorl.watching.alarms import ALARMS

__all__ = ["panels"]


@dataclass(frozen=True)
class _Panel:
    """A chart of metrics of steps: names in a line of metrics, and what the legend calls them."""

    title: str
    metrics: tuple[tuple[str, str], ...]
    share: bool = False


_PANELS = (
    _Panel("Reward", (("reward_sampled", "all sampled"), ("reward", "trained on"))),
    _Panel("Entropy, nats per token", (("entropy", "mean"),)),
    _Panel("KL to the reference, nats per token", (("kl", "penalty"), ("kl_k1", "k1"), ("kl_k3", "k3"))),
    _Panel("Response length, tokens", (("length_sampled", "mean"), ("length_p95", "95th percentile"))),
    _Panel(
        "Share of responses",
        (
            ("truncated_sampled", "cut off"),
            ("no_answer", "no answer"),
            ("unclosed", "unclosed"),
            ("timeout", "timeout"),
        ),
        share=True,
    ),
    _Panel(
        "Share of groups without gradient",
        (("dead", "dead"), ("dead_right", "all right"), ("dead_wrong", "all wrong")),
        share=True,
    ),
    _Panel("Share of tokens clipped", (("clip_low", "low"), ("clip_high", "high"))),
    _Panel(
        "Ratio to the policy of the step",
        (("ratio_p50", "median"), ("ratio_p01", "1st percentile"), ("ratio_p99", "99th percentile")),
    ),
    _Panel("Gradient norm", (("grad_norm", "last update"),)),
    _Panel(
        "Sampler against trainer, nats per token",
        (("mismatch", "mean difference"), ("mismatch_k3", "KL, k3")),
    ),
    _Panel(
        "Importance weights",
        (("weight_mean", "mean"), ("weight_max", "largest"), ("weight_zero", "share masked")),
    ),
    _Panel("Responses that could not be judged", (("unjudged", "share"),)),
    _Panel("Tokens generated per second of step", (("tokens_per_s", "tokens"),)),
    _Panel(
        "Seconds of a step",
        (("generation_s", "generation"), ("scoring_s", "scoring"), ("update_s", "update")),
    ),
)


def panels(story: Story) -> list[Chart]:
    """The charts of a run, in order; those without data are empty when drawn."""
    shared = [
        *(
            Mark(row["step"], "reset", f"step {row['step']}: reset ({row.get('reason', '')})")
            for row in story.resets
        ),
        *(Mark(start, "chapter", name) for name, start in story.chapters[1:]),
    ]
    charts = [
        Chart(
            "Held-out problems",
            _validations(story.validations),
            [*shared, *_alarms(story, {"pass_at"})],
            share=True,
        )
    ]
    for panel in _PANELS:
        names = {name for name, _ in panel.metrics}
        series = [Series(label, _points(story.steps, name)) for name, label in panel.metrics]
        if panel.title.startswith("Responses that") and not any(y for s in series for _, y in s.points):
            continue
        charts.append(Chart(panel.title, series, [*shared, *_alarms(story, names)], panel.share))
    for title, name in (
        ("Reward by domain", "reward_by_domain"),
        ("Reward by component", "reward_by_component"),
    ):
        series = _split(story.steps, name)
        if len(series) > 1:
            charts.append(Chart(title, series, shared))
    return charts


def _points(rows: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(row["step"], row[name]) for row in rows if isinstance(row.get(name), int | float)]


def _split(rows: Sequence[dict[str, Any]], name: str) -> list[Series]:
    """One line for each key of a metric that is a mapping."""
    keys = sorted({key for row in rows for key in row.get(name) or {}})
    return [
        Series(key, _points([{"step": r["step"], **(r.get(name) or {})} for r in rows], key)) for key in keys
    ]


def _validations(rows: Sequence[dict[str, Any]]) -> list[Series]:
    ks = sorted({k for row in rows for k in row["pass_at"]}, key=int)
    return [
        Series(
            f"pass@{k}",
            [(row["step"], row["pass_at"][k]) for row in rows if k in row["pass_at"]],
            [(row["step"], *row["interval"][k]) for row in rows if k in row.get("interval", {})],
            dots=True,
        )
        for k in ks
    ]


def _alarms(story: Story, metrics: set[str]) -> list[Mark]:
    found = []
    for row in story.alarms:
        rule = ALARMS.get(row["name"])
        if rule is not None and rule.metric in metrics:
            found.append(Mark(row["step"], "alarm", f"step {row['step']}: {row['name'].replace('_', ' ')}"))
    return found
