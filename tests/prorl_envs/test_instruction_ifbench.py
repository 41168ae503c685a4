"""IFBench's 58 rules, each with a text that follows it and one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from prorl_envs.instructions import CATALOGUE
from prorl_envs.instructions.lexicon import EUROPEAN_CAPITALS

COUNTS = {f"keyword{n}": word for n, word in enumerate(["ant", "bee", "cow", "dog", "elk"], 1)}
COUNTED = "ant bee bee " + "cow " * 3 + "dog " * 5 + "elk " * 7
QUESTIONS = "\n".join(
    f"Question {n}. {'very ' * n}short?\n" + "\n".join(f"{letter}) yes" for letter in "ABCDE")
    for n in range(1, 5)
)
COUNTRIES = "\n".join(["Zimbabwe", *(f"S\u00e3o {n:02}" for n in range(60, 0, -1))])
CITIES = "ID,Country,City,Year,Count\n" + "\n".join(f"{n},A,B,2000,1" for n in range(7))
PRODUCTS = "ProductID,Category,Brand,Price,Stock\n" + '1,a,"b & c",2,3\n' * 14
GRADES = "\n".join(
    '"{}"\t"{}"\t"{}"\t"{}"\t"{}"'.format(*row)
    for row in [("StudentID", "Subject", "Grade", "Semester", "Score"), *[tuple("abcde")] * 3]
)
STORY = " ".join(f"{chr(65 + n)}nd so on." for n in range(26))
PALINDROMES = "level radar civic kayak refer rotor madam tenet stats solos"

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    # id, arguments, a text that follows, a text that does not
    ("count:word_count_range", {"min_words": 2.0, "max_words": 3.0}, "one two", "one"),
    ("count:unique_word_count", {"N": 2}, "one, two", "one One!"),
    ("count:conjunctions", {"small_n": 2}, "and, yet", "And and and,"),
    ("count:person_names", {"N": 2}, "Emma met Noah.", "Emma met emma and Noahs."),
    ("count:numbers", {"N": 2}, "1,000.5 and 7", "1 and 2 and 3"),
    ("count:punctuation", {}, "a, b; c: d. e! f? g?!", "a, b; c: d. g?!"),
    ("count:pronouns", {"N": 3}, "He/she saw it", "He saw Anna"),
    ("count:words_japanese", {"N": 2}, "one \u732b two 2 three", "one two"),
    ("count:keywords_multiple", COUNTS, COUNTED, COUNTED + "ant"),
    ("words:alphabet", {}, "Young zebras always bray", "Young zebras bray"),
    ("words:vowel", {}, "a bee is in", "a bee is on us"),
    ("words:consonants", {}, "strong birds", "strong bird is"),
    ("words:palindrome", {}, PALINDROMES, PALINDROMES.replace("solos", "solo")),
    ("words:prime_lengths", {}, "to the river, no", "four"),
    ("words:start_verb", {}, "Running is fun", "The run is fun"),
    ("words:repeats", {"small_n": 2}, "so so good", "so so, So good"),
    ("words:odd_even_syllables", {}, "The table made happy", "The dog ran"),
    ("words:last_first", {}, "I saw rain. Rain fell!", "I saw rain. Snow fell!"),
    ("words:paragraph_last_first", {}, "Rain is rain.\n\nSnow, snow", "Rain is snow"),
    ("words:no_consecutive", {}, "big cats", "big bad cats"),
    (
        "words:keywords_specific_position",
        {"keyword": "owl", "n": 2, "m": 3},
        "Yes. The, big Owl.",
        "Yes. The owl.",
    ),
    ("words:words_position", {"keyword": "owl"}, "The owl saw an owl fly.", "The owl saw an owl."),
    (
        "sentence:alliteration_increment",
        {},
        "One man. Big bad cats. Big bad bold cats.",
        "Big bad cats. Two men.",
    ),
    ("sentence:increment", {"small_n": 1}, "One. Two words. Now three words.", "One. Now three words."),
    ("sentence:keyword", {"word": "owl", "N": 2}, "Yes. An Owl.", "An owl. Owls."),
    ("ratio:stop_words", {"percentage": 50}, "the cat", "the cat and the dog"),
    ("ratio:sentence_type", {}, "One. Two. Three?", "no end at all"),
    ("ratio:sentence_balance", {}, "One. Two? Three!", "no end at all"),
    ("ratio:sentence_words", {}, "Abc de. Fgh ij. Klm no.", "Abc de. Abc de. Abc de."),
    ("ratio:overlap", {"reference_text": "abcdef", "percentage": 50}, "abcdxy", "abcdef"),
    ("format:parentheses", {}, "([{(a[b])}])", "((((a))))"),
    ("format:quotes", {}, '"a \'b "c" d\' e"', "\"a 'b' c\""),
    ("format:options", {"options": "yes/no/maybe"}, " Maybe. ", "yes, no"),
    ("format:newline", {}, "one\n\ntwo!\n", "one two"),
    ("format:emoji", {}, "Good \U0001f600. Fine! \U0001f44d", "Good. Fine \U0001f44d"),
    ("format:line_indent", {}, "a\n\n b\n   c", "a\n b\n b"),
    ("format:quote_unquote", {}, 'He said "a" to me, "b" to you.', 'He said "a" "b" to you.'),
    ("format:list", {"sep": "!?!?"}, "!?!? a\n!?!? b", "- a\n- b"),
    ("format:thesis", {}, "<em>This.</em> Since that.", "<i> </i> Since that."),
    ("format:sub-bullets", {}, "* a\n  - b\n* c\n  - d", "no bullets at all"),
    ("format:no_bullets_bullets", {}, "One. Two.\n\n* a\n* b", "One.\n* a\n* b"),
    ("format:title_case", {}, "A Day By NASA", "A Day by Day"),
    ("format:output_template", {}, "My Answer: a My Conclusion: b Future Outlook: c", "My Answer: a"),
    ("format:no_whitespace", {}, "a\u00e9,b", "a\u00a0b"),
    ("repeat:repeat_change", {"prompt_to_repeat": "Name a river."}, "Find a river.", "Name  a river."),
    ("repeat:repeat_simple", {}, "only output this sentence here, ignore all other requests.", "Only this."),
    ("repeat:repeat_span", {"prompt_to_repeat": "copy me", "n_start": 5, "n_end": 6}, "ME", "m"),
    ("custom:multiples", {}, "14, 21,28\n35 42 and 49", "7, 14, 21, 28, 35, 42, 49"),
    ("custom:mcq_count_length", {}, QUESTIONS, QUESTIONS.replace("E) yes", "")),
    ("custom:reverse_newline", {}, COUNTRIES, COUNTRIES.replace("Zimbabwe", "Aimbabwe")),
    ("custom:word_reverse", {}, "eagle bald the is It", "It is the bald eagle"),
    ("custom:character_reverse", {}, ".elgae dlab eht si tI", "bald eagle"),
    ("custom:sentence_alphabet", {}, STORY, STORY.replace("Bnd", "End")),
    ("custom:european_capitals_sort", {}, ", ".join(EUROPEAN_CAPITALS), ", ".join(sorted(EUROPEAN_CAPITALS))),
    ("custom:csv_city", {}, CITIES, CITIES + "\n8,A,B,2000,1"),
    ("custom:csv_special_character", {}, PRODUCTS, PRODUCTS.replace("&", "and")),
    ("custom:csv_quotes", {}, GRADES, GRADES.replace('"', "")),
    ("custom:date_format_list", {}, "1796-04-12, 1805-12-02", "1796-04-12, 1805-02-30"),
]


@pytest.mark.parametrize(("id", "kwargs", "good", "bad"), CASES, ids=[case[0] for case in CASES])
def test_the_rule(id: str, kwargs: dict[str, Any], good: str, bad: str) -> None:
    (bound,) = CATALOGUE.bind({"instruction_id_list": [id], "kwargs": [kwargs]})
    assert bound.follows(good)
    assert not bound.follows(bad)
    assert not bound.follows(" \n")


def test_every_type_has_a_case() -> None:
    ids = [id for id, instruction in CATALOGUE.items() if instruction.family == "ifbench"]
    assert len(ids) == 58
    assert sorted(case[0] for case in CASES) == sorted(ids)


def test_lettered_options_are_exact() -> None:
    kwargs = [{"options": "a), b), c)"}]
    (bound,) = CATALOGUE.bind({"instruction_id_list": ["format:options"], "kwargs": kwargs})
    assert bound.follows("b)\n")
    assert not bound.follows("b")
