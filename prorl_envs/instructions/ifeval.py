"""The 25 instruction types of IFEval (Zhou et al. 2023, arXiv 2311.07911), by the published rules.

Where the published checkers accept what the rule does not say, in a way labelled data relies on (a keyword
counts inside a longer word), this module does the same. The one difference on purpose: a text whose language
cannot be told is in no language, where the published checkers let it pass.
"""

from __future__ import annotations

import json
import re

from prorl_envs.instructions import params as p
from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.language import is_language
from prorl_envs.instructions.splitting import divided, sentences, tokens, words

__all__ = ["CATALOGUE", "STARS", "holds", "occurrences", "opening_word"]

CATALOGUE = Catalogue("ifeval")

STARS = re.compile(r"\s?\*\*\*\s?")
"""The Markdown divider between paragraphs, with one white space on either side."""

_HIGHLIGHT = re.compile(r"\*([^\n*]*)\*")
_BOLD = re.compile(r"\*\*([^\n*]*)\*\*")
_CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}


def holds(count: int, relation: str, bound: int) -> bool:
    """Whether `count` is "less than" or "at least" `bound`."""
    return count < bound if relation == "less than" else count >= bound


def occurrences(text: str, phrase: str) -> int:
    """How often `phrase` occurs in `text`, ignoring case, also inside longer words, without overlaps."""
    return len(re.findall(re.escape(phrase), text, re.IGNORECASE))


def opening_word(paragraph: str) -> str:
    """The first word, lower-case, without quotes before it and whatever follows the first . , ? ! or quote."""
    first = next(iter(paragraph.split(None, 1)), "")
    return re.split(r"[.,?!'\"]", first.lstrip("'").lstrip('"'), maxsplit=1)[0].lower()


@CATALOGUE.instruction("keywords:existence", keywords=p.WORDS)
def keywords_exist(text: str, keywords: list[str]) -> bool:
    """Every keyword occurs, ignoring case, also inside a longer word."""
    return all(re.search(re.escape(keyword), text, re.IGNORECASE) for keyword in keywords)


@CATALOGUE.instruction("keywords:frequency", keyword=p.WORD, frequency=p.COUNT, relation=p.RELATION)
def keyword_frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    """The keyword occurs at least / less than `frequency` times, ignoring case, also inside longer words."""
    return holds(occurrences(text, keyword), relation, frequency)


@CATALOGUE.instruction("keywords:forbidden_words", forbidden_words=p.WORDS)
def no_forbidden_words(text: str, forbidden_words: list[str]) -> bool:
    """None of the words occurs as a whole word, ignoring case."""
    return not any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in forbidden_words
    )


@CATALOGUE.instruction(
    "keywords:letter_frequency", letter=p.LETTER, let_frequency=p.COUNT, let_relation=p.RELATION
)
def letter_frequency(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    """The character occurs at least / less than `let_frequency` times, ignoring case."""
    return holds(text.lower().count(letter.lower()), let_relation, let_frequency)


@CATALOGUE.instruction("language:response_language", language=p.LANGUAGE)
def response_language(text: str, language: str) -> bool:
    """The text is in the language, as langdetect sees it. A text without letters is in none."""
    return is_language(text, language)


@CATALOGUE.instruction("length_constraints:number_sentences", num_sentences=p.COUNT, relation=p.RELATION)
def number_sentences(text: str, num_sentences: int, relation: str) -> bool:
    """There are at least / less than `num_sentences` sentences."""
    return holds(len(sentences(text)), relation, num_sentences)


@CATALOGUE.instruction("length_constraints:number_words", num_words=p.COUNT, relation=p.RELATION)
def number_words(text: str, num_words: int, relation: str) -> bool:
    """There are at least / less than `num_words` words (runs of letters, digits and underscores)."""
    return holds(len(words(text)), relation, num_words)


@CATALOGUE.instruction("length_constraints:number_paragraphs", num_paragraphs=p.COUNT)
def number_paragraphs(text: str, num_paragraphs: int) -> bool:
    """There are exactly `num_paragraphs` parts between ``***`` dividers; a blank one may stand only at an end."""
    parts = divided(text, STARS)
    return parts is not None and len(parts) == num_paragraphs


@CATALOGUE.instruction(
    "length_constraints:nth_paragraph_first_word",
    num_paragraphs=p.POSITION,
    nth_paragraph=p.POSITION,
    first_word=p.WORD,
)
def nth_paragraph_first_word(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """There are `num_paragraphs` parts between blank lines, and the nth starts with the word, ignoring case."""
    parts = text.split("\n\n")
    count = sum(1 for part in parts if part.strip())
    if count != num_paragraphs or nth_paragraph > count:
        return False
    return opening_word(parts[nth_paragraph - 1]) == first_word.lower()


@CATALOGUE.instruction("detectable_content:number_placeholders", num_placeholders=p.COUNT)
def number_placeholders(text: str, num_placeholders: int) -> bool:
    """There are at least `num_placeholders` pairs of square brackets, each within a line."""
    return sum(map(_bracket_pairs, text.split("\n"))) >= num_placeholders


@CATALOGUE.instruction("detectable_content:postscript", postscript_marker=p.WORD)
def postscript(text: str, postscript_marker: str) -> bool:
    """The marker occurs, ignoring case; in P.S. and P.P.S the periods may be followed by a white space."""
    pattern = _POSTSCRIPTS.get(postscript_marker) or re.escape(postscript_marker.lower())
    return re.search(pattern, text.lower()) is not None


@CATALOGUE.instruction("detectable_format:number_bullet_lists", num_bullets=p.COUNT)
def number_bullets(text: str, num_bullets: int) -> bool:
    """Exactly `num_bullets` lines start, after blanks, with ``-`` or with one ``*`` that something follows."""
    lines = [line.lstrip() for line in text.split("\n")]
    return _star_bullets(lines) + sum(line.startswith("-") for line in lines) == num_bullets


@CATALOGUE.instruction("detectable_format:constrained_response")
def constrained_response(text: str) -> bool:
    """The text contains "My answer is yes.", "My answer is no." or "My answer is maybe."."""
    return any(option in text for option in _CONSTRAINED)


@CATALOGUE.instruction("detectable_format:number_highlighted_sections", num_highlights=p.COUNT)
def number_highlights(text: str, num_highlights: int) -> bool:
    """At least `num_highlights` ``*highlights*``, not blank, each within a line; a ``**bold**`` one counts too."""
    found = [*_HIGHLIGHT.findall(text), *_BOLD.findall(text)]
    return sum(1 for highlight in found if highlight.strip()) >= num_highlights


@CATALOGUE.instruction("detectable_format:multiple_sections", section_spliter=p.WORD, num_sections=p.COUNT)
def multiple_sections(text: str, section_spliter: str, num_sections: int) -> bool:
    """The section word, followed by a number, occurs at least `num_sections` times (case matters)."""
    return len(re.findall(rf"{re.escape(section_spliter)}\s?\d++", text)) >= num_sections


@CATALOGUE.instruction("detectable_format:json_format")
def json_format(text: str) -> bool:
    """The whole text is JSON, with or without a Markdown fence. Nesting of hundreds of levels is refused."""
    body = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        body = body.removeprefix(fence)
    try:
        json.loads(body.removesuffix("```").strip(), parse_int=float)
    except (ValueError, RecursionError):
        return False
    return True


@CATALOGUE.instruction("detectable_format:title")
def title(text: str) -> bool:
    """A line contains a title in double angular brackets, ``<<like this>>``, not blank."""
    return any(_line_title(line).strip() for line in text.split("\n"))


@CATALOGUE.instruction("combination:two_responses")
def two_responses(text: str) -> bool:
    """Two different responses stand before and after ``******``; blank parts only at the ends."""
    parts = divided(text, re.compile(r"\*{6}"))
    return parts is not None and len(parts) == 2 and parts[0].strip() != parts[1].strip()


@CATALOGUE.instruction("combination:repeat_prompt", prompt_to_repeat=p.TEXT)
def repeat_prompt(text: str, prompt_to_repeat: str) -> bool:
    """The text starts with the request, ignoring case and outer blanks."""
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


@CATALOGUE.instruction("startend:end_checker", end_phrase=p.TEXT)
def end_phrase(text: str, end_phrase: str) -> bool:
    """The text ends with the phrase, ignoring case, outer blanks and a closing double quote."""
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


@CATALOGUE.instruction("startend:quotation")
def quotation(text: str) -> bool:
    """The whole text stands between double quotation marks."""
    body = text.strip()
    return len(body) > 1 and body[0] == body[-1] == '"'


@CATALOGUE.instruction(
    "change_case:capital_word_frequency", capital_frequency=p.COUNT, capital_relation=p.RELATION
)
def capital_words(text: str, capital_frequency: int, capital_relation: str) -> bool:
    """At least / less than `capital_frequency` tokens have letters and all of them are capital ("I", "NASA")."""
    return holds(sum(token.isupper() for token in tokens(text)), capital_relation, capital_frequency)


@CATALOGUE.instruction("change_case:english_capital")
def english_capital(text: str) -> bool:
    """The text is English, and no letter is lower-case."""
    return text.isupper() and is_language(text, "en")


@CATALOGUE.instruction("change_case:english_lowercase")
def english_lowercase(text: str) -> bool:
    """The text is English, and no letter is a capital."""
    return text.islower() and is_language(text, "en")


@CATALOGUE.instruction("punctuation:no_comma")
def no_comma(text: str) -> bool:
    """There is no comma."""
    return "," not in text


def _bracket_pairs(line: str) -> int:
    pairs, opened = 0, line.find("[")
    while opened >= 0 and (closed := line.find("]", opened)) >= 0:
        pairs, opened = pairs + 1, line.find("[", closed)
    return pairs


def _star_bullets(lines: list[str]) -> int:
    """Lines that start with one star. A star alone on its line takes the next line as its text."""
    count, index = 0, 0
    while index < len(lines):
        line = lines[index]
        alone = line == "*" and index + 1 < len(lines)
        count += alone or (line.startswith("*") and line[1:2] not in ("", "*"))
        index += 2 if alone else 1
    return count


def _line_title(line: str) -> str:
    """What stands between the first ``<<`` and the last ``>>``, without further brackets; "" if nothing."""
    start, end = line.find("<<"), line.rfind(">>")
    return line[start:end].lstrip("<").rstrip(">") if start >= 0 and start + 3 <= end else ""
