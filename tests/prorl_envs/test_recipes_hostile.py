"""Whatever stands in a row, a recipe makes a task of it, leaves it out, or says what is wrong: nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prorl_envs.core import Task
from prorl_envs.errors import RowError
from prorl_envs.mapping import DroppedRow, Layout
from prorl_envs.recipes import Recipe, load_recipe, recipe_names
from prorl_envs.rows import Row

FILES = tuple(name for name in recipe_names() if load_recipe(name).layouts)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        ["{", "[]", '{"inputs": ["1"], "outputs": ["1"]}', "\\boxed{1", "1", "\ud800", "\x00", "code"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["role", "content", "inputs", "outputs", "kwargs"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def paths_of(layout: Layout) -> set[str]:
    fields = [*layout.fields.values(), *layout.truth.values(), *layout.meta.values()]
    return {*layout.match, *layout.keep, *(field.path for field in fields if field.path not in (None, "."))}


def put(row: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        inner = row.setdefault(parent, {})
        if not isinstance(inner, dict):
            return
        row = inner
    row[last] = value


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_row_is_a_task_or_an_error_that_names_it(name: str, data: st.DataObject) -> None:
    recipe: Recipe = load_recipe(name)
    layout = data.draw(st.sampled_from(recipe.layouts))
    row: dict[str, Any] = {}
    for path in sorted(paths_of(layout)):
        if path in layout.match or data.draw(st.booleans()):
            put(row, path, data.draw(VALUES, label=path))
    try:
        task = recipe.task_of(Row("rows.jsonl", 7, row))
    except DroppedRow:
        return
    except RowError as error:
        assert (error.file, error.row) == ("rows.jsonl", 7)
        return
    assert Task.from_dict(task.to_row()) == task


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("depth", [1, 5_000])
def test_deep_nesting_is_an_error_not_a_crash(name: str, depth: int) -> None:
    nested: Any = "x"
    for _ in range(depth):
        nested = [nested]
    recipe = load_recipe(name)
    for layout in recipe.layouts:
        row: dict[str, Any] = {}
        for path in sorted(paths_of(layout)):
            put(row, path, nested)
        try:
            recipe.task_of(Row("rows.jsonl", 1, row))
        except (RowError, DroppedRow):
            continue
