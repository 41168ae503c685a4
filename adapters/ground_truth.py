"""What a ``data_source`` and a ``ground_truth`` mean: verl's row layout, read as tasks.

The domain is decided in this order:

1. ``extra_info["domain"]``, when it is there;
2. a caller's own map from data source to domain;
3. ``prorl/<domain>/...``: rows that this library wrote; the ground truth is the truth as JSON;
4. the name of a recipe (``deepscaler``, ``scp-116k``), or one of the data sources that public datasets in this
   layout use (`DATA_SOURCES`).

The ground truth may then be the truth itself, as an object or as JSON, or what the dataset publishes: an
answer's text, a list of accepted answers, PRIME's test object, or an IFEval-style row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from prorl_envs.core import DOMAINS, Task
from prorl_envs.errors import RowError, TaskError, UnknownNameError
from prorl_envs.recipes import load_recipe, recipe_names
from prorl_envs.transforms import TRANSFORMS

__all__ = ["DATA_SOURCES", "OWN_PREFIX", "domain_of", "task_of_ground_truth", "truth_of"]

OWN_PREFIX = "prorl/"

DATA_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "agentica-org/DeepScaleR-Preview-Dataset": "math",
        "numina_*": "math",
        "math_dapo*": "math",
        "aime*": "math",
        "amc*": "math",
        "math": "math",
        "MATH-lighteval": "math",
        "*/MATH-lighteval": "math",
        "*/MATH-500": "math",
        "openai/gsm8k": "math",
        "apps": "code",
        "taco": "code",
        "codecontests": "code",
        "codeforces": "code",
        "eurus": "code",
        "EricLu/SCP-116K": "stem",
        "reasoning_gym*": "logic",
        "reasoning-gym*": "logic",
        "ifeval*": "instruction",
        "nvidia/Llama-Nemotron-Post-Training-Dataset": "instruction",
    }
)
"""Data sources of public datasets in verl's layout (patterns), and their domains."""


def task_of_ground_truth(
    data_source: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    prompt: Any = None,
    domains: Mapping[str, str] | None = None,
) -> Task:
    """The task of one row of verl's layout.

    Args:
        data_source: the row's column.
        ground_truth: the row's ``reward_model.ground_truth``.
        extra_info: the row's column; ``domain`` and ``id`` in it are used.
        prompt: the row's column; verifiers do not need it.
        domains: domains of your own data sources.

    Raises:
        UnknownNameError: nothing says which domain it is; suggests the nearest data source.
        TaskError: the ground truth cannot be read as that domain's.
    """
    info = extra_info or {}
    domain = info.get("domain") or domain_of(data_source, domains)
    return Task(
        str(domain),
        _plain(prompt) if prompt is not None else "",
        truth_of(str(domain), ground_truth),
        source=data_source,
        id=str(info.get("id") or ""),
    )


def domain_of(data_source: str, domains: Mapping[str, str] | None = None) -> str:
    """The domain of a data source, by rules 2 to 4 of the module's docstring.

    Raises:
        UnknownNameError: none applies.
    """
    own = dict(domains or {})
    if data_source in own:
        return own[data_source]
    if data_source.startswith(OWN_PREFIX):
        return data_source.removeprefix(OWN_PREFIX).partition("/")[0]
    known = _recipe_domains()
    if data_source in known:
        return known[data_source]
    for pattern, domain in DATA_SOURCES.items():
        if fnmatchcase(data_source, pattern):
            return domain
    raise UnknownNameError("data source", data_source, {*own, *known, *DATA_SOURCES})


def truth_of(domain: str, ground_truth: Any) -> dict[str, Any]:
    """The truth of a domain's task, from the truth itself or from what datasets publish in its place.

    Raises:
        RowError: it cannot be read; the field is ``ground_truth``.
    """
    value = _plain(ground_truth)
    try:
        if domain in ("math", "stem"):
            return _answers(value)
        value = TRANSFORMS["json"](value)
        if domain == "code" and isinstance(value, Mapping) and "test" not in value:
            return dict(TRANSFORMS["code_tests"](value))
        if domain == "instruction":
            return dict(TRANSFORMS["instruction"](value))
    except (ValueError, TypeError) as error:
        problem = error.problem if isinstance(error, RowError) else str(error)
        raise RowError(problem, field="ground_truth") from None
    if not isinstance(value, Mapping):
        expected = "an object" if domain in DOMAINS else "the truth as an object, or as JSON"
        raise RowError(f"{domain}: expected {expected}, found {type(value).__name__}", field="ground_truth")
    return dict(value)


def _answers(value: Any) -> dict[str, Any]:
    """``{"answer"}`` or ``{"answers"}``; a text counts as JSON only if it is an object with one of these."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            decoded = None
        if isinstance(decoded, Mapping) and {"answer", "answers"} & decoded.keys():
            value = decoded
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list):
        return {"answers": TRANSFORMS["texts"](value)}
    text = TRANSFORMS["text"](value)
    if not text:
        raise TaskError("is empty")
    return {"answer": text}


def _plain(value: Any) -> Any:
    """`value` without numpy, which dataframes and column stores put around lists and numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


@lru_cache(maxsize=1)
def _recipe_domains() -> dict[str, str]:
    return {name: load_recipe(name).domain for name in recipe_names()}
