"""The nouns: `Task`, `Verdict`, `Status`, `Verifier`.

A *task* is one verifiable problem, as plain data. A *response* is the whole text a model wrote for it.
A *verifier* is a pure function from both to a *verdict*. Everything else in this library moves these three
around: environments, trainers, files, the network.

Two rules hold everywhere:

* A verifier never raises on a text, however hostile, and never executes it.
* An infrastructure failure is never a wrong answer: its verdict has status ``failed`` and reward ``None``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from prorl_envs.errors import TaskError

__all__ = ["DOMAINS", "Kind", "Message", "Status", "Task", "Verdict", "Verifier"]

Message: TypeAlias = "dict[str, str]"
"""One chat message: ``{"role": ..., "content": ...}``."""

Kind: TypeAlias = Literal["binary", "continuous"]

DOMAINS: tuple[str, ...] = ("math", "code", "stem", "logic", "instruction")
"""The five domains of the paper (ProRL section 3.1, appendix D). Plug-ins may add their own."""


class Status(StrEnum):
    """What became of one response. All but ``FAILED`` are the response's own doing and carry a reward."""

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    FAILED = "failed"


_BAD: frozenset[Status] = frozenset({Status.WRONG, Status.NO_ANSWER, Status.TRUNCATED, Status.TIMEOUT})


@dataclass(frozen=True)
class Verdict:
    """One scored response.

    Attributes:
        reward: in [0, 1]; ``None`` exactly when the response could not be judged (status ``failed``).
        status: what became of the response.
        correct: the strict binary view (all tests passed, all instructions followed); ``None`` when failed.
        parts: named floats; every response of a domain has the same names.
        detail: a short text for people: the rule that decided, or the reason of a failure. Deterministic.
    """

    reward: float | None
    status: Status
    correct: bool | None
    parts: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        object.__setattr__(self, "parts", {str(k): float(v) for k, v in self.parts.items()})
        failed = self.status is Status.FAILED
        if failed != (self.reward is None) or failed != (self.correct is None):
            raise ValueError("reward and correct are None exactly when the status is 'failed'")
        if self.reward is not None and not 0.0 <= self.reward <= 1.0:
            raise ValueError(f"a reward lies in [0, 1], not {self.reward!r}")

    @classmethod
    def binary(cls, correct: bool, *, detail: str = "", parts: Mapping[str, float] | None = None) -> Verdict:
        """A verdict of 1 or 0."""
        return cls(float(correct), Status.CORRECT if correct else Status.WRONG, correct, parts or {}, detail)

    @classmethod
    def share(
        cls,
        reward: float,
        *,
        correct: bool | None = None,
        detail: str = "",
        parts: Mapping[str, float] | None = None,
    ) -> Verdict:
        """A continuous verdict: correct at 1, wrong at 0, partial between; `correct` overrides the first."""
        right = reward >= 1.0 if correct is None else correct
        status = Status.CORRECT if right else (Status.PARTIAL if reward > 0.0 else Status.WRONG)
        return cls(float(reward), status, right, parts or {}, detail)

    @classmethod
    def bad(cls, status: Status, *, detail: str = "", parts: Mapping[str, float] | None = None) -> Verdict:
        """A verdict of 0 with its reason: wrong, no_answer, truncated or timeout."""
        if status not in _BAD:
            raise ValueError(f"{status!r} is not a way to be wrong")
        return cls(0.0, status, False, parts or {}, detail)

    @classmethod
    def failed(cls, reason: str, *, parts: Mapping[str, float] | None = None) -> Verdict:
        """The response could not be judged, through no fault of its own. Never a reward of 0."""
        return cls(None, Status.FAILED, None, parts or {}, reason)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON-safe data (the fields of `prorl score`)."""
        return {
            "reward": self.reward,
            "status": self.status.value,
            "correct": self.correct,
            "parts": dict(self.parts),
            "detail": self.detail,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_dict`."""
        return cls(data["reward"], Status(data["status"]), data["correct"], data["parts"], data["detail"])


@dataclass(frozen=True)
class Task:
    """One verifiable problem, as plain data. Equal content gives an equal `id`, wherever and whenever.

    Attributes:
        domain: one of `DOMAINS`, or a plug-in's own.
        prompt: what the policy sees: a string, or chat messages. A lone user message is the same as its text.
        truth: what the verifier needs, JSON-safe; its fields by domain are in ``docs/tasks.md``.
            Never shown to the policy, nor to candidate code.
        source: the recipe it came from.
        meta: anything worth keeping that neither side needs (difficulty, origin, split).
        id: hash of domain, prompt and truth; computed when empty, kept when given.

    Raises:
        TaskError: when a field has the wrong type or is not JSON-safe (NaN, bytes, keys that are no strings).
    """

    domain: str
    prompt: str | tuple[Message, ...]
    truth: Mapping[str, Any]
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.domain, str) or not self.domain:
            raise TaskError("a task needs a domain")
        object.__setattr__(self, "prompt", _canonical_prompt(self.prompt))
        for name in ("truth", "meta"):
            object.__setattr__(self, name, MappingProxyType(_canonical_mapping(getattr(self, name), name)))
        object.__setattr__(self, "id", self.id or self.content_hash())

    def content_hash(self) -> str:
        """``<domain>-<16 hex digits>``: SHA-256 over domain, prompt and truth."""
        content = _dumps([self.domain, self.prompt, dict(self.truth)])
        return f"{self.domain}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    @property
    def messages(self) -> list[Message]:
        """The prompt as chat messages, fresh copies."""
        if isinstance(self.prompt, str):
            return [{"role": "user", "content": self.prompt}]
        return [dict(message) for message in self.prompt]

    @property
    def text(self) -> str:
        """The prompt as one text: the string itself, or the messages' contents, blank line between."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n\n".join(message["content"] for message in self.prompt)

    def to_dict(self) -> dict[str, Any]:
        """The task as nested JSON-safe data."""
        prompt = self.prompt if isinstance(self.prompt, str) else self.messages
        return {
            "id": self.id,
            "domain": self.domain,
            "prompt": prompt,
            "truth": json.loads(_dumps(dict(self.truth))),
            "source": self.source,
            "meta": json.loads(_dumps(dict(self.meta))),
        }

    def to_row(self) -> dict[str, Any]:
        """The task as a flat row that any column store keeps exactly.

        ``prompt`` is a list of messages, ``truth`` and ``meta`` are JSON texts: parquet would otherwise merge
        the fields of all rows into one struct and turn absent into null and integers into floats.
        """
        texts = {"truth": _dumps(dict(self.truth)), "meta": _dumps(dict(self.meta))}
        return {**self.to_dict(), "prompt": self.messages, **texts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Task:
        """Reads what `to_dict` or `to_row` wrote (``truth`` and ``meta`` as mappings or as JSON texts).

        Raises:
            TaskError: names the field that is missing or malformed.
        """
        for name in ("domain", "prompt", "truth"):
            if data.get(name) is None:
                raise TaskError(f"field {name!r} is missing")
        return cls(
            domain=data["domain"],
            prompt=data["prompt"],
            truth=_from_json(data["truth"], "truth"),
            source=data.get("source") or "",
            meta=_from_json(data.get("meta") or {}, "meta"),
            id=data.get("id") or "",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return Task.from_dict, (self.to_dict(),)

    def __hash__(self) -> int:
        return hash(self.id)


@runtime_checkable
class Verifier(Protocol):
    """Judges one response. Pure; never raises on any text; holds no per-call state.

    Importing a verifier's module must be cheap: heavy libraries are imported by `prepare`, which the Scorer
    calls once in each worker's parent.

    Attributes:
        domain: the domain whose tasks it judges.
        kind: "binary" (0 or 1) or "continuous".
        part_names: the names in every `Verdict.parts` of this domain.
        isolated: True when `verify` brings its own isolation (the code sandbox), so that a Scorer calls it
            from threads rather than in its killable workers.
    """

    domain: ClassVar[str]
    kind: ClassVar[Kind]
    part_names: ClassVar[tuple[str, ...]]
    isolated: ClassVar[bool]

    def verify(self, response: str, task: Task) -> Verdict:
        """The verdict on `response`.

        Raises:
            TaskError: only when the *task* is malformed (its truth lacks a field), never for a text.
        """
        ...

    def check(self, task: Task) -> None:
        """Raises `TaskError`, naming the field, when `task` cannot be judged."""
        ...

    def prepare(self) -> None:
        """Imports and warms up whatever `verify` needs."""
        ...


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _from_json(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise TaskError(f"field {name!r} is not JSON: {error}") from None


def _canonical_prompt(prompt: Any) -> str | tuple[Message, ...]:
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes) or not prompt:
        raise TaskError(f"field 'prompt' must be a text or chat messages, not {type(prompt).__name__}")
    messages: list[Message] = []
    for message in prompt:
        ok = isinstance(message, Mapping) and {"role", "content"} <= message.keys()
        if not ok or not all(isinstance(message[key], str) for key in ("role", "content")):
            raise TaskError("field 'prompt' must hold messages {'role': text, 'content': text}")
        messages.append({"role": message["role"], "content": message["content"]})
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return tuple(messages)


def _canonical_mapping(value: Any, name: str) -> dict[str, Any]:
    """`value` as it will look after a JSON round trip; absent and null fields at the top are the same."""
    if not isinstance(value, Mapping):
        raise TaskError(f"field {name!r} must be a mapping, not {type(value).__name__}")
    bad = next((key for key in value if not isinstance(key, str)), None)
    if bad is not None:
        raise TaskError(f"field {name!r} has the key {bad!r}, which is no text")
    try:
        plain = json.loads(_dumps({k: v for k, v in value.items() if v is not None}))
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(f"field {name!r} is not JSON-safe: {error}") from None
    return dict(plain)
