r"""Does an output answer a test? Decided in the judge, on bytes and plain data, never in the program's process.

``eurus`` follows the rules by which Eurus-2-RL / PRIME judge standard output, made strict where they can be
gamed: a tolerance applies only to a line whose *expected* text is a non-integer number, numbers are ASCII, and
nan or inf never equal anything by tolerance. The rules, for output lines ``out`` (split at newlines):

1. the whole texts are equal after stripping;
2. the same after stripping each output line;
3. the output lines are the expected non-empty, stripped lines;
4. the non-empty output lines are;
5. as many non-empty lines on both sides, every one of them one number, and each is equal or, where the
   expected line is a non-integer number, within a relative 1e-5 and an absolute 1e-8.

So the order of lines, letter case and inner blanks matter, and a line of two numbers gets no tolerance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.errors import InfrastructureError, InvalidProgramError

__all__ = ["PRESETS", "Compare", "checker", "compare_named", "float_compare"]

_BLANK = " \t\r\f\v"
_MARGIN = _BLANK + "\n"
_NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]{1,9})?")
_INTEGER = re.compile(r"[+-]?[0-9]++")
_LONGEST_NUMBER = 400


@dataclass(frozen=True)
class Compare:
    """A named way to compare an output with what was expected.

    Attributes:
        name: for people.
        accepts: ``(stdin, expected, output) -> bool``, texts decoded as UTF-8 with surrogate escapes.
    """

    name: str
    accepts: Callable[[str, str, str], bool]


def checker(fn: Callable[[str, str, str], bool], name: str = "checker") -> Compare:
    """A comparison of your own: ``fn(stdin, expected, output)``, run in the judge, for tasks with many answers.

    An exception inside `fn` is your bug: it ends the judging of that program as an infrastructure error.
    """

    def accepts(stdin: str, expected: str, output: str) -> bool:
        try:
            return bool(fn(stdin, expected, output))
        except Exception as error:
            raise InfrastructureError(f"{name} failed: {type(error).__name__}: {error}") from error

    return Compare(name, accepts)


def float_compare(rtol: float = 1e-6, atol: float = 1e-6) -> Compare:
    """Token by token; a token whose expected text is a non-integer number may differ by `rtol` or `atol`.

    Raises:
        InvalidProgramError: a tolerance is negative or no number.
    """
    if not (0 <= rtol < 1 and 0 <= atol < float("inf")):
        raise InvalidProgramError(f"tolerances must be small and not negative: rtol={rtol!r}, atol={atol!r}")

    def accepts(_stdin: str, expected: str, output: str) -> bool:
        want, got = _tokens(expected), _tokens(output)
        return len(want) == len(got) and all(
            w == g or _close(w, g, rtol, atol) for w, g in zip(want, got, strict=True)
        )

    return Compare(f"float(rtol={rtol}, atol={atol})", accepts)


def compare_named(which: str | Compare) -> Compare:
    """The preset called `which`, or `which` itself.

    Raises:
        InvalidProgramError: there is no such preset.
    """
    if isinstance(which, Compare):
        return which
    if which not in PRESETS:
        raise InvalidProgramError(f"there is no comparison {which!r}; known: {', '.join(PRESETS)}")
    return PRESETS[which]


def _eurus(_stdin: str, expected: str, output: str) -> bool:
    out, want = _lines(output), _lines(expected)
    text = "\n".join(want).strip(_MARGIN)
    if "\n".join(out).strip(_MARGIN) == text:
        return True
    stripped = [line.strip(_BLANK) for line in out]
    if "\n".join(stripped).strip(_MARGIN) == text:
        return True
    answer = [line for line in (line.strip(_BLANK) for line in want) if line]
    filled = [line for line in out if line.strip(_BLANK)]
    if answer in (out, filled):
        return True
    numbers = [line for line in stripped if line]
    if len(numbers) != len(answer) or not all(map(_NUMBER.fullmatch, answer + numbers)):
        return False
    return all(w == g or _close(w, g, 1e-5, 1e-8) for w, g in zip(answer, numbers, strict=True))


def _by_lines(_stdin: str, expected: str, output: str) -> bool:
    """Line by line, blanks at a line's end and empty lines at the text's end ignored."""
    return _trimmed(_lines(expected)) == _trimmed(_lines(output))


def _by_tokens(_stdin: str, expected: str, output: str) -> bool:
    """The same words in the same order, whatever stands between them."""
    return _tokens(expected) == _tokens(output)


def _exact(_stdin: str, expected: str, output: str) -> bool:
    """The same text, to the last character."""
    return expected == output


PRESETS: Mapping[str, Compare] = MappingProxyType(
    {
        "eurus": Compare("eurus", _eurus),
        "lines": Compare("lines", _by_lines),
        "tokens": Compare("tokens", _by_tokens),
        "float": float_compare(),
        "exact": Compare("exact", _exact),
    }
)
"""The comparisons that have a name."""


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _trimmed(lines: Sequence[str]) -> list[str]:
    kept = [line.rstrip(_BLANK) for line in lines]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _tokens(text: str) -> list[str]:
    # str.split() would also split at Unicode spaces, which no judge does.
    return [token for token in re.split(r"[ \t\r\f\v\n]++", text) if token]


def _close(expected: str, output: str, rtol: float, atol: float) -> bool:
    """Whether `expected` is a non-integer number and `output` one within the tolerances."""
    if max(len(expected), len(output)) > _LONGEST_NUMBER:
        return False
    if not _NUMBER.fullmatch(expected) or _INTEGER.fullmatch(expected) or not _NUMBER.fullmatch(output):
        return False
    want, got = float(expected), float(output)
    if abs(want) == float("inf") or abs(got) == float("inf"):
        return False
    return abs(got - want) <= atol + rtol * abs(want)
