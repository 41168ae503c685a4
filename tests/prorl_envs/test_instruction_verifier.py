"""The instruction verifier: shares, views, what is judged, and that no text breaks it."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.instructions import arguments, hostile_texts
from prorl_envs.core import Status, Task, Verdict
from prorl_envs.errors import ConfigError, TaskError
from prorl_envs.instructions import CATALOGUE
from prorl_envs.instructions.catalogue import Bound, Instruction
from prorl_envs.instructions.language import language_of
from prorl_envs.instructions.views import variants
from prorl_envs.verifiers import BUILTIN, VerifierSpec
from prorl_envs.verifiers.instruction import InstructionVerifier

SAMPLES = Path(__file__).resolve().parents[2] / "datasets" / "samples" / "instruction.jsonl"
TWO: dict[str, Any] = {
    "instruction_id_list": ["punctuation:no_comma", "detectable_format:title"],
    "kwargs": [{}, None],
}


def task(truth: dict[str, Any]) -> Task:
    return Task("instruction", "p", truth)


def verdict(response: str, truth: dict[str, Any] = TWO, **options: Any) -> Verdict:
    return InstructionVerifier(**options).verify(response, task(truth))


def test_the_reward_is_the_share_followed() -> None:
    full, half, none = verdict("<<T>>"), verdict("no title"), verdict("a, b")
    assert (full.reward, full.status, full.correct) == (1.0, Status.CORRECT, True)
    assert (half.reward, half.status, half.correct) == (0.5, Status.PARTIAL, False)
    assert (none.reward, none.status, none.correct) == (0.0, Status.WRONG, False)
    assert half.parts == {"correct": 0.0, "followed": 1.0, "instructions": 2.0}
    assert half.detail == "1 of 2 followed; not: detectable_format:title"


def test_binary_grading_pays_for_all_or_nothing() -> None:
    binary = {**TWO, "grading_mode": "binary"}
    assert verdict("no title", binary).reward == 0.0
    assert verdict("<<T>>", binary).reward == 1.0
    with pytest.raises(TaskError, match="grading_mode"):
        verdict("<<T>>", {**TWO, "grading_mode": "half"})


def test_only_what_follows_the_thoughts_is_judged() -> None:
    assert verdict("<think>a, b <<T>></think>\n\n<<T>>").reward == 1.0
    assert verdict("<think>a <<T>></think>no").reward == 0.5
    assert verdict("<think><<T>>").status is Status.TRUNCATED
    space = {"instruction_id_list": ["format:no_whitespace"], "kwargs": [{}]}
    assert verdict("<think>a b</think>\n \n\nVienna", space).reward == 1.0
    assert verdict("Vi enna", space).reward == 0.0


@pytest.mark.parametrize("response", ["", " \n", "<think>a</think>\n", "</think>"])
def test_an_empty_answer_earns_nothing(response: str) -> None:
    found = verdict(response)
    assert (found.reward, found.status) == (0.0, Status.NO_ANSWER)
    assert found.parts.keys() == verdict("<<T>>").parts.keys() == verdict("<think>").parts.keys()


def test_the_loose_view_forgives_wrapping() -> None:
    quoted = {"instruction_id_list": ["startend:quotation"], "kwargs": [{}]}
    wrapped = 'Sure, here it is:\n*"the text"*\nI hope it helps.'
    assert verdict(wrapped, quoted).reward == 0.0
    assert verdict(wrapped, quoted, view="loose").reward == 1.0
    assert list(variants("a*\nb\nc", "strict")) == ["a*\nb\nc"]
    assert list(variants("a*\nb\nc", "loose")) == ["a*\nb\nc", "b\nc", "a*\nb", "b", "a\nb\nc", "a\nb"]


def test_options_are_checked_and_travel() -> None:
    assert VerifierSpec(BUILTIN["instruction"], {"view": "loose"}).build().kind == "continuous"
    with pytest.raises(ConfigError, match="view"):
        VerifierSpec(BUILTIN["instruction"], {"view": "lose"}).build()


def test_samples_are_fully_followed_and_never_by_silence() -> None:
    rows = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    assert len(rows) >= 30
    verifier = InstructionVerifier()
    for row in rows:
        sample = Task("instruction", row["problem"], row["truth"])
        assert verifier.verify(row["reference"], sample).reward == 1.0, row["problem"]
        assert not verifier.verify("I do not know", sample).correct, row["problem"]


def test_language_detection_is_deterministic_and_leaves_no_trace() -> None:
    from langdetect import DetectorFactory

    seed, state = DetectorFactory.seed, random.getstate()
    text = "menu restaurant international hotel taxi 2024"
    assert {language_of(text) for _ in range(10)} == {language_of(text)}
    assert (DetectorFactory.seed, random.getstate()) == (seed, state)
    assert language_of("123 ***") is None
    assert language_of("这是一个关于天气的中文句子，今天天气很好。") == "zh-cn"


def bound(instruction: Instruction) -> Bound:
    return Bound(instruction, instruction.read(arguments(instruction.params), "kwargs"))


MARKS = [*".?!*[]\"'()-:;,`", "***", "<<", ">>", '."', "--", "<i>", "</i>", "* "]
WORDS = ["a", "The", "Dr.", "1.", '"ID",', "Question 1", "你", "İ", "ß", "\U0001f600"]
BLANKS = [" ", "\n", "\n\n", "\t", "\0", "\ud800", "\u2028"]
pieces = st.sampled_from(MARKS) | st.sampled_from(WORDS) | st.sampled_from(BLANKS) | st.text(max_size=4)
any_text = st.lists(pieces, max_size=25).map("".join)


@given(text=any_text)
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_any_check(text: str) -> None:
    for instruction in CATALOGUE.values():
        assert bound(instruction).follows(text) in (True, False), instruction.id


@given(text=any_text)
@settings(max_examples=150, deadline=None)
def test_strict_implies_loose(text: str) -> None:
    truth = {"instruction_id_list": ["startend:quotation", "punctuation:no_comma"], "kwargs": [{}, {}]}
    strict, loose = verdict(text, truth), verdict(text, truth, view="loose")
    assert (strict.reward or 0.0) <= (loose.reward or 0.0)


@pytest.mark.parametrize("instruction", CATALOGUE.values(), ids=list(CATALOGUE))
def test_no_check_is_worse_than_linear(instruction: Instruction) -> None:
    """A quadratic check takes many seconds on these; linear ones a few milliseconds per text (see the benchmark)."""
    check = bound(instruction)
    start = time.process_time()
    for text in hostile_texts(30_000).values():
        check.follows(text)
    assert time.process_time() - start < 2.5
