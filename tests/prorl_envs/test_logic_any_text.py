"""No text makes a strict rule raise or leave [0, 1]: right answers, bent a little, and plain noise."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prorl_envs.verifiers.logic_puzzle import LogicVerifier
from tests.prorl_envs.puzzle_items import ALL, few, gold

NOISE = st.text(alphabet=st.characters(codec=None), max_size=40)
SYMBOLS = st.text(alphabet="0123456789abcXYZPQ+-*/=<>[](){}'\",.:;|_ \n→∧∨¬×°TF\x00", max_size=25)
STRICT = LogicVerifier()


@st.composite
def bent(draw: st.DrawFn, right: str) -> str:
    """`right` with a piece cut out and something put in its place, twice at most."""
    text = right
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        gap = draw(st.integers(0, 12))
        text = text[:at] + draw(st.one_of(SYMBOLS, NOISE, st.just(text[at : at + 20]))) + text[at + gap :]
    return text


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_bent_answer_gets_a_verdict(name: str, data: st.DataObject) -> None:
    task = few(name)[0]
    answer = data.draw(st.one_of(bent(gold(task)), SYMBOLS, NOISE))
    verdict = STRICT.verify(f"<answer>{answer}</answer>", task)
    assert verdict.reward is not None
    assert 0.0 <= verdict.reward <= 1.0
    assert verdict == STRICT.verify(f"<answer>\n\t{answer} </answer>", task)
