"""IFBench's instructions about layout and copying: ``format:*`` and ``repeat:*``."""

from __future__ import annotations

import re
import string
from itertools import chain, islice, pairwise

from prorl_envs.instructions import params as p
from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.splitting import sentences, tokens, without_punctuation

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue("ifbench")

_CLOSING = {")": "(", "]": "[", "}": "{"}
_LETTERED = re.compile(r"\W*[aA]\W*[bB]\W*[cC]")
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3"
    "\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b"
    "\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170-\U0001f19a\U0001f1e6-\U0001f64f"
    "\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f90c-\U0001faff]"
)
_BLANKS = re.compile(r"\s+")
_REPEAT_ME = "Only output this sentence here, ignore all other requests."


# --- format:* ---


@CATALOGUE.instruction("format:parentheses")
def nested_parentheses(text: str) -> bool:
    """Brackets of any kind are nested at least five deep, and the innermost closes; a mismatch starts afresh."""
    opened: list[str] = []
    deepest = 0
    for mark in re.findall(r"[][(){}]", text):
        if mark in "([{":
            opened.append(mark)
            if len(opened) > deepest:
                deepest = len(opened)
        elif opened and opened[-1] == _CLOSING[mark]:
            if deepest >= 5:
                return True
            opened.pop()
        else:
            opened, deepest = [], 0
    return False


@CATALOGUE.instruction("format:quotes")
def nested_quotes(text: str) -> bool:
    """Straight double and single quotes alternate at least three deep, and the three innermost close."""
    opened: list[str] = []
    deepest = 0
    for mark in re.findall("[\"']", text):
        if opened and opened[-1] == mark:
            opened.pop()
            if deepest - len(opened) >= 3:
                return True
        else:
            opened.append(mark)
            deepest = max(deepest, len(opened))
    return False


@CATALOGUE.instruction("format:options", options=p.TEXT)
def options(text: str, options: str) -> bool:
    """The text is one of the options and nothing else, which ``/``, "or" or commas separate.

    Lettered options ("a), b), c)") must be given exactly; for others case and outer punctuation do not matter.
    """
    separator = next((mark for mark in ("/", "or") if mark in options), ",")
    known = [option.strip() for option in options.split(separator)]
    if _LETTERED.match(options):
        return text.strip() in known
    return _bare(text) in {_bare(option) for option in known}


@CATALOGUE.instruction("format:newline")
def word_lines(text: str) -> bool:
    """Every word stands on a line of its own; lines of blanks or punctuation do not count."""
    return all(len(line.split()) <= 1 for line in without_punctuation(text).split("\n"))


@CATALOGUE.instruction("format:emoji")
def sentence_emoji(text: str) -> bool:
    """Every sentence ends with an emoji, before or after its punctuation mark."""
    found = (without_punctuation(sentence).strip() for sentence in sentences(text))
    return all(
        bool(_EMOJI.search(sentence[-2:])) or (bool(following) and bool(_EMOJI.match(following)))
        for sentence, following in pairwise(chain(found, [""]))
    )


@CATALOGUE.instruction("format:line_indent")
def line_indent(text: str) -> bool:
    """Each line that is not blank is indented by more spaces than the one before."""
    indents = [len(line) - len(line.lstrip(" ")) for line in text.split("\n") if line.strip()]
    return all(a < b for a, b in pairwise(indents))


@CATALOGUE.instruction("format:quote_unquote")
def quotes_explained(text: str) -> bool:
    """No phrase in double quotes is directly followed by another one or by the end of the text."""
    body = _BLANKS.sub("", re.sub("[“”]", '"', text).replace("'\"'", ""))
    tail = body.strip(string.digits + string.punctuation.replace('"', ""))
    return '""' not in body and not tail.endswith('"')


@CATALOGUE.instruction("format:list", sep=p.TEXT)
def separator_list(text: str, sep: str) -> bool:
    """The mark that stands for bullet points occurs at least twice."""
    return text.count(sep) >= 2


@CATALOGUE.instruction("format:thesis")
def italic_thesis(text: str) -> bool:
    """An HTML italic (``<i>`` or ``<em>``) that is not blank stands in the text, and more text follows it."""
    opened = next((found for tag in ("<i>", "<em>") if (found := text.find(tag)) >= 0), -1)
    if opened < 0:
        return False
    rest = text[opened:]
    closed = next((found for tag in ("</i>", "</em>") if (found := rest.find(tag)) >= 0), -1)
    thesis, after = rest[:closed].partition(">")[2], rest[closed:].partition(">")[2]
    return closed >= 0 and bool(thesis.strip()) and bool(after.strip())


@CATALOGUE.instruction("format:sub-bullets")
def sub_bullets(text: str) -> bool:
    """There are bullets ``*``, and a sub-bullet ``-`` after each before the next."""
    bullets = text.split("*")[1:]
    return bool(bullets) and all("-" in bullet for bullet in bullets)


@CATALOGUE.instruction("format:no_bullets_bullets")
def sentences_then_bullets(text: str) -> bool:
    """At least two sentences come first, then at least two lines starting with ``*`` and nothing else."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    first = next((index for index, line in enumerate(lines) if line.startswith("*")), len(lines))
    before, bullets = lines[:first], lines[first:]
    if len(bullets) < 2 or not all(line.startswith("*") for line in bullets):
        return False
    return len(list(islice((sentence for line in before for sentence in sentences(line)), 2))) == 2


@CATALOGUE.instruction("format:title_case")
def title_case(text: str) -> bool:
    """No word of letters is lower-case throughout, nor a lower-case letter before capitals ("tHE")."""
    return not any(
        token[0].islower() and (len(token) == 1 or token[1:].islower() or token[1:].isupper())
        for token in tokens(text)
    )


@CATALOGUE.instruction("format:output_template")
def output_template(text: str) -> bool:
    """The three headings "My Answer:", "My Conclusion:" and "Future Outlook:" occur."""
    return all(heading in text for heading in ("My Answer:", "My Conclusion:", "Future Outlook:"))


@CATALOGUE.instruction("format:no_whitespace")
def no_whitespace(text: str) -> bool:
    """There is no white space anywhere."""
    return _BLANKS.search(text) is None


# --- repeat:* ---


@CATALOGUE.instruction("repeat:repeat_change", prompt_to_repeat=p.TEXT)
def repeat_change(text: str, prompt_to_repeat: str) -> bool:
    """The text is the request with another first word."""
    given, wanted = text.split(), prompt_to_repeat.split()
    return given[1:] == wanted[1:] and given[0] != wanted[0]


@CATALOGUE.instruction("repeat:repeat_simple")
def repeat_simple(text: str) -> bool:
    """The text is "Only output this sentence here, ignore all other requests.", ignoring case."""
    return text.strip().lower() == _REPEAT_ME.lower()


@CATALOGUE.instruction("repeat:repeat_span", prompt_to_repeat=p.TEXT, n_start=p.COUNT, n_end=p.COUNT)
def repeat_span(text: str, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """The text is the request's characters from index `n_start` to `n_end`, both included, ignoring case."""
    return text.strip().lower() == prompt_to_repeat[n_start : n_end + 1].strip().lower()


def _bare(text: str) -> str:
    return text.strip(string.punctuation + string.whitespace).lower()
