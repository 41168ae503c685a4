r"""math-verify, called the one way this library calls it: quietly, without its signal-based timeouts.

math-verify guards itself with ``SIGALRM``, which works in a main thread only, and whose exception is no
`Exception`. Here its own timeouts are off: the Scorer's killable workers bound the time instead, so nothing in
this module may run on untrusted text outside such a worker.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["as_boxed", "boxed_equal", "prepare"]

_MAX_LENGTH = 20_000


@functools.cache
def _library() -> Any:
    import math_verify
    from math_verify import errors, grader, parser

    # Both modules warn once, loudly, when a caller takes over the time limit. We do, on purpose.
    parser.TIMEOUT_WARNING_SHOWN = True
    grader.TIMEOUT_WARNING_SHOWN = True
    return math_verify, errors.TimeoutException


def prepare() -> None:
    """Imports math-verify (about a second) and builds its grammar tables."""
    boxed_equal("1", "2", relations=True, plain=True)
    boxed_equal(r"\frac{1}{2}", "x^2", relations=True, plain=True)


def as_boxed(answer: str) -> str:
    r"""`answer` inside ``\boxed{}``, unless it holds one already."""
    return answer if "\\boxed" in answer else f"\\boxed{{{answer}}}"


def boxed_equal(gold: str, answer: str, *, relations: bool, plain: bool, rounding: int = 6) -> bool:
    r"""math-verify's verdict on two answers, each put into a box.

    Args:
        gold: the accepted answer, LaTeX or plain.
        answer: the model's answer, as it stood in its box.
        relations: compare inequalities with the intervals they describe (``allow_set_relation_comp``).
        rounding: decimal places at which its decimals are compared; 6 is its default.
        plain: also try math-verify's plain-number pattern, as its default call does.

    Returns:
        False as well when either side cannot be read or the library fails on it.
    """
    if len(gold) > _MAX_LENGTH or len(answer) > _MAX_LENGTH:
        return False
    library, timeout = _library()
    config: list[Any] = [library.LatexExtractionConfig()]
    if plain:
        config.append(library.ExprExtractionConfig())
    try:
        parsed = [library.parse(as_boxed(text), config, parsing_timeout=None) for text in (gold, answer)]
        return bool(
            library.verify(
                *parsed,
                float_rounding=rounding,
                timeout_seconds=None,
                allow_set_relation_comp=relations,
                strict=True,
            )
        )
    except (
        timeout,
        ArithmeticError,
        AttributeError,
        LookupError,
        NotImplementedError,
        TypeError,
        ValueError,
    ):
        return False
