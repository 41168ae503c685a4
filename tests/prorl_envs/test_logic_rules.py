"""The holes of upstream's scorers that strict scoring closes, and what it still accepts, one task at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from prorl_envs.core import Task
from prorl_envs.verifiers.logic_puzzle import LogicVerifier
from tests.prorl_envs.puzzle_items import gold, items

STRICT, UPSTREAM = LogicVerifier(), LogicVerifier(scoring="upstream")


def strict(task: Task, answer: str) -> float | None:
    return STRICT.verify(f"<answer>{answer}</answer>", task).reward


def upstream(task: Task, answer: str) -> float | None:
    return UPSTREAM.verify(f"<answer>{answer}</answer>", task).reward


def made(name: str, answer: str = "", **metadata: object) -> Task:
    """A task written by hand."""
    return Task(
        "logic", "?", {"task": name, "entry": {"question": "?", "answer": answer, "metadata": metadata}}
    )


def test_halting_is_no_longer_free() -> None:
    """Upstream compares two truthy texts: every answer that is not empty earns 1.0."""
    for task in items("game_of_life_halting", 8):
        right = task.truth["entry"]["answer"]
        wrong = {"True": "False", "False": "True"}[right]
        assert (strict(task, right), strict(task, right.lower()), strict(task, wrong), strict(task, "A")) == (
            1,
            1,
            0,
            0,
        )
        assert (upstream(task, wrong), upstream(task, "A")) == (1, 1)


def test_complex_nan_is_nothing() -> None:
    task = made("complex_arithmetic", "3.0 - 2.0i", result=[3, -2])
    assert upstream(task, "nan") == 1.0
    for right in ("3 - 2i", "3.0-2.0j", "(3 - 2i)", "3.00 - 2.00i"):
        assert strict(task, right) == 1.0
    for wrong in ("nan", "3", "-2i", "3 + 2i", "3 - 2i or 1", "3 - 3i", "inf", "3 -- 2i", "3 2i"):
        assert strict(task, wrong) == 0.0
    assert strict(made("complex_arithmetic", "1.0i", result=[0, 1]), "i") == 1.0
    assert strict(made("complex_arithmetic", "-7.0", result=[-7, 0]), "-7") == 1.0


def test_24_uses_the_given_numbers_once_each_exactly() -> None:
    task = made("puzzle24", "", numbers=[10, 3, 4, 7])
    assert upstream(task, "6+6+6+6") == 1.0
    assert strict(task, "10 + 3 + 4 + 7") == strict(task, "(10+3+4)+7") == 1.0
    for wrong in (
        "6+6+6+6",
        "24",
        "10+3+4+7+0",
        "10+3+4",
        "10*3-4-7+5",
        "10+3+4+7 = 24",
        "0x0a+3+4+7",
        "10+3+4+7.0",
    ):
        assert strict(task, wrong) == 0.0
    assert (
        strict(made("puzzle24", "", numbers=[5, 5, 1, 2]), "5*5-1/2") == 0.0
    )  # 24.5, which upstream cuts to 24
    assert upstream(made("puzzle24", "", numbers=[5, 5, 1, 2]), "5*5-1/2") == 1.0


def test_countdown_is_exact() -> None:
    task = made("countdown", "", numbers=[50, 20, 3], target=333)
    assert strict(made("countdown", "", numbers=[50, 20, 3], target=1003), "50*20+3") == 1.0
    assert strict(made("countdown", "", numbers=[1, 72, 1, 77, 89], target=863), "-1 + 72*(89 - 77)/1") == 1.0
    for wrong in ("50*20/3", "50*20+3", "1000/3", "50*20*3", "50**20+3", "5020/3", "50 20 3", "50*20/0+3"):
        assert strict(task, wrong) == 0.0


@pytest.mark.parametrize("name", ["simple_integration", "intermediate_integration"])
def test_a_task_handed_back_is_no_antiderivative(name: str) -> None:
    for task in items(name, 3):
        metadata = task.truth["entry"]["metadata"]
        right, f, x = gold(task), metadata["integrand"], metadata["variable"]
        assert (
            strict(task, right.replace("C", "K"))
            == strict(task, f"({right})")
            == strict(task, right + " + 7")
            == 1.0
        )
        for wrong in (
            f"integrate({f}, {x})",
            f"Integral({f}, {x})",
            f,
            f"{right} + {x}",
            f"C*({right})",
            f"{x}*C",
            "C",
        ):
            assert strict(task, wrong) == 0.0
            assert upstream(task, f"integrate({f}, {x})") == 0.0  # fenced: upstream itself would pay 1.0


def test_a_polynomial_must_be_multiplied_out() -> None:
    task = made("polynomial_multiplication", "6*x**2 - x*y + 4", polynomial_expr="")
    for right in ("4 - x*y + 6*x**2", "6*x*x - y*x + 4", "3*x**2+3*x**2 - x*y + 4", "2*(3*x**2 + 2) - x*y"):
        assert strict(task, right) == 1.0
    for wrong in ("x*(6*x - y) + 4", "6*x**2 - x*y + 5", "6x**2 - xy + 4", "6*x^2 - x*y + 4", "(x+1)**2", ""):
        assert strict(task, wrong) == 0.0


def test_roots_are_all_and_only_the_roots() -> None:
    task = made("polynomial_equations", "-0.5314, 0.0, 0.5314")
    assert strict(task, "0.5314,-0.5314,0") == strict(task, "-0.53135, 0, 0.53135") == 1.0
    for wrong in (
        "0",
        "-0.5314, 0.5314",
        "-0.5314, 0, 0.5314, 1",
        "-0.53, 0, 0.53",
        "a, -0.5314, 0, 0.5314",
        "nan,nan,nan",
    ):
        assert strict(task, wrong) == 0.0
    rootless = made("polynomial_equations", "")
    assert strict(rootless, "") == 1.0
    assert (strict(rootless, "no roots"), upstream(rootless, "no roots")) == (0.0, 1.0)


def test_conclusions_are_more_than_premises() -> None:
    data = {
        "premises": ["(P → Q)", "(Q → R)", "P"],
        "variables": ["P", "Q", "R"],
        "example_answer": "(P ∧ R)",
    }
    task = made("propositional_logic", **data)
    for right in ("(P ∧ R)", "R", "Q", "(Q ∧ R)", "¬¬(Q ∧ R)", "P → R"):
        assert strict(task, right) == 1.0
    for wrong in (
        "(P → Q)",
        "((P → Q))",
        "P",
        "¬P ∨ Q",
        "(P → Q) ∧ (Q → R)",
        "(P → Q) ∨ R",
        "P ∨ ¬P",
        "¬P",
    ):
        assert strict(task, wrong) == 0.0
    for malformed in ("P →", "(P", "P Q", "S", "p", "P & Q", "therefore R", "∧", "¬", "()"):
        assert strict(task, malformed) == 0.0
    assert upstream(task, "(P → Q)") == 1.0


@pytest.mark.parametrize(
    ("name", "blind"),
    [
        (
            "game_of_life",
            lambda e: re.sub("[1-9]", "0", e["answer"]),
        ),
        ("coin_flip", lambda e: "0"),
        ("rectangle_count", lambda e: str(int(e["answer"]) + 1)),
        (
            "time_intervals",
            lambda e: "0 days, 00:00" if "," in e["answer"] else "00:01" if ":" in e["answer"] else "1 days",
        ),
        ("knights_knaves", lambda e: e["question"]),
        ("prime_factorization", lambda e: str(e["metadata"]["number"]) + " × 1"),
        ("fraction_simplification", lambda e: f"{e['metadata']['numerator']}/{e['metadata']['denominator']}"),
        (
            "sudoku",
            lambda e: "\n".join(" ".join(str(c or 1) for c in row) for row in e["metadata"]["puzzle"]),
        ),
        (
            "mini_sudoku",
            lambda e: "\n".join(" ".join(str(c or 1) for c in row) for row in e["metadata"]["puzzle"]),
        ),
        ("rubiks_cube", lambda e: "U U'"),
        ("letter_jumble", lambda e: " ".join(e["metadata"]["scrambled_words"])),
        ("word_sorting", lambda e: ", ".join(e["metadata"]["original_words"])),
        ("calendar_arithmetic", lambda e: "13" if e["answer"].lstrip("-").isdigit() else "Monday"),
        ("spell_backward", lambda e: e["metadata"]["word"]),
        ("number_sorting", lambda e: json.dumps(["nan"] * len(e["metadata"]["original_numbers"]))),
    ],
)
def test_blind_answers_earn_nothing(name: str, blind: Callable[[dict[str, object]], str]) -> None:
    """Constant guesses and echoes: upstream pays for each of these on some item."""
    tasks = [task for task in items(name, 12) if blind(task.truth["entry"]) != gold(task)]
    assert sum(upstream(task, blind(task.truth["entry"])) or 0.0 for task in tasks) > 0
    assert [strict(task, blind(task.truth["entry"])) for task in tasks] == [0.0] * len(tasks)


def test_numbers_of_calendars_are_exact_where_upstream_overflows() -> None:
    task = made("calendar_arithmetic", "-1", task="recurring_event_day")
    assert upstream(task, "3") == 1.0  # exp(-5 * 4 / -1), clamped
    assert (strict(task, "3"), strict(task, "-1")) == (0.0, 1.0)


def test_a_word_outside_the_list_breaks_the_ladder() -> None:
    task = made("word_ladder", start_word="COLD", end_word="WARM")
    assert strict(task, "COLD,CORD,CARD,WARD,WARM") == strict(task, "cold, cord, card, ward, warm") == 1.0
    for wrong in (
        "COLD,WOLD,WALD,WARD,WARM",
        "COLD,WARM",
        "COLD",
        "COLD,CORD,CARD,WARM",
        "CORD,CARD,WARD,WARM",
    ):
        assert strict(task, wrong) == 0.0


def test_longer_solutions_keep_their_share() -> None:
    hanoi = made("tower_of_hanoi", "", num_disks=1, num_pegs=3, start_peg=1, target_peg=3, solution_length=1)
    assert strict(hanoi, "Move disk 1 from Peg 1 to Peg 3") == 1.0
    assert strict(hanoi, "Move disk 1 from Peg 1 to Peg 2\nMove disk 1 from Peg 2 to Peg 3") == 0.5
    assert strict(hanoi, "Move disk 1 from Peg 1 to Peg 2") == 0.0
    assert (
        strict(hanoi, "Move disk 1 from Peg 1 to Peg 9")
        == strict(hanoi, "Move disk 2 from Peg 1 to Peg 3")
        == 0.0
    )
    grid = made("shortest_path", "right right", matrix=[["*", "O", "#"], ["O", "O", "O"]])
    assert (strict(grid, "right right"), strict(grid, "down right right up")) == (1.0, 0.5)
    assert strict(grid, "right") == strict(grid, "up right right down") == strict(grid, "infeasible") == 0.0


def test_other_forms_of_a_right_matrix_keep_their_share() -> None:
    matrix = made("binary_matrix", "0 1\n1 2")
    assert (
        strict(matrix, "0 1\n1 2  "),
        strict(matrix, "[[0, 1], [1, 2]]"),
        strict(matrix, "[(0,1),(1,2)]"),
    ) == (1.0, 0.1, 0.1)
    assert (
        strict(matrix, "[[0, 1], [1, 3]]") == strict(matrix, "[[0, 1]]") == strict(matrix, "0 1 1 2") == 0.0
    )
    assert strict(made("spiral_matrix", "1 2 3"), "[1, 2, 3]") == 0.1
    assert strict(made("string_insertion", "ABC"), "['A', 'B', 'C']") == 0.1


def test_sokoban_lock_and_rush_hour_read_moves_and_nothing_else() -> None:
    for name in ("sokoban", "quantum_lock", "rush_hour"):
        for task in items(name, 2):
            right = gold(task)
            assert strict(task, right) == 1.0
            assert strict(task, f"The moves are {right}") == strict(task, f"{right} or something else") == 0.0


def test_boxnet_pays_for_possible_plans_only() -> None:
    state = {
        "0.5_0.5": ["box_red"],
        "0.5_1.5": ["target_red", "box_blue"],
        "1.5_1.5": ["target_blue"],
        "1.5_0.5": [],
    }
    task = made("boxnet", initial_state=state)
    go, red = (
        {"Agent[0.5, 0.5]": "move(box_red, square[0.5, 1.5])"},
        {"Agent[0.5, 1.5]": "move(box_red, target_red)"},
    )
    blue = [
        {"Agent[0.5, 1.5]": "move(box_blue, square[1.5, 1.5])"},
        {"Agent[1.5, 1.5]": "move(box_blue, target_blue)"},
    ]
    assert strict(task, json.dumps([go, red, *blue])) == 1.0
    assert strict(task, f"```json\n{json.dumps([go, red])}\n```") == 0.5
    jump = {"Agent[0.5, 0.5]": "move(box_red, square[1.5, 1.5])"}
    for wrong in (
        [red],
        [go, red, red],
        [jump],
        [go, {"Agent[9.5, 9.5]": "move(box_red, target_red)"}],
        [],
        [[]],
        {},
    ):
        assert strict(task, json.dumps(wrong)) == 0.0
    assert upstream(task, json.dumps([red, go, red])) == 0.5  # impossible actions do nothing there


def test_several_solutions_of_a_grid_are_all_right() -> None:
    queens = made("n_queens", "", puzzle=[["_"] * 4 for _ in range(4)])
    for right in ("_ Q _ _\n_ _ _ Q\nQ _ _ _\n_ _ Q _", "_ _ Q _\nQ _ _ _\n_ _ _ Q\n_ Q _ _"):
        assert strict(queens, right) == 1.0
    assert strict(queens, "Q _ _ _\n_ Q _ _\n_ _ Q _\n_ _ _ Q") == strict(queens, "_ _ _ _\n" * 4) == 0.0
    survo = made("survo", "", puzzle=[[0, 0, 3], [0, 0, 7], [4, 6, 10]], candidate_numbers=[1, 2, 3, 4])
    assert strict(survo, "1 2 3\n3 4 7\n4 6 10") == 1.0
    assert strict(survo, "2 1 3\n3 4 7\n4 6 10") == strict(survo, "1 2 3\n3 4 7") == 0.0


@pytest.mark.parametrize("answer", ["405", "€405", "$405.00", "405 euros", "The answer is 405.", "-405"])
def test_one_number_in_a_phrase_is_an_answer(answer: str) -> None:
    right = made("gsm_symbolic", "-405" if answer.startswith("-") else "405")
    assert strict(right, answer) == 1.0


@pytest.mark.parametrize(
    "answer", ["405 or 404", "404", "not 405", "405?", "maybe 405", "4.05", "1405", "40 5"]
)
def test_two_numbers_or_a_hedge_are_none(answer: str) -> None:
    assert strict(made("gsm_symbolic", "405"), answer) == 0.0
