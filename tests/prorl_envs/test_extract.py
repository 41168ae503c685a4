"""Where the answer stands: the rules, and that no text makes them slow or raise."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prorl_envs.extract import (
    all_boxed,
    answer_section,
    answer_tag,
    code_blocks,
    coerce_response,
    last_boxed,
)

PIECES = [
    "\\boxed{",
    "\\fbox{",
    "{",
    "}",
    "\\",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "```",
    "```python",
    "\n",
    "x",
    "~~~",
]
hostile_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("response", "text", "thought", "truncated"),
    [
        ("plain", "plain", False, False),
        ("<think>a</think>b", "b", True, False),
        ("a</think>b", "b", True, False),
        ("<think>a</think>b</think>c", "c", True, False),
        ("<think>a", "<think>a", False, True),
        ("<think>a</think><think>b", "<think>b", True, True),
    ],
)
def test_only_what_follows_the_reasoning_is_judged(
    response: str, text: str, thought: bool, truncated: bool
) -> None:
    assert answer_section(response) == (text, thought, truncated)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"\boxed{7}", "7"),
        (r"\boxed{1} then \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed {7}", "7"),
        (r"\fbox{7}", "7"),
        (r"\boxed 7.", "7"),
        (r"\boxed{a\}b}", r"a\}b"),
        (r"\boxed{\boxed{7}}", r"\boxed{7}"),
        (r"\boxed{7} and \boxed{8", "7"),
        (r"\boxed{}", ""),
        (r"\boxedx{7}", None),
        ("no box", None),
        (r"\boxed{7", None),
    ],
)
def test_the_last_complete_outermost_box_counts(text: str, content: str | None) -> None:
    assert last_boxed(text) == content


def test_boxes_know_where_they_stand() -> None:
    text = r"so \boxed{7}. Wait"
    box = all_boxed(text)[0]
    assert text[box.start : box.end] == r"\boxed{7}"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("<answer> 7 </answer>", "7"),
        ("<answer>1</answer> no: <answer>2</answer>", "2"),
        ("<answer>1</answer> <answer>2", "1"),
        ("<answer>a\nb</answer>", "a\nb"),
        ("</answer>", None),
        ("7", None),
    ],
)
def test_the_last_complete_answer_tag_counts(text: str, content: str | None) -> None:
    assert answer_tag(text) == content


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```python\na\n```", [("python", "a\n")]),
        ("```Python\na\n```\ntext\n```\nb\n```", [("python", "a\n"), ("", "b\n")]),
        ("~~~c\na\n~~~", [("c", "a\n")]),
        ("````python\n```\n````", [("python", "```\n")]),
        ("```python\ncut off", [("python", "cut off")]),
        ("a ``` b", []),
        ("```python title=x\na\n```", [("python", "a\n")]),
    ],
)
def test_fenced_blocks(text: str, blocks: list[tuple[str, str]]) -> None:
    assert code_blocks(text) == blocks


@given(hostile_text)
def test_no_text_makes_extraction_raise(text: str) -> None:
    answer_section(text)
    answer_tag(text)
    code_blocks(text)
    for box in all_boxed(text):
        assert text[box.start] == "\\"
        assert box.content in text[box.start : box.end]


@pytest.mark.parametrize(
    "piece", [*PIECES, "\\boxed{{", "`", "```x ", " ", "\\boxed ", "<answer", "```" + "x" * 1000]
)
def test_extraction_is_linear_in_the_text(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.perf_counter()
    answer_section(text), answer_tag(text), code_blocks(text), all_boxed(text)
    assert time.perf_counter() - start < 10.0  # a quadratic scan of this text takes hours


def test_responses_as_trainers_pass_them() -> None:
    assert coerce_response(None) == ""
    assert coerce_response("x") == "x"
    assert coerce_response([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"}]) == "a"
    assert coerce_response([{"role": "user", "content": "a"}]) == "a"
    assert coerce_response([]) == ""
    for other in (b"x", 7, ["x"], {"content": "x"}):
        with pytest.raises(TypeError):
            coerce_response(other)
