r"""What the policy is asked besides the problem: the answer formats that the verifiers look for.

A template holds ``{{problem}}`` (and other fields of a recipe's layout) in double braces, so that LaTeX's
single ones stay as they are. A recipe names one of these, or brings its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from prorl_envs.errors import UnknownNameError

__all__ = ["PLACEHOLDER", "PROMPTS", "prompt_template"]

PLACEHOLDER = re.compile(r"\{\{([A-Za-z_][\w.]*)\}\}")

PROMPTS: Mapping[str, str] = MappingProxyType(
    {
        "as-is": "{{problem}}",
        # The suffix that DeepScaleR's published rows carry, letter for letter: equal text gives equal task ids.
        "math-boxed": "{{problem}} Let's think step by step and output the final answer within \\boxed{}.",
        # The suffix that the code rows of Eurus-2-RL-Data carry.
        "code-python": (
            "{{problem}}\n\nWrite Python code to solve the problem. "
            "Present the code in \n```python\nYour code\n```\nat the end."
        ),
        "stem-boxed": (
            "{{problem}}\n\nReason step by step, then put the final answer within \\boxed{}: the letter of the right "
            "choice if choices are given, otherwise the value with its unit, the expression or the formula."
        ),
        "logic-answer": (
            "{{problem}}\n\nWork it out step by step. Then write the final answer between <answer> and </answer>: "
            "the answer alone, without explanation, in the form that the question (or its example) asks for."
        ),
    }
)


def prompt_template(prompt: str) -> str:
    """The template that a recipe's `prompt` means: itself when it holds a placeholder, else the one so named.

    Raises:
        UnknownNameError: neither a template nor the name of one.
    """
    if PLACEHOLDER.search(prompt):
        return prompt
    if prompt not in PROMPTS:
        raise UnknownNameError("prompt", prompt, PROMPTS)
    return PROMPTS[prompt]
