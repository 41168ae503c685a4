"""Puzzles whose answer is a JSON value or a list of assignments."""

from __future__ import annotations

import re
from typing import Any

from prorl_envs.puzzles.reading import integer, json_value
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES"]

_PAIR = re.compile(r"\s*+([A-Za-z])\s*+=\s*+([0-9])\s*+", re.ASCII)
_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:()\n\t", " "))


def anagram_groups(answer: str, entry: Entry) -> float:
    """The right groups, in any order within and among them."""
    return float(_groups(json_value(answer)) == _groups(entry.metadata["solution"]))


def _groups(value: Any) -> list[list[str]] | None:
    return sorted(sorted(group) for group in value) if _is_lists_of_texts(value) else None


def partitions(answer: str, entry: Entry) -> float:
    """All the right partitions, in any order."""
    found = json_value(answer)
    if not _is_lists_of_texts(found):
        return 0.0
    return float({tuple(part) for part in found} == {tuple(part) for part in entry.metadata["solution"]})


def _is_lists_of_texts(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(group, list) for group in value):
        return False
    return all(isinstance(word, str) for group in value for word in group)


def same_json(answer: str, entry: Entry) -> float:
    """The same text, or the same JSON value."""
    right = entry.answer.strip()
    if answer == right:
        return 1.0
    found = json_value(answer)
    return float(found is not None and _typed(found) == _typed(json_value(right)))


def _typed(value: Any) -> Any:
    """The value with truth values told apart from numbers (Python's True equals 1)."""
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return value


def cryptarithm(answer: str, entry: Entry) -> float:
    """Any assignment of distinct digits to all letters that makes the sum true, as ``A=1,B=2``."""
    words, result = entry.metadata["words_letters"], entry.metadata["result_letters"]
    letters = set("".join(words) + result)
    pairs = [_PAIR.fullmatch(part) for part in answer.split(",", 16)]
    digits = {pair.group(1): pair.group(2) for pair in pairs if pair}
    complete = (
        None not in pairs
        and len(pairs) == len(digits) == len(set(digits.values()))
        and digits.keys() == letters
    )
    if not complete:
        return 0.0
    leading = any(digits[word[0]] == "0" for word in [*words, result])
    if leading and not entry.metadata.get("allow_leading_zero", False):
        return 0.0
    values = [int("".join(digits[letter] for letter in word)) for word in [*words, result]]
    return float(sum(values[:-1]) == values[-1])


def coloring(answer: str, entry: Entry) -> float:
    """Any coloring of all vertices with the given colors that gives no edge one color."""
    puzzle, colors = entry.metadata["puzzle"], json_value(answer)
    if not isinstance(colors, dict):
        return 0.0
    chosen = [colors.get(str(vertex)) for vertex in puzzle["vertices"]]
    if any(type(color) is not int or color not in puzzle["color_options"] for color in chosen):
        return 0.0
    return float(all(colors[str(a)] != colors[str(b)] for a, b in puzzle["edges"]))


def knights(answer: str, entry: Entry) -> float:
    """Everyone's right role, said once for each person, in any order."""
    terms = entry.metadata["knight_knave_terms"]
    roles = {str(terms["knight"]).lower(), str(terms["knave"]).lower()}
    names = {str(name).lower() for name in entry.metadata["names"]}
    found = _roles(answer, names, roles)
    return float(found is not None and found == _roles(entry.answer, names, roles))


def _roles(text: str, names: set[str], roles: set[str]) -> dict[str, str] | None:
    """Who is what; None when someone is named twice, or a name has no role, or a role no name."""
    found: dict[str, str] = {}
    person = ""
    for word in text.lower().translate(_PUNCTUATION).split():
        if word in names:
            if person or word in found:
                return None
            person = word
        elif word in roles:
            if not person:
                return None
            found[person], person = word, ""
        elif word not in _FILLING:
            return None
    return None if person else found


_FILLERS = "a an and answer are as final follows hence here is so solution the therefore thus"
_FILLING = frozenset(_FILLERS.split())


def leap_or_number(answer: str, entry: Entry) -> float:
    """The right weekday or "Yes"/"No" in any case, or the right whole number."""
    right = entry.answer.strip()
    number = integer(right)
    return float(answer.lower() == right.lower() if number is None else integer(answer) == number)


RULES: dict[str, Rule] = {
    "group_anagrams": Rule(
        anagram_groups, "the right groups in any order", "0.01 for any JSON", "a free floor"
    ),
    "palindrome_partitioning": Rule(
        partitions,
        "all partitions in any order",
        "the same; a text passes for the list of its letters",
        "a text is no list",
    ),
    "codeio": Rule(
        same_json,
        "the right text or the same JSON value",
        "similarity of the JSON values, at least 0.01; words around the value cost part; deep JSON raises",
        "nearness to the example's values is no prediction; a free floor",
    ),
    "cryptarithm": Rule(cryptarithm, "any solution", "0.01 for any list of assignments", "a free floor"),
    "graph_color": Rule(
        coloring, "any proper coloring", "0.01 for any JSON; true counts as color 1", "a free floor"
    ),
    "knights_knaves": Rule(
        knights,
        "everyone's right role, each said once; no other words",
        "0.3 + 0.7 x share of right roles; contradictions and other words are skipped",
        "calling everyone a knight earns 0.62 on average; the question itself up to 0.65",
    ),
    "calendar_arithmetic": Rule(
        leap_or_number,
        "the right weekday (any case), Yes or No, or whole number",
        "numbers: exp(-5 x relative error), above 1 when the right one is -1; 0.1 for any weekday",
        "closeness and free floors; wrong numbers can earn more than right ones",
    ),
}
