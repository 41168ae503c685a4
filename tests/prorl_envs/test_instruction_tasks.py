"""Malformed instruction tasks are errors that name the field; every row layout gives the same truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.errors import RowError, TaskError
from prorl_envs.instructions import CATALOGUE, instruction_truth
from prorl_envs.instructions.__main__ import row as documented
from prorl_envs.instructions.catalogue import Catalogue

WORDS = "length_constraints:number_words"
LIMIT = {"num_words": 10, "relation": "less than"}
IDS = ["punctuation:no_comma", WORDS]
TRUTH = {"instruction_id_list": IDS, "kwargs": [{}, LIMIT]}


def test_the_families_are_complete_and_documented() -> None:
    sizes = {
        family: sum(one.family == family for one in CATALOGUE.values())
        for family in ("ifeval", "if-rlvr", "ifbench")
    }
    assert sizes == {"ifeval": 25, "if-rlvr": 29, "ifbench": 58}
    for one in CATALOGUE.values():
        assert one.rule.rstrip(")").endswith((".", '"')), one.id


def test_the_documentation_states_every_rule() -> None:
    lines = (Path(__file__).resolve().parents[2] / "docs" / "instructions.md").read_text().splitlines()
    missing = [one.id for one in CATALOGUE.values() if documented(one) not in lines]
    assert not missing, "run python -m prorl_envs.instructions and put its output at the end of the page"


@pytest.mark.parametrize(
    ("ids", "kwargs", "field"),
    [
        (None, [{}], "instruction_id_list"),
        ([], [], "instruction_id_list"),
        ("punctuation:no_comma", [{}], "instruction_id_list"),
        (["punctuation:no_coma"], [{}], "instruction_id_list[0]"),
        ([7], [{}], "instruction_id_list[0]"),
        (IDS, None, "kwargs"),
        (IDS, [{}], "kwargs"),
        (IDS, [{}, LIMIT, {}], "kwargs"),
        (IDS, [{}, "x"], "kwargs[1]"),
        (IDS, [{"num_words": 3}, LIMIT], "kwargs[0].num_words"),
        (IDS, [{}, {"num_words": 10}], "kwargs[1].relation"),
        (IDS, [{}, {**LIMIT, "relation": "at most"}], "kwargs[1].relation"),
        (IDS, [{}, {**LIMIT, "num_words": "10"}], "kwargs[1].num_words"),
        (IDS, [{}, {**LIMIT, "num_words": 2.5}], "kwargs[1].num_words"),
        (IDS, [{}, {**LIMIT, "num_words": -1}], "kwargs[1].num_words"),
        (IDS, [{}, {**LIMIT, "num_words": True}], "kwargs[1].num_words"),
        (["keywords:existence"], [{"keywords": []}], "kwargs[0].keywords"),
        (["keywords:existence"], [{"keywords": ["a", " "]}], "kwargs[0].keywords"),
        (["keywords:letter_frequency"], [{"letter": "ab", "let_frequency": 1, "let_relation": "at least"}],
         "kwargs[0].letter"),
        (["language:response_language"], [{"language": "tlh"}], "kwargs[0].language"),
        (["ratio:stop_words"], [{"percentage": 120}], "kwargs[0].percentage"),
        (["copy:repeat_phrase"], [{"phrase": "two words", "small_n": 2}], "kwargs[0].phrase"),
    ],
)  # fmt: skip
def test_errors_name_the_field(ids: Any, kwargs: Any, field: str) -> None:
    with pytest.raises(RowError) as caught:
        CATALOGUE.bind({"instruction_id_list": ids, "kwargs": kwargs})
    assert caught.value.field == f"truth.{field}"


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(TaskError, match="Did you mean 'punctuation:no_comma'"):
        CATALOGUE.bind({"instruction_id_list": ["punctuation:no_coma"], "kwargs": [{}]})


def test_an_id_cannot_be_registered_twice() -> None:
    with pytest.raises(TaskError, match="twice"):
        Catalogue("both", CATALOGUE, CATALOGUE)


@pytest.mark.parametrize(
    "kwargs",
    [
        [{}, LIMIT],
        [None, LIMIT],
        [{"num_words": None, "keywords": None}, {**LIMIT, "num_words": 10.0, "letter": None}],
    ],
    ids=["empty", "null", "null-padded"],
)
def test_what_column_stores_do_to_arguments(kwargs: list[Any]) -> None:
    assert instruction_truth({"instruction_id_list": IDS, "kwargs": kwargs}) == TRUTH


@pytest.mark.parametrize(
    "row",
    [
        {"key": 1, "prompt": "p", **TRUTH},
        {"input": [], "args": {"instruction_id_list": IDS, "instruction_kwargs": [None, LIMIT]}},
        {
            "id": 1,
            "prompt": "p",
            "instruction_id_list": IDS,
            "kwargs": [None, LIMIT],
            "grading_mode": "fraction",
        },
        {"responses_create_params": {}, "verifier_metadata": TRUTH},
        {"instruction_id_list": json.dumps(IDS), "kwargs": json.dumps([{}, LIMIT])},
        {"messages": [], "ground_truth": [{"instruction_id": IDS, "kwargs": [None, LIMIT]}]},
        {"messages": [], "ground_truth": json.dumps([{"instruction_id": IDS, "kwargs": [None, LIMIT]}])},
        {"messages": [], "ground_truth": repr([{"instruction_id": IDS, "kwargs": [None, LIMIT]}])},
        {"instruction_id_list": None, "ground_truth": [{"instruction_id": IDS, "kwargs": [{}, LIMIT]}]},
        {"ground_truth": [json.dumps({"instruction_id": IDS, "kwargs": [{}, LIMIT]})]},
        {
            "ground_truth": [
                {"instruction_id": IDS[0], "kwargs": None},
                {"instruction_id": WORDS, "kwargs": LIMIT},
            ]
        },
        {"problem": "p", "truth": TRUTH},
    ],
)
def test_every_layout_gives_the_same_truth(row: dict[str, Any]) -> None:
    assert instruction_truth(row) == TRUTH


def test_the_grading_mode_is_kept_where_it_is_binary() -> None:
    binary = {**TRUTH, "grading_mode": "binary"}
    assert instruction_truth({"verifier_metadata": binary}) == binary
    assert instruction_truth({"verifier_metadata": TRUTH, "grading_mode": "binary"}) == binary


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*IDS, "[", "[1", "{'a': ()}", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kwargs", "instruction_id", "num_words", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
layout_rows = st.dictionaries(
    st.sampled_from(
        ["instruction_id_list", "kwargs", "args", "verifier_metadata", "ground_truth", "grading_mode"]
    ),
    json_values | st.just(TRUTH) | st.just(IDS),
)


@given(row=layout_rows)
@settings(max_examples=300, deadline=None)
def test_any_row_is_read_or_refused_by_name(row: dict[str, Any]) -> None:
    try:
        truth = instruction_truth(row)
    except RowError as error:
        assert error.field
    else:
        assert CATALOGUE.bind(truth)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"prompt": "p"}, "instruction_id_list"),
        ({"args": {"instruction_id_list": IDS}}, "args.kwargs"),
        (
            {"args": {"instruction_id_list": IDS, "instruction_kwargs": [{}, {}]}},
            "args.instruction_kwargs[1].num_words",
        ),
        ({"verifier_metadata": {**TRUTH, "grading_mode": "half"}}, "verifier_metadata.grading_mode"),
        ({"ground_truth": "42"}, "ground_truth"),
        ({"ground_truth": "[__import__('os')]"}, "ground_truth"),
        ({"ground_truth": [{"instruction_id": IDS, "kwargs": [{}]}]}, "ground_truth.kwargs"),
        (
            {"ground_truth": [{"instruction_id": ["no:such"], "kwargs": [{}]}]},
            "ground_truth.instruction_id[0]",
        ),
    ],
)
def test_a_malformed_row_names_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError) as caught:
        instruction_truth(row)
    assert caught.value.field == field


def test_the_names_of_the_llama_nemotron_release_are_read() -> None:
    kwargs = [
        {"keywords": ["tea"], "frequency": 2, "relation": "at least"},
        {"frequency": 3, "relation": "less than", "keywords": None},
        {"keywords": ["a", "b"]},
    ]
    ids = ["keywords:frequency", "change_case:capital_word_frequency", "keywords:existence"]
    truth = instruction_truth({"args": {"instruction_id_list": ids, "instruction_kwargs": kwargs}})
    assert truth["kwargs"] == [
        {"keyword": "tea", "frequency": 2, "relation": "at least"},
        {"capital_frequency": 3, "capital_relation": "less than"},
        {"keywords": ["a", "b"]},
    ]
    two = {
        "args": {
            "instruction_id_list": ids[:1],
            "instruction_kwargs": [{**kwargs[0], "keywords": ["a", "b"]}],
        }
    }
    with pytest.raises(RowError, match="keyword"):
        instruction_truth(two)
