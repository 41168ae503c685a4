r"""The answer rules DeepScaleR was trained with, written from their published description.

ProRL scores math as "correct if DeepScaleR's original verifier or an improved math-verify passes" (appendix D.1).
The original has two parts, and either suffices:

* *mathd*: both answers brought into one LaTeX form (Hendrycks et al., MATH), then compared as strings;
* *symbolic*: both stripped of units and LaTeX (PRM800K), split as tuples, and compared element by element:
  fractions must be equal as written, an integer needs an integer, anything else needs difference zero.

Where the original hands text to ``sympy.parse_expr``, which evaluates it as Python, this module asks
`prorl_envs.answers.equality` instead: same question, no evaluation, no hang.
"""

from __future__ import annotations

import re

from prorl_envs.answers.equality import plain_equal

__all__ = ["deepscaler_equal"]

_MAX_LENGTH = 10_000
_ENCLOSING_TEXT = re.compile(r"^\\text\{([^{}]+)\}$")
_UNIT_WORDS = "degree|centimeter|cm|meter|mile|second|minute|hour|day|week|month|year|foot|feet|inch|yard"
_UNITS = re.compile(rf"(?:{_UNIT_WORDS})(?:es)?s?(?: ?)++(?:\^[0-9]++)?")
_LARGE = (("million", "*10^6"), ("billion", "*10^9"), ("trillion", "*10^12"))
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FRACTION = re.compile(r"^-?[0-9]++.?/0*[1-9][0-9]*+.?$")
_MACROS = (
    (re.compile(r"\\[td]?frac\{([^{}]*+)\}\{([^{}]*+)\}"), r" \1/\2"),
    (re.compile(r"\\sqrt\{([^{}]*+)\}"), r"sqrt(\1)"),
    (re.compile(r"\\(?:cdot|times)(?![A-Za-z])"), "*"),
    (re.compile(r"\\pi(?![A-Za-z])"), "pi"),
    (re.compile(r"\\infty(?![A-Za-z])"), "inf"),
    (re.compile(r"\\cup(?![A-Za-z])"), "U"),
    (re.compile(r"\\[A-Za-z]++"), ""),
    (re.compile(r"\\."), " "),
)


def deepscaler_equal(gold: str, answer: str) -> bool:
    """DeepScaleR's verdict on two answers as they stood in their boxes."""
    if len(gold) > _MAX_LENGTH or len(answer) > _MAX_LENGTH:
        return False
    return _mathd_form(gold) == _mathd_form(answer) or _symbolic_equal(gold, answer)


def _mathd_form(text: str) -> str:
    text = _ENCLOSING_TEXT.sub(r"\1", text.strip()).strip()
    for old, new in (
        ("\n", ""), ("\\!", ""), ("\\\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"), ("\\left", ""),
        ("\\right", ""), ("^{\\circ}", ""), ("^\\circ", ""), ("\\$", ""),
    ):  # fmt: skip
        text = text.replace(old, new)
    text = text.split("\\text{ ")[0] if text.count("\\text{ ") == 1 else text
    text = text.replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if not text:
        return text
    text = "0" + text if text[0] == "." else text
    left, sign, right = text.partition("=")
    if sign and "=" not in right and len(left) <= 2:
        text = right
    text = re.sub(r"\\sqrt(?!\{)(\w)", r"\\sqrt{\1}", text.replace(" ", ""))
    text = re.sub(r"\\frac(\d|[A-Za-z])(\d|[A-Za-z])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac(\d|[A-Za-z])(?=\{)", r"\\frac{\1}", text)
    text = "\\frac{1}{2}" if text == "0.5" else text
    return re.sub(r"^(-?\d++)/(-?\d++)$", r"\\frac{\1}{\2}", text)


def _symbolic_equal(gold: str, answer: str) -> bool:
    gold, answer = _symbolic_form(gold), _symbolic_form(answer)
    if gold == answer:
        return True
    if not answer or not gold:
        return False
    golds, answers = _elements(gold), _elements(answer)
    if len(golds) > 1 and (gold[0] != answer[0] or gold[-1] != answer[-1]):
        return False
    return len(golds) == len(answers) and all(map(_element_equal, golds, answers))


def _symbolic_form(text: str) -> str:
    text = _ENCLOSING_TEXT.sub(r"\1", text.strip())
    for old, new in (
        ("\\%", "%"),
        ("\\$", "$"),
        ("$", ""),
        ("%", ""),
        (" or ", " , "),
        (" and ", " , "),
        *_LARGE,
    ):
        text = text.replace(old, new)
    text = re.sub(r"\^ *+\\circ", "", _UNITS.sub("", text))
    if text[:1] == "{" and text[-1:] == "}":
        text = text[1:-1]
    text = re.sub(r",\\! *+", "", text)
    if "\\" in text:
        for pattern, new in _MACROS:
            text = pattern.sub(new, text)
    text = re.sub(r"(\d) ++(\d)", r"\1+\2", re.sub(r"- *+", "-", text.strip()))
    text = text.replace(" ", "").replace("{", "").replace("}", "").lower()
    whole = _whole(text)
    return str(whole) if whole is not None else text


def _whole(text: str) -> int | None:
    """The integer that `text` writes, ``7``, ``1,000`` or ``7.0``, else None."""
    match = re.fullmatch(r"(-?\d{1,400})(?:\.0*+)?", _GROUPED.sub("", text))
    return int(match.group(1)) if match else None


def _elements(text: str) -> list[str]:
    text = _GROUPED.sub("", text)
    if text and text[0] in "([" and text[-1] in ")]" and not set("()[]") & set(text[1:-1]):
        return [part.strip() for part in text[1:-1].split(",")]
    return [text]


def _element_equal(gold: str, answer: str) -> bool:
    if _FRACTION.match(gold) and _FRACTION.match(answer):
        return gold == answer
    if (_whole(gold) is None) != (_whole(answer) is None):
        return False
    return _evaluable(gold + answer) and plain_equal(gold, answer)


def _evaluable(text: str) -> bool:
    """The original refuses more than two unknown letters and stacked or two-digit exponents."""
    letters = set(re.findall("[a-z]", text.replace("sqrt", "").replace("frac", "")))
    return len(letters) <= 2 and not re.search(r"\^[{(]|\^[0-9]++\^|\^[0-9][0-9]", text)
