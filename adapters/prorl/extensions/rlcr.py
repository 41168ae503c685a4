"""Calibration reward (RLCR, arXiv 2507.16806, eq. 2): responses say how sure they are, and are scored on it.

    reward - weight * (confidence - correct)^2

The Brier term is a bounded proper scoring rule: it is highest where the stated confidence is the real chance of being
right, and bounded, so that being right is never worth less than being sure. Prompts are extended by the request for
a confidence, in validation as well.

    extensions: {rlcr: {}}

Problems of the domain ``instruction`` are left as they are: what their verifiers count and forbid would include the
confidence.
"""

from __future__ import annotations

import re

from adapters.prorl.extension import Extension, with_added_text
from adapters.prorl.sampling.groups import Group
from prorl_envs.core import Task

__all__ = ["Rlcr", "brier", "stated_confidence"]

_REQUEST = (
    "After your answer, state how confident you are that it is correct, as a number from 0 to 1: "
    "<confidence>0.5</confidence>"
)
_CONFIDENCE = re.compile(r"<confidence>\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*</confidence>")


class Rlcr(Extension):
    """Asks for a confidence and scores it.

    Args:
        weight: of the Brier term; the paper's is 1.
        missing: the Brier term of a response that states none, or none from 0 to 1. 1 is the worst that a stated one
            can get, so that silence never pays.
        request: what is added to each prompt.
    """

    def __init__(self, weight: float = 1.0, missing: float = 1.0, request: str = _REQUEST) -> None:
        if weight <= 0 or missing < 0:
            raise ValueError("weight must be above 0, and missing at least 0")
        self._weight, self._missing, self._request = weight, missing, request

    def prompt(self, task: Task) -> Task:
        """See `Extension.prompt`."""
        return task if task.domain == "instruction" else with_added_text(task, self._request)

    def rewards(self, group: Group, rewards: list[float | None], step: int) -> list[float | None]:
        """See `Extension.rewards`."""
        del step
        if group.task.domain == "instruction":
            return rewards
        scored: list[float | None] = []
        for reward, verdict, text in zip(rewards, group.verdicts, group.texts, strict=True):
            if reward is None or verdict.correct is None:
                scored.append(None)
            else:
                confidence = stated_confidence(text)
                loss = self._missing if confidence is None else brier(confidence, verdict.correct)
                scored.append(reward - self._weight * loss)
        return scored


def stated_confidence(text: str) -> float | None:
    """The last confidence that a response states, from 0 to 1 (or in percent); None if there is none."""
    found = _CONFIDENCE.findall(text)
    if not found:
        return None
    number, percent = found[-1]
    value = float(number) / (100 if percent else 1)
    return value if value <= 1 else None


def brier(confidence: float, correct: bool) -> float:
    """The squared distance of a confidence from what happened, from 0 to 1."""
    return (confidence - correct) ** 2
