"""The rewards as TRL wants them (GRPOTrainer, RLOOTrainer, ... of TRL 1.16).

    from adapters.trl_rewards import make_reward, to_dataset
    trainer = GRPOTrainer(model=..., reward_funcs=make_reward(), train_dataset=to_dataset(tasks), ...)

To train on the continuous reward and watch the strict binary one, in training and in evaluation:

    dense = make_reward()
    GRPOTrainer(reward_funcs=[dense, dense.binary()], args=GRPOConfig(reward_weights=[1.0, 0.0], ...), ...)

A response that could not be judged gets ``None``, which TRL leaves out of that sample's reward; it is counted in
the metric ``failed`` and never a 0. Nothing in here imports TRL or torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from adapters.rewards import log_failures, tasks_of_rows
from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError, MissingExtraError
from prorl_envs.scoring import shared_scorer
from prorl_envs.verifiers import VerifierChoice

__all__ = ["ProrlReward", "View", "make_reward", "to_dataset", "to_rows"]

View = Literal["dense", "binary"]

_COLUMNS = ("task", "id", "domain", "truth", "source", "meta", "data_source", "reward_model", "extra_info")


class ProrlReward:
    """A reward function for TRL: picklable, safe off the main thread, one Scorer per process.

    Args:
        view: "dense" for the verdict's reward, "binary" for 1 if it is correct in the strict sense, else 0.
        name: how TRL calls it in its logs; functions of one trainer need different names.
        verifiers: options or verifiers by domain, as of `prorl_envs.scoring.Scorer`.

    Raises:
        ConfigError: no such view, or a verifier refuses its options.
    """

    def __init__(
        self,
        view: View = "dense",
        name: str = "prorl",
        verifiers: Mapping[str, VerifierChoice] | None = None,
    ) -> None:
        if view not in ("dense", "binary"):
            raise ConfigError(f"a view is 'dense' or 'binary', not {view!r}")
        self.view = view
        self.verifiers = dict(verifiers) if verifiers else None
        self.__name__ = name
        self._batches = _LastBatch()
        self._logs = True

    def binary(self, name: str = "correct") -> ProrlReward:
        """The same reward in its binary view; beside this one in a trainer it scores and logs nothing twice."""
        twin = ProrlReward("binary", name, self.verifiers)
        twin._batches = self._batches
        twin._logs = False
        return twin

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """The rewards of B completions, one each; ``None`` where there is no verdict.

        Args:
            prompts: B prompts.
            completions: B texts or message lists.
            log_metric: given by TRL.
            log_extra: given by TRL.
            columns: B values of each column of the dataset; ``domain`` and ``truth``, or ``task``, or verl's
                ``data_source`` and ``reward_model`` must be among them. TRL's other arguments are ignored.

        Raises:
            RowError: the columns hold no task.
        """
        kept = {column: columns[column] for column in _COLUMNS if columns.get(column) is not None}
        verdicts = self._batches.verdicts(
            (list(completions), kept), lambda: self._score(prompts, completions, kept)
        )
        if self._logs:
            _log(verdicts, columns.get("domain"), log_metric, log_extra)
        if self.view == "dense":
            return [verdict.reward for verdict in verdicts]
        return [None if verdict.correct is None else float(verdict.correct) for verdict in verdicts]

    def _score(
        self, prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Sequence[Any]]
    ) -> list[Verdict]:
        rows = [
            {"prompt": prompt, **{name: values[index] for name, values in columns.items()}}
            for index, prompt in enumerate(prompts)
        ]
        verdicts = shared_scorer(self.verifiers).score(tasks_of_rows(rows), list(completions))
        log_failures(verdicts)
        return verdicts

    def __getstate__(self) -> dict[str, Any]:
        return {"view": self.view, "name": self.__name__, "verifiers": self.verifiers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def make_reward(
    view: View = "dense", *, name: str = "prorl", verifiers: Mapping[str, VerifierChoice] | None = None
) -> ProrlReward:
    """A `ProrlReward`, for ``reward_funcs=``."""
    return ProrlReward(view, name, verifiers)


def to_rows(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """Tasks as rows that TRL trains on: a conversational ``prompt``, and what the reward needs as text columns."""
    return [task.to_row() for task in tasks]


def to_dataset(tasks: Iterable[Task]) -> Any:
    """The rows as a Hugging Face `datasets.Dataset`.

    Raises:
        MissingExtraError: the datasets library is not installed.
    """
    try:
        from datasets import Dataset
    except ImportError:
        raise MissingExtraError("A Hugging Face dataset", "train") from None
    return Dataset.from_list(to_rows(tasks))


class _LastBatch:
    """The verdicts of the last batch, so that two views of one reward judge it once.

    A verdict is a pure function of response and task, so an equal batch has equal verdicts, whoever asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch: object = None
        self._verdicts: list[Verdict] = []

    def verdicts(self, batch: object, score: Callable[[], list[Verdict]]) -> list[Verdict]:
        with self._lock:
            if self._verdicts and self._batch == batch:
                return self._verdicts
        verdicts = score()
        if all(verdict.reward is not None for verdict in verdicts):  # a failure deserves another try
            with self._lock:
                self._batch, self._verdicts = batch, verdicts
        return verdicts


def _log(
    verdicts: Sequence[Verdict],
    domains: Sequence[str] | None,
    log_metric: Callable[[str, float], None] | None,
    log_extra: Callable[[str, list[Any]], None] | None,
) -> None:
    """Shares of correct, truncated and failed responses, overall and by domain; the verdicts in words."""
    if log_extra is not None:
        log_extra("status", [verdict.status.value for verdict in verdicts])
        log_extra("detail", [verdict.detail for verdict in verdicts])
    if log_metric is None or not verdicts:
        return
    for name in ("correct", "no_answer", "truncated", "timeout", "failed"):
        log_metric(f"verdict/{name}", sum(v.status.value == name for v in verdicts) / len(verdicts))
    for domain in sorted(set(domains or ())):
        mine = [
            v for v, of in zip(verdicts, domains or (), strict=True) if of == domain and v.correct is not None
        ]
        if mine:
            log_metric(f"verdict/correct/{domain}", sum(bool(v.correct) for v in mine) / len(mine))
