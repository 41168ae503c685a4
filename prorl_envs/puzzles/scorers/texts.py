"""Puzzles whose answer is one text: compared whole, so that a hedge that contains it earns nothing."""

from __future__ import annotations

import re

from prorl_envs.puzzles.reading import bare, lines
from prorl_envs.puzzles.rules import Entry, Rule

__all__ = ["RULES", "exact"]

_RAGGED = re.compile(r"[^\S\n]\n")


def exact(answer: str, entry: Entry) -> float:
    """The same text; blanks at the ends of the answer and of its lines do not matter."""
    right = entry.answer.strip()
    if not _RAGGED.search(answer) and not _RAGGED.search(right):
        return float(answer == right)
    return float(lines(answer) == lines(right))


def any_case(answer: str, entry: Entry) -> float:
    """The same text in upper or lower case."""
    return float(answer.lower() == entry.answer.strip().lower())


def one_line(answer: str, entry: Entry) -> float:
    """The same text in any case, line breaks dropped."""
    return float(answer.lower().replace("\n", "") == entry.answer.strip().lower().replace("\n", ""))


def without_spaces(answer: str, entry: Entry) -> float:
    """The same text in any case, spaces dropped."""
    return float(answer.replace(" ", "").lower() == entry.answer.strip().lower())


def same_words(answer: str, entry: Entry) -> float:
    """The same words in the same order."""
    return float(answer.split() == entry.answer.split())


def same_words_any_case(answer: str, entry: Entry) -> float:
    """The same words in the same order, in any case."""
    return float(answer.lower().split() == entry.answer.lower().split())


def word_list(answer: str, entry: Entry) -> float:
    """The same words in the same order, separated by commas."""
    return float([word.strip() for word in answer.split(",")] == list(entry.metadata["sorted_words"]))


def palindrome(answer: str, entry: Entry) -> float:
    """Any palindrome of exactly the given letters."""
    word = answer.lower()
    return float(word == word[::-1] and sorted(word) == sorted(entry.metadata["letters"]))


def halting(answer: str, entry: Entry) -> float:
    """True or False, in any case, as the stored answer says."""
    return float(bare(answer).lower() == entry.answer.strip().lower())


_SUBSTRING = "len(right) / len(answer) when the answer contains the right text; blanks cost credit"
_HEDGE = "an answer that lists several candidates is paid for holding the right one"
_CLOSE = "part of the words or letters can be right by chance or by echoing the question"

_BASE = """
acre aiw arc_1d base_conversion basic_arithmetic bf binary_alternation caesar_cipher count_bits count_primes
course_schedule gcd isomorphic_strings largest_island lcm leg_counting letter_counting list_functions
mahjong_puzzle maze modulo_grid number_filtering number_sequence ransom_note rotate_matrix rotten_oranges
simple_equations simple_geometry string_manipulation string_splitting string_synthesis syllogism
word_sequence_reversal
"""

RULES: dict[str, Rule] = {
    **{name: Rule(exact, "the right text, whole", _SUBSTRING, _HEDGE) for name in _BASE.split()},
    "ab": Rule(
        exact, "the right text, whole", "the same; blanks around it lose all", "blanks carry no meaning"
    ),
    "self_reference": Rule(
        exact, "the right number", "the same; blanks around it lose all", "blanks carry no meaning"
    ),
    "circuit_logic": Rule(
        exact, "0 or 1", "the same; blanks around it cost credit", "blanks carry no meaning"
    ),
    "emoji_mystery": Rule(
        exact, "the sentence, whole", "share of right characters at the right length, else 0.01", _CLOSE
    ),
    "family_relationships": Rule(any_case, "the right word in any case", "the same", ""),
    "color_cube_rotation": Rule(
        any_case, "the right color in any case", "0.01 for any other text", "a free floor"
    ),
    "spell_backward": Rule(
        any_case, "the word in any case", "share of letters in place; letters after them are skipped", _CLOSE
    ),
    "tsumego": Rule(
        any_case,
        "the right point in any case",
        f"{_SUBSTRING}; 0.05 for any point, 0.01 for any text",
        _HEDGE,
    ),
    "dice": Rule(
        one_line, "the right fraction", "the same; blanks around it lose all", "blanks carry no meaning"
    ),
    "zebra_puzzles": Rule(
        one_line,
        "the right name in any case",
        "the same; blanks around it lose all",
        "blanks carry no meaning",
    ),
    "needle_haystack": Rule(without_spaces, "the right name in any case, spaces dropped", "the same", ""),
    "figlet_font": Rule(
        without_spaces, "the word in any case, spaces dropped", "0.1 for each letter in place", _CLOSE
    ),
    "path_star": Rule(same_words, "the right nodes in order", "the same", ""),
    "letter_jumble": Rule(
        same_words_any_case,
        "the sentence in any case",
        "share of right words; words after them are skipped",
        _CLOSE,
    ),
    "sentence_reordering": Rule(
        same_words_any_case, "the words in order, in any case", "share of words in place, else 0.05", _CLOSE
    ),
    "word_sorting": Rule(
        word_list, "the words in order", "share of words in place; 0.2 for any order of them", _CLOSE
    ),
    "palindrome_generation": Rule(
        palindrome,
        "any palindrome of exactly these letters",
        "0.05 for any palindrome, 0.02 for any text",
        "a free floor",
    ),
    "game_of_life_halting": Rule(
        halting,
        "True or False as the simulation says, in any case",
        "bool(text) == bool(text): 1.0 for every answer that is not empty",
        "the scorer is void: it compares two truthy texts",
    ),
}
