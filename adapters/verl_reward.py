"""The rewards as verl wants them (0.9), and tasks as verl's parquet rows.

    reward.custom_reward_function.path=pkg://adapters.verl_reward
    reward.custom_reward_function.name=compute_score

verl calls `compute_score` once per response, from threads of its reward workers; all calls of a process share one
Scorer. ``adapters.ground_truth`` says which ground truths are understood.

Every response of every domain gets the same keys, because verl takes them from the first of a batch. ``acc``
is the strict binary view, which verl's validation prefers over the reward.

A response that could not be judged (after the Scorer's own retry) raises `InfrastructureError` by default:
verl's replay-buffer trainer then drops that trajectory and goes on, its older trainer stops loudly. The
alternative ``on_failed="nan"`` is for estimators that mask NaN; in any other it would spoil the whole group.
A made-up 0 is not offered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from adapters.ground_truth import OWN_PREFIX, task_of_ground_truth
from adapters.rewards import log_failures
from prorl_envs.core import DOMAINS, Status, Task, Verdict
from prorl_envs.errors import ConfigError, InfrastructureError, MissingExtraError
from prorl_envs.scoring import Scorer, shared_scorer
from prorl_envs.verifiers import VerifierChoice

__all__ = [
    "OnFailed",
    "compute_score",
    "compute_score_batch",
    "score_keys",
    "to_verl_row",
    "write_verl_parquet",
]

OnFailed = Literal["raise", "nan"]

_FLAGS = (Status.NO_ANSWER, Status.TRUNCATED, Status.TIMEOUT, Status.FAILED)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    on_failed: OnFailed = "raise",
    domains: Mapping[str, str] | None = None,
    verifiers: Mapping[str, VerifierChoice] | None = None,
    **kwargs: Any,
) -> dict[str, float]:
    """The score of one response, as verl's reward managers call for it.

    Args:
        data_source: the row's column.
        solution_str: the response, special tokens removed.
        ground_truth: the row's ``reward_model.ground_truth``.
        extra_info: the row's column.
        on_failed: see the module's docstring. This and what follows come from
            ``reward.custom_reward_function.reward_kwargs``.
        domains: domains of your own data sources.
        verifiers: options or verifiers by domain, as of `prorl_envs.scoring.Scorer`.
        kwargs: whatever else verl passes; ignored.

    Returns:
        ``score`` (the reward, in [0, 1]), ``acc`` and the other keys of `score_keys`.

    Raises:
        TaskError: the ground truth cannot be read.
        UnknownNameError: nothing says which domain the data source is of.
        InfrastructureError: the response could not be judged, under ``on_failed="raise"``.
    """
    return compute_score_batch(
        [data_source],
        [solution_str],
        [ground_truth],
        [extra_info],
        on_failed=on_failed,
        domains=domains,
        verifiers=verifiers,
        **kwargs,
    )[0]


def compute_score_batch(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    on_failed: OnFailed = "raise",
    domains: Mapping[str, str] | None = None,
    verifiers: Mapping[str, VerifierChoice] | None = None,
    **kwargs: Any,  # noqa: ARG001 - verl passes what its managers happen to have
) -> list[dict[str, float]]:
    """`compute_score` for B responses at once, as verl's ``batch`` manager calls for it. Raises the same."""
    if on_failed not in ("raise", "nan"):
        raise ConfigError(f"on_failed is 'raise' or 'nan', not {on_failed!r}")
    columns = zip(data_sources, ground_truths, extra_infos, strict=True)
    tasks = [_task(source, truth, info or {}, domains) for source, truth, info in columns]
    scorer = shared_scorer(_plain(verifiers))
    verdicts = scorer.score(tasks, solution_strs)
    failed = next((verdict for verdict in verdicts if verdict.status is Status.FAILED), None)
    if failed is not None and on_failed == "raise":
        raise InfrastructureError(f"a response could not be judged: {failed.detail}")
    log_failures(verdicts)
    keys = score_keys(scorer, tuple(dict.fromkeys(task.domain for task in tasks)))
    return [_scores(verdict, keys) for verdict in verdicts]


def score_keys(scorer: Scorer, domains: Iterable[str] = ()) -> tuple[str, ...]:
    """The keys of every score: ``score``, ``acc``, the statuses, and the parts of all built-in domains.

    `domains` of your own add their parts; keep such domains out of batches with others, or give their verifier
    part names that the built-in ones have.
    """
    parts = [name for domain in (*DOMAINS, *domains) for name in scorer.verifier(domain).part_names]
    return tuple(dict.fromkeys(["score", "acc", *(flag.value for flag in _FLAGS), *parts]))


def to_verl_row(task: Task, *, split: str = "train", index: int = 0) -> dict[str, Any]:
    """`task` in verl's row layout; `compute_score` reads it back to the same truth."""
    row = task.to_row()
    return {
        "data_source": f"{OWN_PREFIX}{task.domain}/{task.source or 'tasks'}",
        "prompt": row["prompt"],
        "ability": task.domain,
        "reward_model": {"style": "rule", "ground_truth": row["truth"]},
        "extra_info": {
            "split": split,
            "index": index,
            "id": task.id,
            "domain": task.domain,
            "meta": row["meta"],
        },
    }


def write_verl_parquet(tasks: Iterable[Task], path: str | Path, *, split: str = "train") -> int:
    """Writes tasks as a parquet file for verl's ``data.train_files``; returns how many.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ConfigError: there is no task to write.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Writing parquet", "data") from None
    rows = [to_verl_row(task, split=split, index=index) for index, task in enumerate(tasks)]
    if not rows:
        raise ConfigError("there is no task to write")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), Path(path))
    return len(rows)


def _plain(config: Any) -> Any:
    """`config` without OmegaConf's containers, in which verl hands on what its configuration says."""
    if isinstance(config, Mapping):
        return {str(key): _plain(value) for key, value in config.items()}
    return config


def _scores(verdict: Verdict, keys: tuple[str, ...]) -> dict[str, float]:
    unknown = float("nan")
    known = {
        **verdict.parts,
        "score": unknown if verdict.reward is None else verdict.reward,
        "acc": unknown if verdict.correct is None else float(verdict.correct),
        verdict.status.value: 1.0,
    }
    return {key: float(known.get(key, 0.0)) for key in keys}


def _task(
    data_source: str, ground_truth: Any, info: Mapping[str, Any], domains: Mapping[str, str] | None
) -> Task:
    """The task; of a ground truth in text form it is remembered, since a group has the same one many times."""
    if not isinstance(ground_truth, str):
        return task_of_ground_truth(data_source, ground_truth, info, domains=domains)
    known = json.dumps([dict(domains or {}), info.get("domain"), info.get("id")], default=str)
    return _remembered(data_source, ground_truth, known)


@lru_cache(maxsize=512)
def _remembered(data_source: str, ground_truth: str, known: str) -> Task:
    domains, domain, id_ = json.loads(known)
    return task_of_ground_truth(data_source, ground_truth, {"domain": domain, "id": id_}, domains=domains)
