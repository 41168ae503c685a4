"""A run's page and card: they tell what the folder holds, for any folder, and hostile text stays text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from adapters.prorl.settings import validated
from adapters.prorl.telling.card import card, write_card
from adapters.prorl.telling.charts import Chart, Mark, Series, draw, number, visible
from adapters.prorl.telling.page import PAGE, render, write_page
from adapters.prorl.telling.story import read_story
from prorl_envs.errors import ConfigError
from tests.adapters.micro_run import MICRO

HOSTILE = (
    "</pre></title><script>alert(1)</script><img src=x onerror=f()>\u202eevil\x00\x1b[2J\u200b&amp;\ud800 | `"
)
_QUIET_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "section", "dl", "div", "dt", "dd",
    "table", "thead", "tbody", "tr", "th", "td", "p", "pre", "details", "summary", "figure", "figcaption", "span",
    "i", "b", "svg", "path", "text", "g", "circle",
}  # fmt: skip


class Tags(HTMLParser):
    """Which elements and attributes a page has, and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def made_run(folder: Path, *, steps: int = 30, words: str = "fine", **config: Any) -> Path:
    folder.mkdir(parents=True)
    settings = validated({**MICRO, "runs": str(folder.parent), **config}, "test").model_dump(mode="json")
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "run.json").write_text(json.dumps({"versions": {"torch": "2.13.0", "vllm": None}, "seed": 3}))
    rows: list[dict[str, Any]] = [
        {
            "kind": "step", "step": n, "reward": n / steps, "entropy": 0.5, "kl": None if n == 1 else 0.01 * n,
            "reward_by_component": {"a": 0.5, words: 0.2}, "elapsed_s": 2.0 * n,
        }
        for n in range(1, steps + 1)
    ]  # fmt: skip
    for step, value in ((0, 0.25), (steps, 0.5)):
        rows.append(
            {
                "kind": "validation", "step": step, "pass_at": {"1": value, "8": value + 0.25},
                "interval": {"1": [value - 0.1, value + 0.1]}, "by_source": {words: value},
                "by_domain": {"logic": {"pass@1": value, "problems": 17, words: 0.5}},
            }
        )  # fmt: skip
    rows += [
        {"kind": "reset", "step": 10, "reason": words},
        {"kind": "alarm", "step": 12, "name": "kl_runaway", "value": None, "threshold": 1.0, "advice": words},
        {"kind": "alarm_over", "step": 25, "name": "kl_runaway"},
        {"kind": "session", "step": steps, "finished": True},
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rollout = {
        "step": 1,
        "domain": words,
        "prompt": words,
        "response": words,
        "status": words,
        "detail": words,
    }
    (folder / "rollouts.jsonl").write_text(json.dumps({**rollout, "reward": 0.5, "tokens": 7}) + "\n")
    return folder


def test_a_page_tells_what_happened(tmp_path: Path) -> None:
    page = write_page([made_run(tmp_path / "one", words="sorting")])
    assert page == tmp_path / "one" / PAGE
    seen = Tags(page.read_text())
    for words in (
        "30 of 4",
        "finished",
        "pass@1",
        "0.250 → 0.500",
        "0.500 (0.400 to 0.600)",
        "kl runaway",
        "torch",
    ):
        assert words in seen.text, words
    assert "step 10: reset (sorting)" in page.read_text()
    assert {"svg", "table", "details"} <= seen.seen


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = render(read_story([made_run(tmp_path / "bad", words=HOSTILE, name=HOSTILE[:40].replace("/", ""))]))
    seen = Tags(page)
    assert seen.seen <= _QUIET_TAGS
    assert not {name for name in seen.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert(1)</script>" in seen.text
    for raw in ("\u202e", "\x00", "\x1b", "\u200b", "\ud800"):
        assert raw not in page
        assert f"\\u{ord(raw):04x}" in page
    assert "default-src 'none'" in page
    page.encode("utf-8")


def test_a_run_that_has_hardly_begun_has_a_page_and_a_card(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "config.yaml").write_text("steps: 10\n")
    assert "0 of 10" in Tags(write_page([folder]).read_text()).text
    assert "nothing was measured" in card(read_story([folder]))
    (folder / "metrics.jsonl").write_text('{"kind": "step", "step": 1, "reward": null}\n{"kind": "st')
    assert "1 of 10" in Tags(write_page([folder]).read_text()).text
    with pytest.raises(ConfigError, match="is not a run"):
        write_page([tmp_path])


def test_runs_in_a_row_are_counted_on(tmp_path: Path) -> None:
    first, second = made_run(tmp_path / "first", steps=30), made_run(tmp_path / "second", steps=20)
    story = read_story([first, second])
    assert story.step == 50
    assert [row["step"] for row in story.resets] == [10, 40]
    assert story.chapters == [("first", 0), ("second", 30)]
    page = write_page([first, second], tmp_path / "both.html").read_text()
    assert 'class="chapter"' in page
    assert not (second / PAGE).exists()


def test_a_long_rollouts_file_is_read_at_its_ends_only(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "long")
    with (folder / "rollouts.jsonl").open("w") as file:
        for step in range(1, 2001):
            file.write(json.dumps({"step": step, "response": f"{step} " + "x" * 3000}) + "\n")
    story = read_story([folder])
    assert story.rollouts[0]["step"] == 1
    assert story.rollouts[-1]["step"] == 2000
    assert len(story.rollouts) < 600
    assert len(write_page([folder]).read_text()) < 300_000


@pytest.mark.parametrize(
    "points",
    [
        [(1.0, 0.0)],
        [(1.0, 5.0), (2.0, 5.0)],
        [(float(n), (-1.0) ** n * 1e-9 * n) for n in range(3000)],
        [(1.0, 1e12), (2.0, float("nan")), (3.0, float("inf")), (4.0, -3.0)],
    ],
)
def test_charts_are_well_formed_and_stay_inside_their_frame(points: list[tuple[float, float]]) -> None:
    text = draw(
        Chart("a < b & c", [Series("<x>", points, dots=len(points) < 9)], [Mark(1.0, "alarm", '"quoted"')])
    )
    svg = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    for circle in svg.iter("circle"):
        assert 0 <= float(circle.get("cx", "-1")) <= 460
        assert 0 <= float(circle.get("cy", "-1")) <= 210
    assert len(text) < 12_000


def test_one_peak_does_not_flatten_the_rest() -> None:
    points = [(float(n), 1.0 + n % 2) for n in range(100)]
    text = draw(Chart("peak", [Series("x", [*points, (100.0, 500.0)])]))
    ticks = [float(word.partition("<")[0].partition(">")[2]) for word in text.split('text-anchor="end"')[1:]]
    assert max(ticks) == 4.0
    # Many high values are no peak.
    text = draw(Chart("level", [Series("x", [*points, *((100.0 + n, 500.0) for n in range(20))])]))
    assert ">500<" in text


def test_a_chart_without_a_finite_point_is_left_out() -> None:
    assert draw(Chart("nothing", [Series("x", []), Series("y", [(1.0, float("nan"))])])) == ""


def test_numbers_for_people() -> None:
    assert [number(x) for x in (None, 0.0, 0.12345, 12345.6, 1e-7, float("nan"))] == [
        "-", "0", "0.123", "12,346", "1.00e-07", "-",
    ]  # fmt: skip
    assert visible("a\tb\n<é中>") == "a\tb\n&lt;é中&gt;"


def test_a_card_says_what_was_trained_from_what_and_measured(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text('{"_name_or_path": "someone/base-1b"}')
    (base / "README.md").write_text("---\nlicense: mit\n---\n# Base\n")
    environments = [
        {"id": "prorl/Math-v0", "weight": 2, "options": {"recipe": "deepscaler", "path": "x.json"}},
        {"id": "prorl/Logic-v0", "options": {"task": "countdown"}},
        {"id": "prorl/Stem-v0"},
    ]
    folder = made_run(tmp_path / "run", model={"path": str(base)}, environments=environments, words="a|b")
    (folder / "model").mkdir()
    text = (write_card(folder) or Path()).read_text()
    header = yaml.safe_load(text.split("---")[1])
    assert header["base_model"] == "someone/base-1b"
    assert header["license"] == "mit"
    assert header["datasets"] == ["agentica-org/DeepScaleR-Preview-Dataset"]
    for words in (
        "| agentica-org/DeepScaleR-Preview-Dataset | MIT |", "generated by Reasoning Gym | Apache-2.0",
        "own samples (stem)",
        "| pass@1 | 0.250 (0.150 to 0.350) | 0.500 (0.400 to 0.600) |", "| pass@1, a\\|b |", "| clip, high | 0.4 |",
        "step 10: reference and optimizer reset", "alarm, kl runaway", "torch 2.13.0", "30 of 4 steps",
    ):  # fmt: skip
        assert words in text, words


def test_a_card_admits_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    folder = made_run(tmp_path / "run", model={"path": str(tmp_path / "base")})
    text = card(read_story([folder]))
    assert "license" not in yaml.safe_load(text.split("---")[1])
    assert "licence of the base model was not stated" in text
