from __future__ import annotations

from prorl_envs.answers import mathverify
from prorl_envs.answers.equality import equal
from prorl_envs.answers.latex import clean
from prorl_envs.answers.lexer import tokenize
from prorl_envs.answers.outcome import Outcome, differ, same
from prorl_envs.answers.parser import readings
from prorl_envs.answers.syntax import Unreadable


def compare(gold: str, answer: str) -> Outcome:
    a, b = clean(gold), clean(answer)
    if a == b:
        return same("text")
    try:
        pairs = [(x, y) for x in readings(tokenize(a)) for y in readings(tokenize(b))]
        for x, y in pairs:
            if equal(x, y):
                return same("value")
        return differ("value")
    except Unreadable:
        pass
    return Outcome(mathverify.boxed_equal(gold, answer, relations=True, plain=False), "math-verify")
