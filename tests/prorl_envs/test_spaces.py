"""The text space takes any text and says what it is."""

from __future__ import annotations

import pickle

import gymnasium
import pytest
from gymnasium.vector.utils import batch_space
from hypothesis import given
from hypothesis import strategies as st

from prorl_envs.spaces import Unicode


@given(st.text())
def test_any_text_belongs(text: str) -> None:
    assert text in Unicode()


def test_what_does_not_belong() -> None:
    space = Unicode(max_length=3)
    assert "" in space
    assert "数数数" in space
    for other in ("long", b"x", None, 7, ["x"]):
        assert other not in space


def test_samples_belong_and_are_reproducible() -> None:
    space = Unicode(max_length=10, seed=1)
    samples = [space.sample() for _ in range(100)]
    assert all(sample in space for sample in samples)
    assert samples == [again.sample() for again in [Unicode(10, seed=1)] for _ in range(100)]
    with pytest.raises(ValueError, match="no mask"):
        space.sample(mask=1)


def test_equality_pickling_and_batching() -> None:
    space = Unicode(7)
    assert pickle.loads(pickle.dumps(space)) == space
    assert space != Unicode(8)
    assert space != gymnasium.spaces.Text(7)
    assert space.from_jsonable(space.to_jsonable(["a", "b"])) == ["a", "b"]
    assert ("a", "b") in batch_space(space, 2)
    with pytest.raises(ValueError, match="negative"):
        Unicode(-1)
