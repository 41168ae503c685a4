"""Times of day: ``15:30``, ``3:30 PM`` and ``3:30 p.m.`` are one; without a.m. or p.m. a time may be either."""

from __future__ import annotations

import re

from prorl_envs.answers.outcome import UNDECIDED, Outcome

__all__ = ["compare_times"]

_MARKS = re.compile(r"\\text|[{}\s\\.]")
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d(?::[0-5]\d)?)(?P<half>[ap]m)?(?:o'clock)?", re.IGNORECASE
)
_HALF_A_DAY = 12


def compare_times(gold: str, answer: str) -> Outcome:
    """Two cleaned times of day; undecided unless one of them says a.m. or p.m., for ``3:30`` may be a ratio."""
    first, second = (_TIME.fullmatch(_MARKS.sub("", text)) for text in (gold[:60], answer[:60]))
    if first is None or second is None or not (first["half"] or second["half"]):
        return UNDECIDED
    if (first["half"] and second["half"]) or {int(first["hour"]), int(second["hour"])} & set(range(13, 24)):
        return Outcome(_seconds(first) == _seconds(second), "time of day")
    return Outcome(first.group("hour", "minute") == second.group("hour", "minute"), "time of day")


def _seconds(time: re.Match[str]) -> int:
    hour = int(time["hour"])
    if time["half"]:
        hour = hour % _HALF_A_DAY + _HALF_A_DAY * (time["half"].lower() == "pm")
    minute, _, second = time["minute"].partition(":")
    return 3600 * hour + 60 * int(minute) + int(second or 0)
