"""The 29 rules that IF-RLVR adds, each followed and broken; the differences from the published program are cases."""

from __future__ import annotations

from typing import Any

import pytest

from prorl_envs.instructions import CATALOGUE

LEAST, LESS = "at least", "less than"
ASK = {"prompt_to_repeat": "Name a river."}
SPAN = {"prompt_to_repeat": "copy me now", "n_start": 5, "n_end": 6}
PHRASE = {"phrase": "the cat sleeps on the stove", "small_n": 2}

CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("copy:copy", ASK, " name a river. ", True),
    ("copy:copy", ASK, "Name a river. Danube.", False),
    ("copy:copying_simple", ASK, "Name a River.", True),
    ("copy:copying_simple", ASK, "Danube", False),
    ("copy:copying_multiple", {**ASK, "N": 2}, "Name a river.\n******\nName a river.", True),
    ("copy:copying_multiple", {**ASK, "N": 2}, "Name a river.\n******\nName a river.\n******\n", False),
    ("new:copy_span_idx", SPAN, "me", True),  # with the last index
    ("new:copy_span_idx", SPAN, "m", True),  # without it, as the published program has it
    ("new:copy_span_idx", SPAN, "me now", False),
    ("copy:repeat_phrase", PHRASE, "The cat dreams on the stove. The cat sleeps by the stove!", True),
    ("copy:repeat_phrase", PHRASE, "The cat sleeps on the stove. The cat sleeps by the stove!", False),
    ("copy:repeat_phrase", PHRASE, "The cat dreams on the stove.", False),
    ("keywords:word_once", {"keyword": "owl"}, "An Owl.", True),
    ("keywords:word_once", {"keyword": "owl"}, "An owl and an owl.", False),
    (
        "keywords:word_count_different_numbers",
        {"keyword": "owl", "frequency": 2, "relation": LEAST},
        "owl owl owl",
        True,
    ),
    (
        "keywords:word_count_different_numbers",
        {"keyword": "owl", "frequency": 2, "relation": LESS},
        "owl owl",
        False,
    ),
    ("keywords:word_count_different_numbers", {"keyword": "owl", "frequency": 2}, "owl owl", True),
    ("keywords:word_count_different_numbers", {"keyword": "owl", "frequency": 2}, "owl owl owl", False),
    ("keywords:exclude_word_harder", {"keyword": "owl"}, "A growl.", True),
    ("keywords:exclude_word_harder", {"keyword": "owl"}, "Owl.", False),
    ("keywords:palindrome", {}, "What a Level, field!", True),
    ("keywords:palindrome", {}, "I saw a cat.", False),  # "I" and "a" are too short
    ("keywords:keyword_specific_position", {"keyword": "owl", "n": 2, "m": 2}, "Yes. The, owl flew.", True),
    ("keywords:keyword_specific_position", {"keyword": "owl", "n": 2, "m": 3}, "Yes. The owl flew.", False),
    ("keywords:keyword_specific_position", {"keyword": ["owl"], "n": 9, "m": 1}, "Owl.", False),
    ("keywords:no_adjacent_consecutive", {}, "a cat eats 1 2 3", True),
    ("keywords:no_adjacent_consecutive", {}, "a big cat", False),
    ("keywords:start_end", {}, "Moon over a moon", True),
    ("keywords:start_end", {}, "Moon over a moon.", False),
    ("keywords:start_end", {}, "Moon", False),
    ("first_word:first_word_answer", {"first_word": "well"}, '"Well, yes."', True),
    ("first_word:first_word_answer", {"first_word": "well"}, "Wells are deep.", False),
    ("first_word:first_word_sent", {"first_word": ["so"]}, "So it is. So be it.", True),
    ("first_word:first_word_sent", {"first_word": "so"}, "So it is. Be it so.", False),
    ("last_word:last_word_answer", {"last_word": "it's"}, "He said it's!", True),
    ("last_word:last_word_answer", {"last_word": "end"}, "The ending.", False),
    ("last_word:last_word_answer", {"last_word": "end"}, "...", False),
    ("last_word:last_word_sent", {"last_word": "so"}, 'Is it so? "Be it so."', True),
    ("last_word:last_word_sent", {"last_word": "so"}, "So it is. Be it so.", False),
    ("count:lowercase_counting", {"N": 2}, "NASA was here", True),
    ("count:lowercase_counting", {"N": 1}, "NASA was here", False),
    ("letters:letter_counting", {"N": 3, "relation": LEAST}, "a1b2c", True),
    ("letters:letter_counting", {"N": 3, "relation": LESS}, "a1b2c", False),
    ("letters:letter_counting2", {"letter": "a", "let_frequency": 2, "let_relation": LEAST}, "Anna", True),
    ("letters:letter_counting2", {"letter": "a", "let_frequency": 2, "let_relation": LESS}, "Anna", False),
    (
        "count:counting_composition",
        {"n_sent": 1, "n_words": 2},
        "One two.\n***\nThree, four!\n* * *\nFive six?",
        True,
    ),
    ("count:counting_composition", {"n_sent": 1, "n_words": 2}, "One two.\n***\nThree four!", False),
    (
        "count:counting_composition",
        {"n_sent": 1, "n_words": 2},
        "One two.\n***\nThree!\n***\nFive six?",
        False,
    ),
    ("count:count_unique", {}, "One, two, three.", True),  # punctuation is no word
    ("count:count_unique", {}, "The dog and the cat", False),
    ("count:count_increment_word", {"keyword1": "sun", "keyword2": "moon"}, "Moon, sun, moon", True),
    ("count:count_increment_word", {"keyword1": "sun", "keyword2": "moon"}, "Moon, sun", False),
    ("paragraphs:paragraphs", {}, "a\n***\nb", True),
    ("paragraphs:paragraphs", {}, "a\n\nb", False),
    ("paragraphs:paragraphs2", {}, "a\n\nb", True),
    ("paragraphs:paragraphs2", {}, "a\n\n\n\nb", False),
    ("detectable_format:sentence_hyphens", {}, "One well-known thing.-Two.-Three!", True),
    ("detectable_format:sentence_hyphens", {}, "One. Two.", False),
    ("detectable_format:sentence_hyphens", {}, "One.- Two.", False),
    ("detectable_format:sentence_hyphens", {}, "One. -Two.", False),
    ("detectable_format:square_brackets", {}, "[two] [words]", True),
    ("detectable_format:square_brackets", {}, "[two words]", False),
    ("detectable_format:bigram_wrapping", {}, "<<I am>> <<at home>> now", True),
    ("detectable_format:bigram_wrapping", {}, "<<I am>> at home", False),
    ("detectable_format:bigram_wrapping", {}, "hello", False),
    ("punctuation:punctuation_dot", {}, "No!", True),
    ("punctuation:punctuation_dot", {}, "3.5", False),
    ("punctuation:punctuation_exclamation", {}, "No.", True),
    ("punctuation:punctuation_exclamation", {}, "No!", False),
]


@pytest.mark.parametrize(("id", "kwargs", "text", "follows"), CASES)
def test_the_rule(id: str, kwargs: dict[str, Any], text: str, follows: bool) -> None:
    (bound,) = CATALOGUE.bind({"instruction_id_list": [id], "kwargs": [kwargs]})
    assert bound.follows(text) is follows


def test_every_type_is_followed_once_and_broken_once() -> None:
    ids = {id for id, instruction in CATALOGUE.items() if instruction.family == "if-rlvr"}
    assert len(ids) == 29
    for outcome in (True, False):
        assert {id for id, _, _, follows in CASES if follows is outcome} == ids
