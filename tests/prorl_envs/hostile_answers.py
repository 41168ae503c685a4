"""Answers that no puzzle deserves: code, towers, bombs, floods and nonsense."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["hostile"]


def hostile(canary: Path) -> list[str | None]:
    """More than a hundred responses; those that carry code would create the file `canary`."""
    answers = [*_code(canary), *_TOWERS, *_BOMBS, *_FLOODS, *_NONSENSE]
    return [None, "", "<answer>", "</answer><answer>", *(f"<answer>{answer}</answer>" for answer in answers)]


def _code(canary: Path) -> list[str]:
    write = f"open('{canary}','w').write('x')"
    forms = (
        '{0}|[[{0}]]|[{0}]|({0},)|{{1:{0}}}|eval("{0}")|exec("{0}")|(lambda: {0})()|[x for x in [{0}]]'
        "|1 if {0} else 2|x*{0}|x**2+0*{0}|sin({0})+C|[['_','Q',{0}]]|f'{{{0}}}'|''.join([{0}])|-{0}|not {0}"
        '|print({0})|1+{0}+1|A,{0}|"A"+{0}|N({0})|S(\'{0}\')|sympify("{0}")|Integer({0})|lambdify(x, {0})()'
    )
    others = [
        f"__import__('os').system('touch {canary}')",
        f"__import__('pathlib').Path('{canary}').touch()",
        f"; touch {canary}",
        f"$(touch {canary})",
        f"`touch {canary}`",
        "().__class__.__base__.__subclasses__()",
        "x.__class__.__mro__[1].__subclasses__()",
        "exit()",
        "quit()",
        "breakpoint()",
        "raise SystemExit",
    ]
    return [*forms.format(write).split("|"), *others]


_TOWERS = [
    "9**9**9**9",
    "10**10**10",
    "((((9**99)**99)**99)**99)**99",
    "x**x**x**x**x",
    "factorial(99999999)",
    "99999999!",
    "exp(exp(exp(exp(exp(99)))))",
    "1e999999999",
    "1e-999999999",
    "range(10**12)",
    "['A']*10**10",
    "2**2**2**2**2**2**2 + C",
    "A+99999999999",
    "1/0",
    "0/0",
]
_BOMBS = [
    "[" * 60_000,
    "[" * 30_000 + "]" * 30_000,
    '{"a":' * 9_000 + "1" + "}" * 9_000,
    "(" * 60_000,
    "¬" * 60_000,
    "(P ∧ " * 9_000,
    json.dumps([[1] * 150] * 150),
    '{"0":' + "9" * 60_000 + "}",
    "[NaN, Infinity, -Infinity]",
    "[1e999]",
    "[[null]]",
    '{"a": 1, "a": 2}',
]
_FLOODS = [
    "a" * 1_000_000,
    "1 " * 500_000,
    "\n" * 1_000_000,
    "9" * 60_000,
    "0x" + "f" * 50_000,
    "-" * 60_000,
    "1+" * 30_000 + "1",
    "U9 " * 20_000,
    "→".join("ABC" * 7_000),
    "UDLR" * 16_000,
    ",".join(["A=1"] * 15_000),
    "Move disk 1 from Peg 1 to Peg 2\n" * 2_000,
    "\x00" * 60_000,
    "\ud800" * 60_000,
    "😀" * 16_000,
]
_NONSENSE = [
    " ",
    "None",
    "null",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "{}",
    "[]",
    "[[]]",
    '""',
    "?",
    "\ud800",
    "a\x00b",
    "\u202e123",
    "not sure",
    "I don't know",
    "It could be yes or no",
    "True or False",
    "0,1,2,3,4,5,6,7,8,9",
    "0 1 2 3 4 5 6 7 8 9",
    "١٢٣",
    "Ⅷ",
    "1_000_0",
    "P ∨ ¬P",
    "<answer>",
    "<script>alert(1)</script>",
]
