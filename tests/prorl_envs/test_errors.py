"""Errors say what, where and what to do, and survive a process boundary."""

from __future__ import annotations

import pickle

import pytest

from prorl_envs import errors
from prorl_envs.errors import MissingExtraError, ProrlError, RowError, UnknownNameError

SAMPLES = [
    RowError("it is missing", file="a.jsonl", row=3, field="truth.answer"),
    UnknownNameError("domain", "maths", ["math", "code"]),
    MissingExtraError("The Docker backend", "docker"),
    errors.TaskError("x"),
]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = errors.__doc__ or ""
    for name in errors.__all__:
        assert name in drawn
        assert issubclass(getattr(errors, name), ProrlError)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error: ProrlError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_messages_name_file_row_and_field() -> None:
    assert str(SAMPLES[0]) == "a.jsonl, row 3, field 'truth.answer': it is missing"


def test_an_unknown_name_suggests_the_nearest_or_lists_all() -> None:
    assert str(SAMPLES[1]) == "There is no domain 'maths'. Did you mean 'math'?"
    assert "Known: code, math" in str(UnknownNameError("domain", "zzz", ["math", "code"]))
