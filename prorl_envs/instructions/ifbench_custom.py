"""IFBench's one-off instructions, ``custom:*``: each has one prompt, whose wording is the rule."""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from datetime import date
from itertools import islice, pairwise

from prorl_envs.instructions.catalogue import Catalogue
from prorl_envs.instructions.lexicon import EUROPEAN_CAPITALS
from prorl_envs.instructions.splitting import sentences, without_punctuation

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue("ifbench")

_MULTIPLES = ["14", "21", "28", "35", "42", "49"]
_QUESTION = re.compile(r"Question \d+[.|):;]?\s*+")
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*+\w")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AFRICAN_COUNTRIES = 52
_MOST_ROWS = 20  # more than any of the tables may have
_NAPOLEON = (1769, 1821)


@CATALOGUE.instruction("custom:multiples")
def multiples(text: str) -> bool:
    """The numbers in the text are the multiples of 7 from 14 to 49, in order."""
    return re.findall(r"\d+", text) == _MULTIPLES


@CATALOGUE.instruction("custom:mcq_count_length")
def growing_questions(text: str) -> bool:
    """Four questions "Question 1" to "Question 4" with five options each, every one longer than the one before."""
    if not text.startswith("Question"):
        return False
    questions = [question for question in _QUESTION.split(text) if question.strip()]
    if len(questions) != 4:
        return False
    read = [_read_question(question.strip()) for question in questions]
    return all(count == 5 for _, count in read) and all(a < b for (a, _), (b, _) in pairwise(read))


@CATALOGUE.instruction("custom:reverse_newline")
def reverse_countries(text: str) -> bool:
    """From the line that names Zimbabwe on, at least 52 lines stand in reverse alphabetical order."""
    lines = [stripped for line in text.split("\n") if (stripped := line.strip(string.punctuation + " "))]
    start = next((index for index, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    names = [_ascii(line) for line in lines[start:]]
    return len(names) >= _AFRICAN_COUNTRIES and names == sorted(names, reverse=True)


@CATALOGUE.instruction("custom:word_reverse")
def reversed_words(text: str) -> bool:
    """Read backwards by words, the text names the bald eagle."""
    return "bald eagle" in " ".join(reversed(without_punctuation(text.lower()).split()))


@CATALOGUE.instruction("custom:character_reverse")
def reversed_characters(text: str) -> bool:
    """The text names the bald eagle with its letters in reverse order."""
    return "elgae dlab" in text.lower()


@CATALOGUE.instruction("custom:sentence_alphabet")
def alphabet_story(text: str) -> bool:
    """There are 26 sentences, whose first characters are the letters of the alphabet in order."""
    found = sentences(text)
    return len(found) == 26 and [sentence[0].lower() for sentence in found] == [*string.ascii_lowercase]


@CATALOGUE.instruction("custom:european_capitals_sort")
def sorted_capitals(text: str) -> bool:
    """The text is the published list of capitals by latitude, between commas; diacritics do not matter."""
    names = [name.strip() for name in _ascii(text).split(",") if name.strip()]
    return names == [*EUROPEAN_CAPITALS]


@CATALOGUE.instruction("custom:csv_city")
def city_table(text: str) -> bool:
    """The text is CSV: the header ID, Country, City, Year, Count, then 7 rows of 5 fields."""
    rows = _table(text, ",")
    return len(rows) == 8 and rows[0] == ["ID", "Country", "City", "Year", "Count"] and _five_wide(rows)


@CATALOGUE.instruction("custom:csv_special_character")
def product_table(text: str) -> bool:
    """CSV of ProductID, Category, Brand, Price, Stock and 14 rows; a quoted field holds a special character."""
    rows = _table(text, ",", keep_quotes=True)
    if len(rows) != 15 or not _five_wide(rows):
        return False
    header = ["ProductID", "Category", "Brand", "Price", "Stock"]
    return _header(rows[0]) == header and any(_special(field) for row in rows[1:] for field in row)


@CATALOGUE.instruction("custom:csv_quotes")
def grade_table(text: str) -> bool:
    """Tab-separated StudentID, Subject, Grade, Semester, Score and 3 rows, every field in double quotes."""
    rows = _table(text, "\t", keep_quotes=True)
    if len(rows) != 4 or not _five_wide(rows):
        return False
    header = ["StudentID", "Subject", "Grade", "Semester", "Score"]
    return _header(rows[0]) == header and all(_quoted(field.strip()) for row in rows for field in row)


@CATALOGUE.instruction("custom:date_format_list")
def napoleonic_dates(text: str) -> bool:
    """The text is dates YYYY-MM-DD between commas and nothing else, each a real day of the years 1769 to 1821."""
    return all(_is_napoleonic(part.strip()) for part in text.split(","))


def _read_question(question: str) -> tuple[int, int]:
    """The length of the question's wording and the number of its options."""
    lines = [line.strip() for line in question.split("\n")]
    options = [index for index, line in enumerate(lines) if _OPTION.match(line)]
    wording = lines[: options[0]] if options else lines
    return len(" ".join(wording).strip()), len(options)


def _ascii(text: str) -> str:
    """The text without diacritics and whatever else is not ASCII."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _table(text: str, delimiter: str, *, keep_quotes: bool = False) -> list[list[str]]:
    """The first rows of a delimited table, none if it is malformed; quotes around fields are dropped or kept."""
    source = text.replace('"', '"""') if keep_quotes else text
    try:
        return list(islice(csv.reader(io.StringIO(source), delimiter=delimiter), _MOST_ROWS))
    except csv.Error:
        return []


def _five_wide(rows: list[list[str]]) -> bool:
    return all(len(row) == 5 for row in rows)


def _header(row: list[str]) -> list[str]:
    return [field.strip().removeprefix('"').removesuffix('"') for field in row]


def _quoted(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'


def _special(field: str) -> bool:
    inside = field[1 : field.rfind('"')] if field.startswith('"') else ""
    return re.search(r"[^\w\s]", inside) is not None


def _is_napoleonic(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return _NAPOLEON[0] <= day.year <= _NAPOLEON[1]
