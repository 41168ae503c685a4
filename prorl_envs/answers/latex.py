r"""One spelling for what LaTeX, Unicode and Markdown can write in many ways.

`clean` turns ``\left[ 0,\,+\infty \right)`` and ``[0, ∞)`` and ``$[0,+\infty)$`` into texts that the lexer reads as
the same tokens. It changes spelling only, never meaning, runs in linear time, and never raises.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "plain_words", "unwrap"]

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()")
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]++")
_SUBSCRIPT_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]++")

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega epsilon phi theta "
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϵϕϑ",
        _GREEK_NAMES.split(),
        strict=True,
    )
)
_SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "⁄": "/", "∕": "/", "／": "/", "÷": "/",
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*", "＊": "*",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ",
    "≈": r"\approx ", "≃": r"\approx ", "≅": r"\approx ", "≡": r"\equiv ", "∈": r"\in ", "∉": r"\notin ",
    "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "⌀": r"\emptyset ", "∞": r"\infty ", "√": r"\sqrt ",
    "±": r"\pm ", "∓": r"\mp ", "°": r"\degree ", "º": r"\degree ", "˚": r"\degree ", "′": "'", "’": "'", "‘": "'",
    "″": "''", "“": '"', "”": '"', "∠": r"\angle ", "△": r"\triangle ", "⊥": r"\perp ", "∥": r"\parallel ",
    "→": r"\to ", "⟶": r"\to ", "⟹": r"\Rightarrow ", "⇒": r"\Rightarrow ", "⇌": r"\rightleftharpoons ",
    "⇋": r"\rightleftharpoons ", "↔": r"\leftrightarrow ", "⟨": r"\langle ", "⟩": r"\rangle ", "⌊": r"\lfloor ",
    "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∧": r"\land ", "∨": r"\lor ", "¬": r"\neg ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "ℏ": r"\hbar ", "∂": r"\partial ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∖": r"\setminus ",
    "％": "%", "，": ",", "；": ";", "：": ":", "（": "(", "）": ")", "…": r"\ldots ", "⋯": r"\cdots ",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
    "⅕": r"\frac{1}{5}", "⅙": r"\frac{1}{6}", "⅛": r"\frac{1}{8}", "⅜": r"\frac{3}{8}", "⅝": r"\frac{5}{8}",
    "µ": r"\mu ", "\u00c5": r"\AA ", "\u212b": r"\AA ", "Ω": r"\Omega ", "€": "", "£": "", "￥": "", "¥": "",
}  # fmt: skip
_UNICODE = str.maketrans({**{k: rf"\{v} " for k, v in _GREEK.items()}, **_SYMBOLS})

_SYNONYMS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "choose": "binom",
    "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "varnothing": "emptyset",
    "lbrace": "{", "rbrace": "}", "lvert": "vert", "rvert": "vert", "mid": "vert", "lor": "text{ or }",
    "vee": "text{ or }", "land": "text{ and }", "wedge": "text{ and }", "cupdot": "cup", "bigcup": "cup",
    "sqcup": "cup", "bigcap": "cap", "lt": "<", "gt": ">", "varepsilon": "epsilon", "varphi": "phi",
    "vartheta": "theta", "div": "/", "ast": "*", "centerdot": "cdot", "cdotp": "cdot", "smallsetminus": "setminus",
    "backslash": "setminus", "longrightarrow": "to", "rightarrow": "to", "lbrack": "[", "rbrack": "]",
    "dots": "ldots", "cdots": "ldots", "dotsc": "ldots", "dotsb": "ldots", "dotsm": "ldots", "hdots": "ldots",
    "mathrm": "text", "textrm": "text", "textbf": "text", "textit": "text", "mathbf": "text", "mathit": "text",
    "mathsf": "text", "mathtt": "text", "texttt": "text", "textsf": "text", "mbox": "text", "hbox": "text",
    "textnormal": "text", "operatorname": "text", "bm": "text", "boldsymbol": "text", "bold": "text", "bf": "",
    "rm": "", "it": "", "displaystyle": "", "textstyle": "", "scriptstyle": "", "limits": "", "nolimits": "",
    "quad": " ", "qquad": " ", "thinspace": " ", "enspace": " ", "allowbreak": "", "nonumber": "", "notag": "",
    "left": "", "right": "", "middle": "", "big": "", "Big": "", "bigg": "", "Bigg": "", "bigl": "", "bigr": "",
    "Bigl": "", "Bigr": "", "biggl": "", "biggr": "", "Biggl": "", "Biggr": "", "bigm": "", "Bigm": "",
    "textdegree": "degree", "textpercent": "%", "degreeCelsius": "degree C", "celsius": "degree C",
    "underline": "", "overrightarrow": "vec", "overset": "", "euro": "", "pounds": "", "textdollar": "", "dollar": "",
}  # fmt: skip
_COMMAND = re.compile(r"\\([A-Za-z]++)\*?")
_EMPTY_DELIMITER = re.compile(r"\\(?:left|right)\s*+\.")
_SPACING = re.compile(r"(?<!\\)\\(?:[,;:!> ]|(?=\n))|\\[hv]space\*?\{[^{}]*+\}|\\phantom\{[^{}]*+\}|~")
_MATH_MARKS = re.compile(r"(?<!\\)\\[()\[\]]|\$\$?|\\\$")
_DEGREE = re.compile(r"\^\s*+(?:\{\s*+\\(?:circ|degree)\s*+\}|\\(?:circ|degree)(?![A-Za-z]))")
_QUAD = re.compile(r",?\s*+\\q?quad(?![A-Za-z])")
"""Between equations a wide space is a comma."""
_PRIMES = re.compile(r"\^\s*+\{\s*+\\prime(?:\s*+\\prime)*+\s*+\}|\^\s*+\\prime(?![A-Za-z])")
_BARE_DEGREE = re.compile(r"\{\s*+\}\s*+(?=\\degree)")
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z]{2})")
"""A backslash escaped twice on its way through JSON; in a matrix it would be a row's end."""
_ROW_SKIP = re.compile(r"\\\\\s*+\[[^\[\]]{0,10}\]")
_GROUPED = re.compile(r"(?<=\d)(?:\{,\}|\\,|,\\!|\{\\,\})(?=\d{3}(?!\d))")
_BOLD = re.compile(r"\*\*([^*]++)\*\*|__([^_]++)__|`([^`]++)`")
_SPACES = re.compile(r"\s++")
_CIRCLED = re.compile("[①-⑳](?:[\\s,、]*+[①-⑳])*+")
_TRAILING_DOTS = re.compile(r"(?<=\.\d)(\d*+)\s*+(?:\\ldots|\.\.\.)$")
_END = re.compile(r"[\s.,;]++$")
_COLOUR = re.compile(r"\\(?:text)?color\s*+\{[A-Za-z]++\}")
_BASE_WORD = re.compile(r"(?<=\d)_\s*+(?:\{\s*+)?\\text\s*+\{\s*+([a-z]{3,6})\s*+\}(?:\s*+\})?")
_BASES = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "twelve": 12,
}
_MINUTES = re.compile(r"(?<![\d.])(\d{1,3})\s*+\\degree\s*+(\d{1,2})'(?!')")
"""``22^\\circ 30'``: degrees and minutes of arc."""
_CONTROL = (
    dict.fromkeys(range(32), " ")
    | dict.fromkeys(range(0xD800, 0xE000), "?")
    | {127: " ", 0x200B: "", 0xFEFF: ""}
)


def clean(text: str) -> str:
    """`text` in the library's one spelling; trailing punctuation and outer math marks are gone."""
    text = text.translate(_CONTROL)
    if not text.isascii():
        text = _CIRCLED.sub(
            lambda m: ", ".join(str(ord(c) - 0x245F) for c in m.group() if ord(c) >= 0x2460), text
        )
        text = _SUPERSCRIPT_RUN.sub(lambda m: "^{" + m.group().translate(_SUPERSCRIPTS) + "}", text)
        text = _SUBSCRIPT_RUN.sub(lambda m: "_{" + m.group().translate(_SUBSCRIPTS) + "}", text)
        text = unicodedata.normalize("NFKC", text.translate(_UNICODE))
    if _DOUBLED.search(text) and "\\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)
    if "\\" in text or "$" in text or "~" in text or "{,}" in text:
        text = _clean_commands(text)
    text = _BOLD.sub(lambda m: next(g for g in m.groups() if g is not None), text)
    text = _TRAILING_DOTS.sub(r"\1", _END.sub("", _SPACES.sub(" ", text)))
    return unwrap(text.strip())


def _clean_commands(text: str) -> str:
    text = _ROW_SKIP.sub(r"\\\\ ", _GROUPED.sub("", text))
    text = _MATH_MARKS.sub(" ", _EMPTY_DELIMITER.sub(" ", text))
    text = _SPACING.sub(" ", text).replace("\\%", "%").replace("\\#", "#").replace("\\&", "&")
    if text.count("=") > 1:
        text = _QUAD.sub(", ", text)
    text = _PRIMES.sub(lambda m: "'" * m.group().count("prime"), text)
    text = _BARE_DEGREE.sub("", _DEGREE.sub(r"\\degree ", text))
    text = _COMMAND.sub(_synonym, _COLOUR.sub("", text))
    text = _BASE_WORD.sub(lambda m: f"_{{{_BASES[m[1]]}}}" if m[1] in _BASES else m.group(), text)
    return _MINUTES.sub(lambda m: f"\\frac{{{int(m[1]) * 60 + int(m[2])}}}{{60}}\\degree ", text)


def _synonym(match: re.Match[str]) -> str:
    name = match.group(1)
    new = _SYNONYMS.get(name)
    if new is None:
        return match.group()
    if not new or new == " ":
        return " "
    if new.isalpha():
        return f"\\{new}"
    return new if new in "<>/*%[]" else f"\\{new}"


def unwrap(text: str) -> str:
    """`text` without braces that enclose all of it."""
    for _ in range(4):
        if not (text.startswith("{") and text.endswith("}")) or text.endswith("\\}"):
            return text
        depth = 0
        for position, char in enumerate(text):
            depth += (char == "{") - (char == "}")
            if depth == 0 and position < len(text) - 1:
                return text
        text = text[1:-1].strip()
    return text


_WORD_MARKS = re.compile(r"\\text\s*+(?=\{)|\\[A-Za-z]++|[{}\\$_^&~]")
_NOT_WORD = re.compile(r"[^\w'+\-./ ]++")


def plain_words(text: str) -> str:
    """What a person reads: `text` without LaTeX, case-folded, single blanks. For comparing phrases."""
    text = _WORD_MARKS.sub(" ", text)
    return _SPACES.sub(" ", _NOT_WORD.sub(" ", text)).strip(" .'").casefold()
