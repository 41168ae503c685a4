"""Extensions that change rewards and prompts: a confidence is scored, a target length, a second try with a hint."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

pytest.importorskip("trl")

from hypothesis import given
from hypothesis import strategies as st

from adapters.prorl.extension import load_extensions, with_added_text
from adapters.prorl.extensions.guide import Guide
from adapters.prorl.extensions.laser import Laser, shortest_target
from adapters.prorl.extensions.rlcr import Rlcr, brier, stated_confidence
from adapters.prorl.sampling.groups import Group
from adapters.prorl.settings import validated
from prorl_envs.core import Task, Verdict


def group(texts: Sequence[str], correct: Sequence[bool | None], *, domain: str = "math") -> Group:
    verdicts = [Verdict.failed("down") if right is None else Verdict.binary(right) for right in correct]
    made: list[float | None] = [verdict.reward for verdict in verdicts]
    ids = [[1] * (len(text) or 1) for text in texts]
    task = Task(domain, "What?", {"answer": "7"}, meta={"hint": "It is odd."})
    return Group(task, [1], ids, list(texts), verdicts, made, made, [True] * len(texts))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7 <confidence>0.8</confidence>", 0.8),
        ("<confidence>0.2</confidence> no, <confidence> .9 </confidence>", 0.9),
        ("<confidence>1</confidence>", 1.0),
        ("<confidence>1.</confidence>", 1.0),
        ("<confidence>85%</confidence>", 0.85),
        ("<confidence>1.01</confidence>", None),
        ("<confidence>120 %</confidence>", None),
        ("<confidence>-0.2</confidence>", None),
        ("<confidence>nan</confidence>", None),
        ("<confidence>high</confidence>", None),
        ("<confidence>0.8", None),
        ("0.8", None),
    ],
)
def test_stated_confidence(text: str, value: float | None) -> None:
    assert stated_confidence(text) == (value if value is None else pytest.approx(value))


def test_rlcr_rewards() -> None:
    """RLCR eq. 2: correct - (q - correct)^2; a missing confidence costs what the worst one would."""
    texts = [f"<confidence>{q}</confidence>" for q in (0.8, 0.8, 1.0, 0.0)] + [
        "",
        "",
        "<confidence>1</confidence>",
    ]
    made = group(texts, [True, False, False, True, True, False, None])
    expected = [1 - 0.04, -0.64, -1.0, 0.0, 0.0, -1.0, None]
    assert Rlcr().rewards(made, made.rewards, 0) == [
        None if e is None else pytest.approx(e) for e in expected
    ]
    half = Rlcr(weight=0.5, missing=0.2).rewards(made, made.rewards, 0)
    assert half[0] == pytest.approx(1 - 0.02)
    assert half[4] == pytest.approx(1 - 0.1)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_brier_term_rewards_the_true_chance(chance: float, stated: float) -> None:
    def expected(q: float) -> float:
        return chance * brier(q, True) + (1 - chance) * brier(q, False)

    assert expected(chance) <= expected(stated) + 1e-12
    assert 0 <= brier(stated, True) <= 1


def test_rlcr_asks_in_the_prompt_and_leaves_instructions_alone() -> None:
    task = Task("math", "What is 1 + 1?", {"answer": "2"})
    shown = Rlcr().prompt(task)
    assert shown.text.startswith("What is 1 + 1?\n\n")
    assert "<confidence>" in shown.text
    assert (shown.id, shown.truth) == (task.id, task.truth)
    plain = Task("instruction", "Write no digit.", {"instruction_id_list": [], "kwargs": []})
    assert Rlcr().prompt(plain) is plain
    made = group(["x"], [True], domain="instruction")
    assert Rlcr().rewards(made, made.rewards, 0) == [1.0]


def test_text_is_added_to_the_last_message() -> None:
    chat = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "What?"})
    task = Task("math", chat, {"answer": "2"})
    added = with_added_text(task, "Say.")
    assert added.messages == [chat[0], {"role": "user", "content": "What?\n\nSay."}]
    assert added.id == task.id
    assert task.messages[1]["content"] == "What?"


def laser(**options: int) -> Laser:
    config = {"rollout": {"max_response_tokens": 100, "group": 6}, "extensions": {"laser": options}}
    (made,) = load_extensions(validated(config, "test"))
    assert isinstance(made, Laser)
    return made


def test_laser_with_a_fixed_target() -> None:
    made = group(["a" * 10, "a" * 20, "a" * 21, "a" * 5, "a" * 5], [True, True, True, False, None])
    assert laser(target=20, shortest=10).rewards(made, made.rewards, 0) == [1.5, 1.5, 1.0, 0.0, None]


def test_the_target_within_which_one_correct_response_is_expected() -> None:
    """Written from the published code's rule: floor(coverage * least number of correct responses) >= 1."""
    lengths = [10] * 1 + [30] * 3 + [90] * 6
    for correct in (1, 2, 3, 5, 10):
        fitting = [
            target
            for target in range(10, 100, 20)
            if math.floor(sum(n <= target for n in lengths) / len(lengths) * correct + 1e-9) >= 1
        ]
        expected = min(fitting, default=100)
        assert shortest_target(lengths, correct, range(10, 100, 20), 100) == expected
    assert shortest_target(lengths, 1, range(10, 100, 20), 100) == 90
    assert shortest_target(lengths, 10, range(10, 100, 20), 100) == 10
    assert shortest_target([], 5, range(10, 100, 20), 100) == 100


def test_laser_adapts_from_step_to_step_and_easy_prompts_first() -> None:
    made, easy = laser(shortest=10, interval=10), group(["a" * 15] * 3 + ["a" * 50] * 3, [True] * 5 + [False])
    assert made.rewards(easy, easy.rewards, 0) == [1.5] * 5 + [0.0]
    assert made.rewards(easy, easy.rewards, 0)[4] == 1.5, "targets move between steps only"
    assert made.rewards(easy, easy.rewards, 1) == [1.5] * 3 + [1.0] * 2 + [0.0]
    assert made.targets == {"easy": 20, "medium": 100, "hard": 100}
    hard = group(["a" * 15] * 3 + ["a" * 50] * 3, [True] + [False] * 5)
    made.rewards(hard, hard.rewards, 2)
    made.rewards(hard, hard.rewards, 3)
    assert made.targets == {"easy": 20, "medium": 100, "hard": 50}


def test_laser_goes_on_where_it_stood() -> None:
    one, two = laser(shortest=10, interval=10), laser(shortest=10, interval=10)
    easy = group(["a" * 15] * 6, [True] * 5 + [False])
    one.rewards(easy, easy.rewards, 0)
    before = one.state_dict()
    other = group(["a" * 35] * 6, [True] * 5 + [False])
    one.rewards(other, other.rewards, 1)
    for made in (one, two):
        made.load_state_dict(before)
    for current in range(1, 4):
        assert one.rewards(other, other.rewards, current) == two.rewards(other, other.rewards, current)
    assert one.state_dict() == two.state_dict()


def first_letter(task: Task) -> str | None:
    return f"It begins with {task.truth['answer'][0]}."


def test_guide_retries_what_nobody_solved() -> None:
    guide = Guide()
    wrong = guide.retry(group(["a", "b", "c"], [False, None, False]))
    assert wrong is not None
    assert wrong.text == "What?\n\nHint: It is odd."
    assert guide.retry(group(["a", "b"], [True, True])) is None
    assert guide.retry(group(["a", "b"], [None, None])) is None
    told = Guide(hint=f"{__name__}:first_letter", text="({hint})").retry(group(["a"], [False]))
    assert told is not None
    assert told.text == "What?\n\n(It begins with 7.)"


def test_a_problem_without_a_hint_is_not_retried_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    bare = group(["a"], [False])
    object.__setattr__(bare, "task", Task("math", "What?", {"answer": "7"}))
    guide = Guide()
    assert guide.retry(bare) is None
    assert guide.retry(bare) is None
    assert [record.message.startswith("no hint") for record in caplog.records] == [True]
