"""Line charts as SVG text, for a page that needs no network and no script."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Chart", "Mark", "Series", "draw", "number", "visible"]

_WIDTH, _HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 12, 24
_POINTS = 240
"""Points of a drawn line; longer ones are averaged in as many groups."""
_COLOURS = 8

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes:
        label: for the legend.
        points: x and y, by x.
        band: x, lowest and highest of a confidence interval.
        dots: whether each point is drawn, as of measurements that are few.
    """

    label: str
    points: list[Point]
    band: list[tuple[float, float, float]] = field(default_factory=list)
    dots: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that happened at a step.

    Attributes:
        x: the step.
        kind: "reset", "alarm" or "chapter".
        text: shown when the mouse rests on it.
    """

    x: float
    kind: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: above it; says the unit.
        series: its lines.
        marks: vertical lines.
        share: whether y is a share, drawn from 0 to 1.
    """

    title: str
    series: list[Series]
    marks: list[Mark] = field(default_factory=list)
    share: bool = False


def draw(chart: Chart) -> str:
    """The chart as an ``svg`` element inside a ``figure``; empty when it has no finite point."""
    lines = [_finite(series) for series in chart.series]
    lines = [series for series in lines if series.points]
    if not lines:
        return ""
    frame = _Frame.around(lines, chart)
    parts = [*frame.axes(), *(frame.mark(mark) for mark in chart.marks)]
    for index, series in enumerate(lines):
        parts += frame.line(series, index % _COLOURS)
    return (
        f'<figure><figcaption>{visible(chart.title)} {_legend(lines)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{visible(chart.title)}">'
        f'{"".join(parts)}</svg></figure>'
    )  # fmt: skip


def number(value: float | None) -> str:
    """A number for people: three significant digits, thousands with separators, nothing for None."""
    if value is None or not math.isfinite(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def visible(text: str) -> str:
    """`text` for HTML: escaped, and whatever would not be seen, or would move other text, written out."""
    shown = "".join(char if _harmless(char) else f"\\u{ord(char):04x}" for char in text)
    return escape(shown, quote=True)


def _harmless(char: str) -> bool:
    # Cc: control characters. Cf: direction overrides, zero-width. Cs: lone surrogates, which no file can hold.
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@dataclass(frozen=True)
class _Frame:
    """From data to places on the drawing."""

    x0: float
    x1: float
    y0: float
    y1: float

    @classmethod
    def around(cls, lines: Sequence[Series], chart: Chart) -> _Frame:
        xs = [x for series in lines for x, _ in series.points] + [mark.x for mark in chart.marks]
        ys = [y for series in lines for _, y in series.points]
        ys += [y for series in lines for _, *ends in series.band for y in ends]
        low, high = min(ys), _ceiling(ys)
        if chart.share:
            low, high = min(low, 0.0), max(high, 1.0)
        elif low >= 0 and low < 0.5 * high:
            low = 0.0
        if high == low:
            low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
        return cls(min(xs), max(max(xs), min(xs) + 1), low, high)

    def x(self, value: float) -> str:
        return f"{_LEFT + (value - self.x0) / (self.x1 - self.x0) * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(self, value: float) -> str:
        share = (min(value, self.y1) - self.y0) / (self.y1 - self.y0)
        return f"{_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    def axes(self) -> Iterable[str]:
        bottom = _HEIGHT - _BOTTOM
        for tick in _ticks(self.y0, self.y1):
            yield f'<path class="grid" d="M{_LEFT} {self.y(tick)}H{_WIDTH - _RIGHT}"/>'
            yield _text(f"{_LEFT - 5}", self.y(tick), number(tick), 'dy="3" text-anchor="end"')
        for tick in _ticks(self.x0, self.x1):
            yield _text(self.x(tick), f"{bottom + 14}", number(tick), 'text-anchor="middle"')

    def mark(self, mark: Mark) -> str:
        x, title = self.x(mark.x), f"<title>{visible(mark.text)}</title>"
        head = f'<path class="head" d="M{x} {_TOP}l-5 -9h10z"/>' if mark.kind == "alarm" else ""
        return f'<g class="{visible(mark.kind)}">{title}<path d="M{x} {_TOP}V{_HEIGHT - _BOTTOM}"/>{head}</g>'

    def line(self, series: Series, colour: int) -> Iterable[str]:
        if series.band:
            upper = [f"{self.x(x)} {self.y(high)}" for x, _, high in series.band]
            lower = [f"{self.x(x)} {self.y(low)}" for x, low, _ in reversed(series.band)]
            yield f'<path class="band f{colour}" d="M{"L".join(upper + lower)}Z"/>'
        path = "L".join(f"{self.x(x)} {self.y(y)}" for x, y in _thinned(series.points))
        yield f'<path class="line s{colour}" d="M{path}"/>'
        if series.dots or len(series.points) == 1:
            for x, y in series.points:
                title = f"<title>step {x:g}: {visible(series.label)} {number(y)}</title>"
                yield f'<circle class="f{colour}" cx="{self.x(x)}" cy="{self.y(y)}" r="3">{title}</circle>'


def _ceiling(ys: Sequence[float]) -> float:
    """The highest y, but for peaks so far above all else that they would flatten it; those end at the frame."""
    usual = sorted(ys)[min(math.ceil(0.98 * len(ys)), len(ys) - 1)]
    return 2 * usual if max(ys) > 4 * usual > 0 else max(ys)


def _text(x: str, y: str, text: str, attributes: str) -> str:
    return f'<text class="tick" x="{x}" y="{y}" {attributes}>{text}</text>'


def _finite(series: Series) -> Series:
    points = [(x, y) for x, y in series.points if math.isfinite(y)]
    band = [(x, low, high) for x, low, high in series.band if math.isfinite(low) and math.isfinite(high)]
    return Series(series.label, points, band, series.dots)


def _thinned(points: list[Point]) -> list[Point]:
    size = math.ceil(len(points) / _POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between both."""
    raw = (high - low) / 4
    base: float = 10.0 ** math.floor(math.log10(raw))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _legend(lines: Sequence[Series]) -> str:
    return " ".join(
        f'<span class="key"><i class="b{index % _COLOURS}"></i>{visible(series.label)} '
        f"<b>{number(series.points[-1][1])}</b></span>"
        for index, series in enumerate(lines)
    )
