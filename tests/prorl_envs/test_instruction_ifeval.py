"""The 25 IFEval rules, each with texts that follow it and texts that do not, and the edges of the published rules."""

from __future__ import annotations

from typing import Any

import pytest

from prorl_envs.instructions import CATALOGUE

LEAST, LESS = "at least", "less than"

CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("keywords:existence", {"keywords": ["tea", "Cup"]}, "A cup of tea.", True),
    ("keywords:existence", {"keywords": ["tea"]}, "A steamy story.", True),  # inside a longer word
    ("keywords:existence", {"keywords": ["tea", "cup"]}, "Only tea.", False),
    ("keywords:existence", {"keywords": ["a.b"]}, "axb", False),  # a keyword is no pattern
    ("keywords:frequency", {"keyword": "go", "frequency": 2, "relation": LEAST}, "Go, go!", True),
    ("keywords:frequency", {"keyword": "go", "frequency": 3, "relation": LEAST}, "Go, go!", False),
    ("keywords:frequency", {"keyword": "go", "frequency": 2, "relation": LESS}, "Go, go!", False),
    ("keywords:frequency", {"keyword": "aa", "frequency": 2, "relation": LEAST}, "aaa", False),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, "A catalogue.", True),
    ("keywords:forbidden_words", {"forbidden_words": ["dog", "cat"]}, "A Cat!", False),
    ("keywords:forbidden_words", {"forbidden_words": ["C++"]}, "I like C++.", False),
    (
        "keywords:letter_frequency",
        {"letter": "#", "let_frequency": 2, "let_relation": LEAST},
        "# and #",
        True,
    ),
    ("keywords:letter_frequency", {"letter": "n", "let_frequency": 2, "let_relation": LEAST}, "Nan", True),
    ("keywords:letter_frequency", {"letter": "n", "let_frequency": 2, "let_relation": LESS}, "Nan", False),
    ("language:response_language", {"language": "de"}, "Das ist ein ganz gewöhnlicher deutscher Satz.", True),
    ("language:response_language", {"language": "de"}, "This is quite an ordinary English sentence.", False),
    ("language:response_language", {"language": "en"}, "*** 123 !!!", False),  # no language can be told
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": LEAST}, "One. Two?", True),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": LESS},
        "Mr. Fox met Dr. Hare.",
        True,
    ),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": LESS}, "One! Two.", False),
    ("length_constraints:number_words", {"num_words": 3, "relation": LEAST}, "don't go", True),  # don, t, go
    ("length_constraints:number_words", {"num_words": 3, "relation": LESS}, "well-known_thing", True),
    ("length_constraints:number_words", {"num_words": 3, "relation": LESS}, "one two three", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\na\n***\nb\n***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n\nb", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\n\n***\nb", False),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Go"},
        'a\n\n"Go!" they said',
        True,
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "go"},
        "a\n\ngoing home",
        False,
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "go"},
        "\n\n\n\ngo\n\nb",
        False,
    ),  # the first part is the blank one
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b [c]", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[a\nb]", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\np. s. again", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P. S", True),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "PS again", False),
    ("detectable_content:postscript", {"postscript_marker": "N.B."}, "n.b. this", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}, "* a\n  - b\n\n*c", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "**bold** first", False),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 1},
        "*\n* b",
        True,
    ),  # a star takes the next line
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "*", False),
    ("detectable_format:constrained_response", {}, "Well. My answer is maybe. Really.", True),
    ("detectable_format:constrained_response", {}, "my answer is yes.", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", True),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "* * and ** **", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "*a\nb*", False),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Day", "num_sections": 2},
        "Day 1 a\nDay2 b",
        True,
    ),
    ("detectable_format:multiple_sections", {"section_spliter": "Day", "num_sections": 1}, "DAY 1", False),
    ("detectable_format:json_format", {}, '```json\n{"a": [1, 2]}\n```', True),
    ("detectable_format:json_format", {}, "9" * 5000, True),  # a number of any length is JSON
    ("detectable_format:json_format", {}, 'Here it is: {"a": 1}', False),
    ("detectable_format:json_format", {}, "[" * 100_000, False),
    ("detectable_format:title", {}, "<<A Title>>\ntext", True),
    ("detectable_format:title", {}, "<<  >>", False),
    ("detectable_format:title", {}, "<<a\nb>>", False),
    ("detectable_format:title", {}, "<<>> <<<", False),
    ("combination:two_responses", {}, "a\n******\nb", True),
    ("combination:two_responses", {}, "a******a", False),
    ("combination:two_responses", {}, "a******b******c", False),
    ("combination:two_responses", {}, "a************b", False),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Why? "}, " why? Because.", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Why?"}, "You ask: Why?", False),
    ("startend:end_checker", {"end_phrase": "The end."}, '"... the END." ', True),
    ("startend:end_checker", {"end_phrase": "The end."}, "The end. Or not.", False),
    ("startend:quotation", {}, ' "all of it" ', True),
    ("startend:quotation", {}, '"', False),
    ("startend:quotation", {}, '"a" b', False),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": LEAST},
        "I saw NASA's AT&T",
        True,
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 1, "capital_relation": LESS},
        "I saw it",
        False,
    ),
    ("change_case:english_capital", {}, "THIS IS WRITTEN LOUDLY IN THE ENGLISH LANGUAGE, MY FRIENDS.", True),
    ("change_case:english_capital", {}, "THIS IS WRITTEN LOUDLY IN THE ENGLISH LANGUAGe, MY FRIENDS.", False),
    ("change_case:english_capital", {}, "123 !!!", False),
    (
        "change_case:english_lowercase",
        {},
        "this is written quietly in the english language, my friends.",
        True,
    ),
    (
        "change_case:english_lowercase",
        {},
        "dies ist leise und in der deutschen sprache geschrieben, liebe leute.",
        False,
    ),
    ("punctuation:no_comma", {}, "one; two", True),
    ("punctuation:no_comma", {}, "one, two", False),
]


@pytest.mark.parametrize(("id", "kwargs", "text", "follows"), CASES)
def test_the_rule(id: str, kwargs: dict[str, Any], text: str, follows: bool) -> None:
    (bound,) = CATALOGUE.bind({"instruction_id_list": [id], "kwargs": [kwargs]})
    assert bound.follows(text) is follows


def test_every_type_is_followed_once_and_broken_once() -> None:
    ids = {id for id, instruction in CATALOGUE.items() if instruction.family == "ifeval"}
    assert len(ids) == 25
    for outcome in (True, False):
        assert {id for id, _, _, follows in CASES if follows is outcome} == ids
