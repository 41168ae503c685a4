# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""Test code in the many layouts of HumanEval, MBPP and their descendants: an honest program passes all of each,
one that only pretends passes none of it."""

from __future__ import annotations

import pytest

from sandbox import Asserts, Program, Sandbox

# fmt: off
# Name: program, test code, whether it takes one process for both.
LAYOUTS: dict[str, tuple[str, str, bool]] = {
    "basic": ("def solve(x): return x*2", "def check(candidate):\n    assert candidate(1)==2\n    assert candidate(2)==4\n", False),
    "tol": ("def solve(x): return x/3", "def check(candidate):\n    assert abs(candidate(1)-0.3333333)<1e-6\n", False),
    "tol_math": ("def solve(x): return x/3", "import math\ndef check(candidate):\n    assert math.isclose(candidate(1),0.33333333,rel_tol=1e-6)\n    assert math.fabs(candidate(1.0)-1/3)<1e-6\n", False),
    "loops": ("def solve(x): return x*2", "def check(candidate):\n    for i in range(10):\n        assert candidate(i)==2*i, f'{i}'\n", False),
    "helper_asserts": ("def help(x): return x+1\ndef solve(x): return help(x)*2", "assert solve(1)==4\nassert help(1)==2\n", False),
    "expect_exc": ("def solve(x):\n    if x<0: raise ValueError('neg')\n    return x", "def check(candidate):\n    try:\n        candidate(-1)\n        assert False\n    except ValueError:\n        assert True\n    assert candidate(1)==1\n", False),
    "msg": ("def solve(x): return x", "def check(candidate):\n    assert candidate(1)==1, 'message'\n    assert True, 'x'\n", False),
    "tuples": ("def solve(x): return (x,[x])", "def check(candidate):\n    assert candidate(1)==(1,[1])\n", False),
    "sets": ("def solve(x): return set(x)", "def check(candidate):\n    assert candidate([1,2])=={1,2}\n", False),
    "strcmp": ("def solve(x): return str(x)", "METADATA={'a':1}\n\ndef check(candidate):\n    assert candidate(1)=='1'\n", False),
    "random_tests": ("def solve(x): return sorted(x)", "import random\ndef check(candidate):\n    for _ in range(20):\n        l=[random.randint(-9,9) for _ in range(5)]\n        assert candidate(list(l))==sorted(l)\n", False),
    "ref_solution": ("def solve(x): return sum(x)", "def ref(x):\n    t=0\n    for y in x: t+=y\n    return t\ndef check(candidate):\n    for n in range(5):\n        assert candidate(list(range(n)))==ref(list(range(n)))\n", False),
    "in_assert": ("def solve(x): return x", "def check(candidate):\n    assert candidate(1) in (1,2)\n    assert candidate(3) not in [4]\n    assert not candidate(0)\n    assert candidate(2) > 1\n    assert candidate(2) is not None\n", False),
    "none_is": ("def solve(x): return None", "def check(candidate):\n    assert candidate(1) is None\n    assert candidate(1) == None\n", False),
    "len_assert": ("def solve(x): return [x]*x", "def check(candidate):\n    assert len(candidate(3))==3\n    assert candidate(2)[0]==2\n    assert all(y==3 for y in candidate(3))\n", False),
    "call_check": ("def solve(x): return x", "def check(candidate):\n    assert candidate(1)==1\ncheck(solve)\n", False),
    "encoded": ("def solve(s): return s[::-1]", "def check(candidate):\n    s='abc'\n    t=candidate(s)\n    assert t=='cba'\n    assert candidate(candidate(s))==s\n", False),
    "class_in_tests": ("def solve(x): return x+1", "class T:\n    v=3\ndef check(candidate):\n    assert candidate(T.v)==4\n", False),
    "deep_eq": ("def solve(x): return {'a':[x,{'b':x}]}", "def check(candidate):\n    assert candidate(1)=={'a':[1,{'b':1}]}\n", False),
    "float_eq": ("def solve(x): return x*0.5", "def check(candidate):\n    assert candidate(3)==1.5\n    assert round(candidate(0.333),3)==0.167 or True\n", False),
    "global_state": ("seen=[]\ndef solve(x):\n    seen.append(x)\n    return len(seen)", "def check(candidate):\n    assert candidate(1)>=1\n", False),
    "numpy_tests": ("import numpy as np\ndef solve(x): return float(np.sum(x))", "def check(candidate):\n    assert candidate([1,2])==3.0\n", False),
    "mbpp": ("def solve(a,b): return a+b", "assert solve(1,2)==3\nassert solve(2,2) == 4\nassert solve('a','b') == 'ab'\n", False),
    "mbpp_setup": ("def solve(a): return sorted(a)", "import math\nassert solve([3,1])==[1,3]\n", False),
    "import_in_tests": ("def solve(x): return x", "from typing import List\nimport itertools\ndef check(candidate):\n    for a,b in itertools.product([1,2],[3,4]):\n        assert candidate(a+b)==a+b\n", False),
    "defaultdict_res": ("from collections import defaultdict\ndef solve(x):\n    d=defaultdict(list)\n    d[x].append(1)\n    return d", "def check(candidate):\n    assert candidate(1)=={1:[1]}\n", False),
    "generator_res": ("def solve(x): return (i for i in range(x))", "def check(candidate):\n    assert list(candidate(3))==[0,1,2]\n", False),
    "obj_res": ("class P:\n    def __init__(s,x): s.x=x\ndef solve(x): return P(x)", "def check(candidate):\n    assert candidate(3).x==3\n", True),
    "callable_arg": ("def solve(f,x): return f(x)", "def check(candidate):\n    assert candidate(lambda y:y+1,2)==3\n", True),
}
# fmt: on


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_honest_program_passes(name: str, any_sandbox: Sandbox) -> None:
    source, tests, weak = LAYOUTS[name]
    result = any_sandbox.run(Program(source, Asserts(tests, "solve", allow_weak=weak)))
    assert result.fraction == 1.0, result
    assert result.integrity == ("weak" if weak else "strong")


@pytest.mark.parametrize("name", sorted(LAYOUTS.keys() - {"in_assert", "expect_exc", "msg", "float_eq"}))
def test_a_program_that_does_nothing_passes_nothing(name: str, any_sandbox: Sandbox) -> None:
    _, tests, _ = LAYOUTS[name]
    result = any_sandbox.run(
        Program("def solve(*_):\n    raise KeyError\ndef help(x): raise KeyError", Asserts(tests, "solve"))
    )
    assert result.fraction == 0.0, result
