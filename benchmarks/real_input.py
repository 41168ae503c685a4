"""The verifiers on real, labelled data, through the front door: `prorl score` on files, `gymnasium.make` on recipes.

    python -m benchmarks.real_input --data ../shared/data [--output benchmarks/results/real_input.md]

Labelled responses: how often the verdict is the label's. Golds of public benchmarks: whether the gold, written as a
model would write it, is judged correct. HumanEval: whether each canonical solution earns 1.0.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gymnasium

from benchmarks.tables import publish
from prorl_envs import Task, Verdict, cli
from prorl_envs.env import VerifiableEnv

Row = dict[str, Any]
LABELLED = {
    "math pairs": "labelled/math_pairs_dev.jsonl",
    "STEM pairs": "labelled/stem_pairs_dev.jsonl",
    "IFEval responses": "instruction/ifeval_responses_dev.jsonl",
}
GOLDS = {
    "aime24": "math_eval/aime24_nemo_skills.jsonl",
    "aime25": "math_eval/aime25_nemo_skills.jsonl",
    "amc": "math_eval/deepscaler_test_amc.json",
    "math-500": "math_eval/deepscaler_test_math.json",
    "minerva": "math_eval/deepscaler_test_minerva.json",
    "olympiad": "math_eval/deepscaler_test_olympiad_bench.json",
    "humaneval": "code/HumanEval.jsonl.gz",
}


def main() -> None:
    """Prints both tables, and writes them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of public data")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    options = parser.parse_args()
    lines = [
        "`python -m benchmarks.real_input --data DATA`",
        "",
        "| labelled set | rows | agreement | recall | false-positive rate | failed | seconds |",
        "|---|---|---|---|---|---|---|",
        *(labelled(name, options.data / file) for name, file in LABELLED.items()),
        "",
        "| golds of | problems | judged correct | failed | seconds |",
        "|---|---|---|---|---|",
        *(golds(recipe, options.data / file) for recipe, file in GOLDS.items()),
    ]
    publish(lines, options.output)


def labelled(name: str, file: Path) -> str:
    """One labelled set through `prorl score`."""
    read = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [instruction_row(row) if "strict" in row else pair_row(row) for row in read]
    labels = [all(row["strict"]) if "strict" in row else bool(row["label"]) for row in read]
    start = time.perf_counter()
    verdicts = score(rows)
    seconds = time.perf_counter() - start
    said = [bool(verdict.correct) for verdict in verdicts]
    right = [verdict for verdict, label in zip(said, labels, strict=True) if label]
    wrong = [verdict for verdict, label in zip(said, labels, strict=True) if not label]
    agreement = sum(a == b for a, b in zip(said, labels, strict=True)) / len(labels)
    failed = sum(verdict.reward is None for verdict in verdicts)
    return (
        f"| {name} | {len(rows)} | {agreement:.2%} | {sum(right) / len(right):.3f} | "
        f"{sum(wrong) / len(wrong):.3f} | {failed} | {seconds:.1f} |"
    )


def pair_row(row: Row) -> Row:
    """A (prediction, gold) pair as a row of `prorl score`."""
    domain = "stem" if row["id"].startswith("s") else "math"
    return {
        "id": row["id"],
        "domain": domain,
        "truth": {"answer": row["gold"]},
        "response": row["prediction"],
    }


def instruction_row(row: Row) -> Row:
    """A labelled IFEval response as a row of `prorl score`."""
    truth = {"instruction_id_list": row["instruction_id_list"], "kwargs": row["kwargs"]}
    return {
        "id": row["key"],
        "domain": "instruction",
        "prompt": row["prompt"],
        "truth": truth,
        "response": row["response"],
    }


def score(rows: Iterable[Row]) -> list[Verdict]:
    """The verdicts on rows, by way of files and the command line."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        cli.main(["score", str(source), "-o", str(target)])
        return [
            Verdict.from_dict(json.loads(line)) for line in target.read_text(encoding="utf-8").splitlines()
        ]


def golds(recipe: str, path: Path) -> str:
    """The golds of a benchmark through its environment."""
    start = time.perf_counter()
    id = "prorl/Code-v0" if recipe == "humaneval" else "prorl/Math-v0"
    env = gymnasium.make(id, recipe=recipe, path=path).unwrapped
    assert isinstance(env, VerifiableEnv)
    asked = [(task, response) for task in env.tasks for response in written(task)]
    verdicts = env.scorer.score([task for task, _ in asked], [response for _, response in asked])
    correct = all_correct([task for task, _ in asked], verdicts)
    failed = sum(verdict.reward is None for verdict in verdicts)
    seconds = time.perf_counter() - start
    return f"| {recipe} | {len(env.tasks)} | {correct} | {failed} | {seconds:.1f} |"


def written(task: Task) -> list[str]:
    """The golds of a task as a model would write them: each of the accepted ones."""
    if task.domain == "code":
        return [str(task.meta["reference"])]
    answers = task.truth.get("answers") or [task.truth["answer"]]
    return [f"<think>...</think>\nThe answer is $\\boxed{{{answer}}}$." for answer in answers]


def all_correct(tasks: Sequence[Task], verdicts: Sequence[Verdict]) -> int:
    """How many tasks had every one of their golds judged correct."""
    wrong = {task.id for task, verdict in zip(tasks, verdicts, strict=True) if not verdict.correct}
    return len({task.id for task in tasks} - wrong)


if __name__ == "__main__":
    main()
