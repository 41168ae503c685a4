r"""Answers of several parts: ranges ("10 to 20 nm") and lists, labelled ("(a) 5 m, (b) 3 s") or not."""

from __future__ import annotations

import re

from prorl_envs.answers.latex import clean
from prorl_envs.answers.outcome import UNDECIDED, Outcome, differ, same
from prorl_envs.answers.quantities import MissingUnit, Quantity, compare_quantities, parse_quantity
from prorl_envs.answers.units import NO_UNIT

__all__ = ["compare_ranges", "parse_range", "split_parts"]

_NUMBER = (
    r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)"
    r"(?:\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*\{?\s*-?\d{1,3}\s*\}?)?(?:[eE]-?\d{1,3})?"
)
_UNIT = r"(?:[^\d=<>]|(?<=[\^{-])\d|(?<=[A-Za-z])\d)*?"
_RANGE = re.compile(
    rf"^(?:between|from|in the range(?: of)?)?\s*(?P<low>{_NUMBER})\s*(?P<lowunit>{_UNIT})"
    rf"\s*(?P<joint>--?|to|and|through)\s*"
    rf"(?P<high>{_NUMBER})\s*(?P<unit>.{{0,80}})$"
)
_BRACKETED = re.compile(r"^\[\s*([^\[\],;]{1,40})[,;]\s*([^\[\],;]{1,40})\]")
_TEXT = re.compile(r"\\text\s*\{([^{}]*)\}")
_LABEL = re.compile(r"(?:^|(?<=[\s,;]))\(?(?:part\s+)?([a-h]|iv|v?i{1,3}|[1-9])\s*[):]\s*")
_LABEL_AS_TEXT = re.compile(r"\\text\s*+\{([^{}()]{0,20}\((?:part\s+)?(?:[a-h]|[1-9])\s*+\)[^{}()]{0,20})\}")
_SEPARATOR = re.compile(r"\s*(?:;|,(?!\d{3}(?!\d))|\band\b|\\text\s*\{\s*(?:,\s*)?and\s*\}|\\\\)\s*")
_NAME = re.compile(r"^\s*([^=<>]{1,30}?)\s*=\s*")


def parse_range(text: str) -> tuple[Quantity, Quantity] | None:
    """Both ends of a range, a unit written once counting for both; None when the text is none."""
    text = _TEXT.sub(r" \1 ", clean(text[:300])).strip().removeprefix("pH ")
    text = _BRACKETED.sub(r"\1 to \2", text)
    match = _RANGE.match(_NAME.sub("", text, count=1))
    if match is None or (match["joint"] == "and" and not text.startswith("between")):
        return None
    high = parse_quantity(f"{match['high']} {match['unit']}")
    low = parse_quantity(f"{match['low']} {match['lowunit']}" if match["lowunit"].strip() else match["low"])
    if low is None or high is None:
        return None
    if low.unit == NO_UNIT:
        low = Quantity(low.value, low.ulp, high.unit, False)
    return (low, high) if low.value <= high.value else None


def compare_ranges(gold: str, answer: str, *, rel_tol: float | None, missing_unit: MissingUnit) -> Outcome:
    """By both ends; undecided when the gold is no range."""
    wanted = parse_range(gold)
    if wanted is None:
        return UNDECIDED
    given = parse_range(answer)
    if given is None:
        return UNDECIDED if clean(gold).startswith("[") else differ("range")
    ends = [
        compare_quantities(g, a, rel_tol=rel_tol, missing_unit=missing_unit).equal
        for g, a in zip(wanted, given, strict=True)
    ]
    return same("range") if all(ends) else differ("range")


def split_parts(text: str) -> tuple[list[str], list[str]]:
    """The parts of an answer and their labels ("" where a part has none); one part when it is not several."""
    text = _LABEL_AS_TEXT.sub(r"\1 ", clean(text))
    labels = list(_LABEL.finditer(text))
    if len(labels) > 1 and labels[0].start() == 0:
        ends = [*(match.start() for match in labels[1:]), len(text)]
        parts = [text[m.end() : end].strip(" ,;") for m, end in zip(labels, ends, strict=True)]
        return parts, [match.group(1) for match in labels]
    parts = [part for part in _outside_brackets(text) if part]
    names = [_NAME.match(part) for part in parts]
    if len(parts) > 1 and all(names):
        return parts, [name.group(1).strip() if name else "" for name in names]
    return parts, [""] * len(parts)


def _outside_brackets(text: str) -> list[str]:
    parts, start = [], 0
    for match in _SEPARATOR.finditer(text):
        before = text[: match.start()]
        if all(before.count(a) == before.count(b) for a, b in ("()", "[]", "{}")):
            parts.append(text[start : match.start()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return parts
