"""What a hostile response costs: every instruction type on texts of 200,000 characters made to be slow.

    python -m benchmarks.instructions [--characters 200000] [--output benchmarks/results/instructions.md]

Each type is checked on each text; the table shows the slowest text per type, the best of three runs, in
milliseconds of processor time. A check that is not linear in its text shows up here first: doubling
``--characters`` must no more than double a figure.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tables import publish
from prorl_envs.instructions import CATALOGUE, language
from prorl_envs.instructions.catalogue import Bound
from prorl_envs.instructions.params import Param

SPECIMENS: Mapping[str, Any] = {
    "capital_frequency": 10,
    "capital_relation": "less than",
    "first_word": "a",
    "frequency": 100_000,
    "language": "en",
    "let_relation": "at least",
    "letter": "a",
    "max_words": 10**9,
    "nth_paragraph": 1,
    "num_paragraphs": 1,
    "options": "yes/no/maybe",
    "phrase": "a b a",
    "relation": "at least",
    "section_spliter": "a",
    "keywords": ["aaaaaaab", "zzz"],
    "forbidden_words": ["aaaaaaab", "zzz"],
    "prompt_to_repeat": "a " * 100,
    "reference_text": "the quick brown fox " * 500,
    "percentage": 50,
}
"""Arguments under which a check has to look at all of the text; 1 or "a" for the rest."""


def arguments(params: Mapping[str, Param]) -> dict[str, Any]:
    """Arguments for an instruction with these parameters."""
    by_kind = {name: 1 if "integer" in param.kind else "a" for name, param in params.items()}
    return {name: SPECIMENS.get(name, value) for name, value in by_kind.items()}


def hostile_texts(size: int) -> dict[str, str]:
    """Texts of `size` characters that have been slow for somebody's checks, by name."""
    atoms = {
        "newlines": "\n",
        "blanks": " ",
        "blank lines and text": " \n",
        "opening brackets": "[",
        "all brackets": "([{)]}",
        "nested brackets": "(",
        "angle brackets": "<",
        "angle pairs": "<<a",
        "asterisks": "*",
        "starred lines": "*\n",
        "starred words": "*a ",
        "six stars": "****** a ",
        "quotes": "\"'",
        "backticks": "`",
        "one letter": "a",
        "letters apart": "a ",
        "sentences": "A b. ",
        "periods": ".",
        "periods apart": ". ",
        "period chain": "a.",
        "marks": "?!",
        "marks in quotes": '!"',
        "closing marks": ".)",
        "ellipses": "... ",
        "apostrophes": "n't'",
        "colons": "a:1,",
        "hyphens": "-",
        "joined sentences": "A b.-",
        "numbers": "1.",
        "digits": "9",
        "JSON depth": "[",
        "JSON object": '{"a":',
        "commas": "a,",
        "quoted fields": '"a","b"\n',
        "questions": "Question 1. a?\n",
        "e-mail": "a@a.",
        "URLs": "http://a ",
        "Chinese": "语言检测",
        "mixed scripts": "aбγאاहக한あ中",
        "surrogates": "\ud800",
        "NULs": "\x00",
        "emoji": "\U0001f600 ",
        "combining marks": "e\u0301",
        "capitals": "AB ",
        "long vowels": "eye",
        "postscripts": "p. p. ",
    }
    texts = {name: (atom * (size // len(atom) + 1))[:size] for name, atom in atoms.items()}
    texts["prose without ends"] = ("the quick brown fox jumps over the lazy dog " * (size // 44 + 1))[:size]
    texts["words of many lengths"] = " ".join("ab" * (n % 97) for n in range(size // 97))[:size]
    texts["different sentences"] = " ".join(f"a{n}b." for n in range(size // 7))[:size]
    texts["different abbreviations"] = " ".join(f"{n}-v. B" for n in range(size // 10))[:size]
    texts["quoted request"] = ("a " * 100 + "****** ") * (size // 207)
    return texts


def slowest(bound: Bound, texts: Mapping[str, str], repeats: int = 3) -> tuple[float, str]:
    """The milliseconds and the name of the text that costs `bound` most (best of `repeats` runs each)."""
    worst = (0.0, "")
    for name, text in texts.items():
        cost = _milliseconds(bound, text)
        if cost > worst[0]:  # only then is it worth a second look
            cost = min(cost, *(_milliseconds(bound, text) for _ in range(repeats - 1)))
        worst = max(worst, (cost, name))
    return worst


def table(characters: int = 200_000) -> list[str]:
    """The lines of the table, the slowest instruction first."""
    texts = hostile_texts(characters)
    language.prepare()
    rows = []
    for instruction in CATALOGUE.values():
        bound = Bound(instruction, instruction.read(arguments(instruction.params), "kwargs"))
        rows.append((*slowest(bound, texts), instruction.id))
    rows.sort(reverse=True)
    return [
        f"| instruction | slowest of {len(texts)} texts of {characters:,} characters | processor ms |",
        "|---|---|---:|",
        *(f"| {id} | {name} | {milliseconds:.1f} |" for milliseconds, name, id in rows),
    ]


def main() -> None:
    """Prints the table, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=200_000, help="length of the texts")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    lines = [
        f"`python -m benchmarks.instructions --characters {options.characters}` on "
        f"{len(os.sched_getaffinity(0))} CPUs, Python {platform.python_version()}",
        "",
        *table(options.characters),
    ]
    publish(lines, options.output)


def _milliseconds(bound: Bound, text: str) -> float:
    start = time.process_time()
    bound.follows(text)
    return 1000 * (time.process_time() - start)


if __name__ == "__main__":
    main()
