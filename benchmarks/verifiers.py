"""The verifiers beside their peers, on labelled pairs, in one run: who is right, and how fast.

    python -m benchmarks.verifiers --data DATA [--tables math stem speed] [--output benchmarks/results/verifiers.md]

Peers, for math and STEM: math-verify's default call on the full response, DeepScaleR's rules, and either of the two
(the paper's rule), each on what stands in the last box where the peer wants a box. Every grader runs in this
process's main thread, math-verify with its own five-second timeouts. Another domain adds its table to `TABLES`.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import instructions
from benchmarks.tables import publish
from prorl_envs.answers.deepscaler import deepscaler_equal
from prorl_envs.answers.mathverify import as_boxed
from prorl_envs.core import Task, Verifier
from prorl_envs.extract import answer_section, last_boxed
from prorl_envs.scoring import Scorer
from prorl_envs.verifiers import BUILTIN, VerifierSpec

Row = dict[str, Any]
Grader = Callable[[str, str], bool]
"""A response and a gold to a verdict."""

WARM_UP = 20


class Score(NamedTuple):
    """What a grader did on labelled pairs; times in milliseconds per pair."""

    recall: float
    recall_without_prose: float
    false_positives: float
    p50: float
    p99: float


def math_verify_default(response: str, gold: str) -> bool:
    """math-verify as its documentation shows it: parse both, verify."""
    import math_verify
    from math_verify.errors import TimeoutException

    try:
        return bool(math_verify.verify(math_verify.parse(as_boxed(gold)), math_verify.parse(response)))
    except (TimeoutException, ValueError):
        return False


def deepscaler(response: str, gold: str) -> bool:
    """DeepScaleR's rules on the last box behind the reasoning."""
    boxed = last_boxed(answer_section(response).text)
    return boxed is not None and deepscaler_equal(gold, boxed)


def either(response: str, gold: str) -> bool:
    """The paper's rule with math-verify's default call."""
    return deepscaler(response, gold) or math_verify_default(response, gold)


def ours(domain: str, **options: Any) -> Grader:
    """One of this library's verifiers as a grader."""
    verifier: Verifier = VerifierSpec(BUILTIN[domain], options).build()
    verifier.prepare()
    return lambda response, gold: bool(verifier.verify(response, Task(domain, "?", {"answer": gold})).correct)


def graders(domain: str) -> dict[str, Grader]:
    """The rows of a domain's table, by name."""
    peers = {
        "math-verify, default call": math_verify_default,
        "DeepScaleR's rules": deepscaler,
        "either of the two": either,
    }
    if domain == "math":
        return {
            **peers,
            "prorl-envs, mode=paper": ours("math", mode="paper"),
            "prorl-envs, strict": ours("math"),
        }
    return {**peers, "prorl-envs": ours(domain)}


def labelled(path: Path) -> list[Row]:
    """Rows with prediction, gold, label and category."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measured(grader: Grader, rows: Sequence[Row]) -> Score:
    """The grader's verdicts and times on `rows`, after a warm-up."""
    for row in rows[:WARM_UP]:
        grader(row["prediction"], row["gold"])
    verdicts, times = [], []
    for row in rows:
        start = time.perf_counter()
        verdicts.append(grader(row["prediction"], row["gold"]))
        times.append(1000 * (time.perf_counter() - start))
    right = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if row["label"]]
    return Score(
        _share(verdict for _, verdict in right),
        _share(verdict for row, verdict in right if row["category"] != "text"),
        _share(verdict for row, verdict in zip(rows, verdicts, strict=True) if not row["label"]),
        percentile(times, 0.5),
        percentile(times, 0.99),
    )


def _share(verdicts: Iterable[bool]) -> float:
    values = list(verdicts)
    return sum(values) / len(values) if values else float("nan")


def percentile(times: Sequence[float], share: float) -> float:
    """The value below which `share` of the times lie."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def accuracy_table(domain: str, data: Path) -> Iterator[str]:
    """Who is right on the labelled pairs of a domain."""
    rows = labelled(data / "labelled" / f"{domain}_pairs_dev.jsonl")
    yield f"### {domain}: {len(rows)} labelled pairs, {sum(bool(row['label']) for row in rows)} of them right"
    yield ""
    yield "| grader | recall | recall without prose golds | false-positive rate | p50 ms | p99 ms |"
    yield "|---|---|---|---|---|---|"
    for name, grader in graders(domain).items():
        s = measured(grader, rows)
        right = f"{s.recall:.3f} | {s.recall_without_prose:.3f} | {s.false_positives:.3f}"
        yield f"| {name} | {right} | {s.p50:.2f} | {s.p99:.1f} |"


REASONING = (
    "First we note that $x^2 - 5x + 6 = (x-2)(x-3)$, so that $x = 2$ or $x = 3$. Let me check the other case too: "
    "when $y = \\frac{1}{2}$ we get $2y + 1 = 2$, which does not help. Consider $\\sum_{k=1}^{n} k$ instead. "
)
TYPICAL = (
    ("{n}", "{n}"),
    ("\\frac{3}{{n}}", "\\dfrac{3}{{n}}"),
    ("2\\sqrt{{n}}", "\\sqrt{4 \\cdot {n}}"),
    ("(2, {n})", "(2,{n})"),
    ("x^2-{n}x", "x(x-{n})"),
    ("1, {n}", "{n}, 1"),
    ("[0, {n})", "0 \\le x < {n}"),
    ("\\frac{\\pi}{{n}}", "\\pi/{n}"),
    ("{n}000", "{n}{,}000"),
    ("{n}", "{n}.5"),
)
"""Golds and answers as training meets them; a number stands for {n}, so that no two pairs are the same."""


def speed_table(_data: Path) -> Iterator[str]:
    """Typical responses, 4,000 characters of reasoning and a box: math-verify on the full text, and our Scorer."""
    thought = (REASONING * 20)[:4_000]
    rows = [
        {
            "prediction": f"<think>{thought}</think>\nThe answer is \\boxed{{{answer.replace('{n}', str(n))}}}.",
            "gold": gold.replace("{n}", str(n)),
        }
        for n in range(17, 57, 2)
        for gold, answer in TYPICAL
    ]
    yield "### speed: 4,000 characters of reasoning, then a box; one process"
    yield ""
    yield "| grader | responses per second | p50 ms | p99 ms |"
    yield "|---|---|---|---|"
    timed: list[tuple[str, list[float], float]] = []
    for name, grader in graders("math").items():
        timed.append((name, *_times(lambda row, grader=grader: grader(row["prediction"], row["gold"]), rows)))
    timed.append(("prorl-envs, strict, through a Scorer with one worker", *_through_scorer(rows)))
    for name, times, total in timed:
        yield f"| {name} | {len(rows) / total:.0f} | {percentile(times, 0.5):.2f} | {percentile(times, 0.99):.1f} |"


def _through_scorer(rows: Sequence[Row]) -> tuple[list[float], float]:
    """One by one and as one batch, each by a fresh Scorer that remembers nothing of these rows."""
    tasks = [Task("math", "?", {"answer": row["gold"]}) for row in rows]
    responses = [row["prediction"] for row in rows]
    warm = [Task("math", "?", {"answer": "x^2+1"})], ["\\boxed{1+x^2}"]
    with Scorer(workers=1) as scorer:
        scorer.score(*warm)
        each = []
        for task, response in zip(tasks, responses, strict=True):
            start = time.perf_counter()
            scorer.score([task], [response])
            each.append(1000 * (time.perf_counter() - start))
    with Scorer(workers=1) as scorer:
        scorer.score(*warm)
        start = time.perf_counter()
        scorer.score(tasks, responses)
        return each, time.perf_counter() - start


def _times(judge: Callable[[Row], object], rows: Sequence[Row]) -> tuple[list[float], float]:
    for row in rows[:WARM_UP]:
        judge(row)
    times = []
    begin = time.perf_counter()
    for row in rows:
        start = time.perf_counter()
        judge(row)
        times.append(1000 * (time.perf_counter() - start))
    return times, time.perf_counter() - begin


TABLES: dict[str, Callable[[Path], Iterable[str]]] = {
    "math": lambda data: accuracy_table("math", data),
    "stem": lambda data: accuracy_table("stem", data),
    "speed": speed_table,
    "instructions": lambda _: instructions.table(),
}
"""By name, the lines of a table, given the folder of public data."""


def main() -> None:
    """Prints the tables, and writes them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of public data")
    parser.add_argument("--tables", nargs="*", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    lines = [f"`python -m benchmarks.verifiers --data DATA`, Python {platform.python_version()}", ""]
    for name in options.tables:
        lines += [*TABLES[name](options.data), ""]
    publish(lines, options.output)


if __name__ == "__main__":
    main()
