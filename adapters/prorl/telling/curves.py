"""The picture of a run: reward, pass@k, entropy, KL, length and speed over steps, resets as dashed lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.prorl.journal import read_metrics

__all__ = ["draw_curves"]

_PANELS = (
    ("reward", "Reward of the groups trained on"),
    (None, "Held-out problems"),
    ("entropy", "Entropy (nats per token)"),
    ("kl", "KL to the reference"),
    ("length", "Response length (tokens)"),
    ("tokens_per_s", "Tokens generated per second of step"),
)
_BLUE, _ORANGE, _GREY = "#1f6fb2", "#d9822b", "#8a8f98"


def draw_curves(folder: Path) -> Path | None:
    """Draws ``curves.png`` of a run from its metrics. None when it has made no step yet."""
    steps = read_metrics(folder, "step")
    if not steps:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    resets = [row["step"] for row in read_metrics(folder, "reset")]
    stages = read_metrics(folder, "stage")
    for axes, (name, title) in zip(figure.subplots(2, 3).flat, _PANELS, strict=True):
        if name is None:
            _validations(axes, read_metrics(folder, "validation"))
        else:
            _line(axes, [(row["step"], row[name]) for row in steps if row.get(name) is not None])
        for step in resets:
            axes.axvline(step, color=_GREY, linewidth=0.8, linestyle="--")
        for row in stages:
            axes.axvline(row["step"], color=_GREY, linewidth=1.2)
        axes.set_title(title, fontsize=10, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    marks = (["dashed: reference and optimizer reset"] if resets else []) + (
        ["lines: stages"] if stages else []
    )
    figure.supxlabel(f"step ({'; '.join(marks)})" if marks else "step", fontsize=9)
    file = folder / "curves.png"
    figure.savefig(file, dpi=100)
    return file


def _line(axes: Any, points: list[tuple[int, float]]) -> None:
    """The points faintly, and their running mean."""
    if not points:
        return
    xs, ys = [x for x, _ in points], [y for _, y in points]
    width = max(len(ys) // 20, 1)
    smooth = [sum(ys[max(0, i - width) : i + 1]) / len(ys[max(0, i - width) : i + 1]) for i in range(len(ys))]
    axes.plot(xs, ys, color=_BLUE, alpha=0.25, linewidth=0.8)
    axes.plot(xs, smooth, color=_BLUE, linewidth=1.6)


def _validations(axes: Any, rows: list[dict[str, Any]]) -> None:
    for k, color in zip(sorted(rows[0]["pass_at"], key=int) if rows else (), (_BLUE, _ORANGE), strict=False):
        xs, ys = [row["step"] for row in rows], [row["pass_at"][k] for row in rows]
        axes.plot(xs, ys, color=color, marker="o", markersize=3, linewidth=1.6, label=f"pass@{k}")
    if rows:
        axes.set_ylim(0, 1.02)
        axes.legend(fontsize=8, frameon=False)
