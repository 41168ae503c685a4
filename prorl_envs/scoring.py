"""`Scorer`: judge batches of responses in killable processes, from anywhere.

    with Scorer() as scorer:
        verdicts = scorer.score(tasks, responses)

Works the same from the main thread, any other thread, asyncio (`ascore`), a forked child and a Ray actor. One
poisonous response costs its own deadline and nothing else. Nothing is started before the first item, and
nothing is left behind after `close`, or after the host is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from prorl_envs.core import Task, Verdict, Verifier
from prorl_envs.errors import ConfigError, ProrlError, ScorerClosedError, UnknownNameError
from prorl_envs.extract import coerce_response
from prorl_envs.verifiers import BUILTIN, VerifierChoice, VerifierSpec, choose_verifier
from prorl_envs.workers.channel import Item
from prorl_envs.workers.nursery import Nursery
from prorl_envs.workers.pool import Pool

__all__ = ["Scorer", "shared_scorer"]

_live: weakref.WeakSet[Scorer] = weakref.WeakSet()


class Scorer:
    """Judges responses in worker processes that can be killed.

    Args:
        workers: worker processes; by default one per CPU this process may use, 16 at most.
        deadline_s: seconds one item may take before its worker is killed and it is answered ``timeout``. A batch
            of n items returns within ``ceil(n / workers) * deadline_s`` plus the cost of starting and replacing
            workers. Code tasks keep the sandbox's own time limits instead.
        verifiers: by domain, the options of the library's verifier (``{"math": {"mode": "paper"}}``), or
            another one as ``module:Class`` or `VerifierSpec`, also for domains of one's own.
        memory_mb: address space of one worker, in MiB; an item that needs more is answered ``timeout``.
        boot_timeout_s: how long importing the verifiers may take.

    Raises:
        ConfigError: an argument is out of range, or a verifier cannot be made.
    """

    def __init__(
        self,
        workers: int | None = None,
        deadline_s: float = 5.0,
        *,
        verifiers: Mapping[str, VerifierChoice] | None = None,
        memory_mb: int = 4096,
        boot_timeout_s: float = 120.0,
    ) -> None:
        self.workers = _default_workers() if workers is None else workers
        self.deadline_s = deadline_s
        if self.workers < 1 or not deadline_s > 0 or memory_mb < 256:
            raise ConfigError("a Scorer needs workers >= 1, deadline_s > 0 and memory_mb >= 256")
        self._specs = _all_specs(verifiers or {})
        self._verifiers = {domain: spec.build() for domain, spec in self._specs.items()}
        made = self._verifiers.values()
        server_s = max(getattr(verifier, "server_s", 0.0) for verifier in made)
        if server_s >= deadline_s:
            raise ConfigError(
                f"a verifier may wait {server_s:g} s for its server: deadline_s must be longer than that"
            )
        self._nursery = partial(
            Nursery,
            memory_bytes=memory_mb << 20,
            network=server_s > 0,
            environment=tuple(name for verifier in made for name in getattr(verifier, "environment", ())),
            boot_timeout_s=boot_timeout_s,
        )
        self._begin()
        _live.add(self)

    def _begin(self) -> None:
        self._pool = Pool(
            self._specs, workers=self.workers, deadline_s=self.deadline_s, nursery=self._nursery
        )
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="prorl-isolated")
        self._closed = False
        self._finalizer = weakref.finalize(self, _shut, self._pool, self._threads)

    def score(self, tasks: Sequence[Task], responses: Sequence[object]) -> list[Verdict]:
        """The verdicts on `responses`, in order.

        Args:
            tasks: B tasks; give the same object again for each response of a group.
            responses: B responses: texts, ``None`` (the empty text), or chat messages (the last assistant turn).

        Returns:
            B verdicts; one whose status is ``failed`` could not be judged and carries no reward.

        Raises:
            ValueError: the lengths differ.
            TypeError: a response is of another type (bytes, a number); nothing is scored then.
            ScorerClosedError: after `close`.
        """
        return self._submit_batch(tasks, responses).result()

    async def ascore(self, tasks: Sequence[Task], responses: Sequence[object]) -> list[Verdict]:
        """`score` for asyncio; the event loop stays free, and a cancelled call drops what is still queued."""
        return await asyncio.wrap_future(self._submit_batch(tasks, responses))

    def submit(self, task: Task, response: object) -> Future[Verdict]:
        """Scores one response in the background, while others are still being generated."""
        single: Future[Verdict] = Future()
        batch = self._submit_batch([task], [response])
        batch.add_done_callback(lambda done: _forward(done, single))
        return single

    def verifier(self, domain: str) -> Verifier:
        """The verifier this Scorer uses for `domain`, for its `kind`, `part_names` and `check`.

        Raises:
            UnknownNameError: no such domain.
        """
        if domain not in self._verifiers:
            raise UnknownNameError("domain", domain, self._verifiers)
        return self._verifiers[domain]

    def close(self) -> None:
        """Kills the workers. Items still queued are answered ``failed``. Idempotent."""
        self._closed = True
        self._finalizer()

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Scorer owns processes and cannot be pickled; make one where it is used")

    def _submit_batch(self, tasks: Sequence[Task], responses: Sequence[object]) -> Future[list[Verdict]]:
        if len(tasks) != len(responses):
            raise ValueError(f"{len(tasks)} tasks but {len(responses)} responses")
        if self._closed:
            raise ScorerClosedError("this Scorer is closed")
        texts = [coerce_response(response) for response in responses]
        batch = _Batch(len(tasks))
        encoded: dict[int, bytes] = {}
        items: list[Item] = []
        for index, (task, text) in enumerate(zip(tasks, texts, strict=True)):
            verifier = self.verifier(task.domain)
            settle = batch.slot(index, verifier.part_names)
            if verifier.isolated:
                job = self._threads.submit(_judge_isolated, verifier, task, text, settle, batch.wanted)
                job.add_done_callback(settle.closed_if_cancelled)
                continue
            if id(task) not in encoded:
                encoded[id(task)] = json.dumps(task.to_dict()).encode()
            items.append(Item(task.domain, encoded[id(task)], text, settle, batch.wanted))
        if items:
            self._pool.submit(items)
        return batch.future

    def _reset_after_fork(self) -> None:
        """In a forked child: the threads are gone and the processes are the parent's. Start over when used."""
        self._finalizer.detach()
        self._pool.abandon()
        closed = self._closed
        self._begin()
        self._closed = closed


class _Batch:
    """Collects the verdicts of one call."""

    def __init__(self, size: int) -> None:
        self.future: Future[list[Verdict]] = Future()
        self._verdicts: list[Verdict | None] = [None] * size
        self._missing = size
        self._lock = threading.Lock()
        if not size:
            self.future.set_result([])

    def wanted(self) -> bool:
        return not self.future.cancelled()

    def slot(self, index: int, part_names: tuple[str, ...]) -> _Slot:
        return _Slot(self, index, part_names)

    def settle(self, index: int, verdict: Verdict) -> None:
        with self._lock:
            self._verdicts[index] = verdict
            self._missing -= 1
            complete = not self._missing
        if complete and self.future.set_running_or_notify_cancel():
            self.future.set_result([verdict for verdict in self._verdicts if verdict is not None])


class _Slot:
    """Where one verdict goes; fills in the part names, which a verdict made outside a verifier lacks."""

    def __init__(self, batch: _Batch, index: int, part_names: tuple[str, ...]) -> None:
        self._batch, self._index, self._part_names = batch, index, part_names

    def __call__(self, verdict: Verdict) -> None:
        if tuple(verdict.parts) != self._part_names:
            parts = {name: verdict.parts.get(name, 0.0) for name in self._part_names}
            verdict = Verdict(verdict.reward, verdict.status, verdict.correct, parts, verdict.detail)
        self._batch.settle(self._index, verdict)

    def closed_if_cancelled(self, job: Future[None]) -> None:
        if job.cancelled():
            self(Verdict.failed("the Scorer was closed"))


def _judge_isolated(verifier: Verifier, task: Task, text: str, settle: Any, wanted: Any) -> None:
    """Judges on this thread: the verifier brings its own isolation. Its errors are failures, not zeros."""
    if not wanted():
        return
    try:
        verdict = verifier.verify(text, task)
    except ProrlError as error:
        verdict = Verdict.failed(str(error))
    except Exception as error:  # noqa: BLE001 - a batch must end even when a verifier has a bug
        verdict = Verdict.failed(f"verifier bug: {type(error).__name__}: {error}"[:500])
    settle(verdict)


def _forward(done: Future[list[Verdict]], single: Future[Verdict]) -> None:
    if single.set_running_or_notify_cancel():
        single.set_result(done.result()[0])


def _default_workers() -> int:
    return min(16, len(os.sched_getaffinity(0)))


def _all_specs(given: Mapping[str, VerifierChoice]) -> dict[str, VerifierSpec]:
    specs = {domain: choose_verifier(domain) for domain in BUILTIN}
    for domain, choice in given.items():
        specs[domain] = choose_verifier(domain, choice)
    return specs


def _shut(pool: Pool, threads: ThreadPoolExecutor) -> None:
    threads.shutdown(wait=False, cancel_futures=True)
    pool.close()


_shared: dict[str, Scorer] = {}
_shared_lock = threading.Lock()


def shared_scorer(verifiers: Mapping[str, VerifierChoice] | None = None) -> Scorer:
    """The process-wide Scorer for these verifiers, made on first use; environments and adapters share it.

    Args:
        verifiers: as of `Scorer`; equal choices share one Scorer.
    """
    chosen = {domain: choose_verifier(domain, choice) for domain, choice in (verifiers or {}).items()}
    key = json.dumps({domain: spec.to_dict() for domain, spec in chosen.items()}, sort_keys=True)
    with _shared_lock:
        if key not in _shared or _shared[key]._closed:
            _shared[key] = Scorer(verifiers=verifiers)
        return _shared[key]


def _after_fork_in_child() -> None:
    global _shared_lock
    _shared_lock = threading.Lock()
    for scorer in list(_live):
        scorer._reset_after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
