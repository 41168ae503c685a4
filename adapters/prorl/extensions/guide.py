"""Adaptive hints (Guide, arXiv 2506.13923): problems that nobody solved are tried again with a hint.

A group that is all wrong teaches nothing. Guide samples its problem once more with a hint in the prompt, and trains
the policy on those responses as answers to the prompt *without* it: importance ratios are of the policy without the
hint to the policy that sampled, with it, so that what is learnt needs no hint later.

    extensions: {guide: {}}                                  the hint is the task's meta["hint"]
    extensions: {guide: {hint: my_package.hints:of_task}}    or what a function of the task returns; None is none

Second tries wait for the next round of dynamic sampling and count like any other prompt, so caps hold; they survive
a stop and a resumption. A problem gets one hint a draw: a hinted group that is dead, too, is dropped. The metrics
``retried`` and ``revived`` count them.

Where this differs from the paper's code: there, ratios of hinted responses are not clipped but passed through
r / (r + gamma); here the objective's own clip applies.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable

from adapters.prorl.config import RunConfig
from adapters.prorl.extension import Extension, with_added_text
from adapters.prorl.sampling.groups import Group
from prorl_envs.core import Task
from prorl_envs.errors import ConfigError

__all__ = ["Guide", "HintSource"]

log = logging.getLogger(__name__)

HintSource = Callable[[Task], str | None]


class Guide(Extension):
    """Retries problems whose responses are all wrong with a hint.

    Args:
        hint: ``module:function`` from a task to its hint, or None for ``meta["hint"]``. It sees the truth.
        text: what is added to the prompt; ``{hint}`` stands for the hint.
    """

    def __init__(self, hint: str | None = None, text: str = "Hint: {hint}") -> None:
        if "{hint}" not in text:
            raise ValueError("text must say where the hint goes: {hint}")
        self._hint_of, self._text = _from_meta if hint is None else _function(hint), text
        self._warned = False

    def check(self, config: RunConfig) -> None:
        """It replaces groups; see `Extension.check`."""
        if not config.rollout.dynamic_sampling:
            raise ConfigError(
                "extensions.guide replaces groups that are all wrong: set rollout.dynamic_sampling"
            )

    def retry(self, group: Group) -> Task | None:
        """See `Extension.retry`."""
        views = [verdict.correct for verdict in group.verdicts if verdict.correct is not None]
        if not views or any(views):
            return None
        hint = self._hint_of(group.task)
        if hint is None:
            if not self._warned:
                log.warning(
                    "no hint for task %s, nor perhaps for others: it is not tried again", group.task.id
                )
                self._warned = True
            return None
        return with_added_text(group.task, self._text.replace("{hint}", hint))


def _from_meta(task: Task) -> str | None:
    hint = task.meta.get("hint")
    return hint if isinstance(hint, str) else None


def _function(named: str) -> HintSource:
    module, _, attribute = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"hint {named!r}: {error}") from None
    if not callable(found):
        raise ValueError(f"hint {named!r} is not a function")
    return found  # type: ignore[no-any-return]
