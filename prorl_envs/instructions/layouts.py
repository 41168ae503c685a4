"""The row layouts that instruction-following data comes in, read into one truth.

==================  ==============================================================================
IFEval, IFBench     ``instruction_id_list`` and ``kwargs`` at the top
Llama-Nemotron      the same under ``args``, the arguments named ``instruction_kwargs``
Nemotron-RL         at the top, entries of ``kwargs`` null or empty; ``grading_mode`` may stand beside
NeMo Gym, newer     the same under ``verifier_metadata``
IF-RLVR             ``ground_truth``: a list (or its text) of ``{"instruction_id": [...], "kwargs": [...]}``
==================  ==============================================================================

Equal instructions give an equal truth, whichever layout they came in: nulls are dropped, integers that a column
store turned into floats are integers again.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from prorl_envs.errors import RowError
from prorl_envs.instructions.catalogue import Catalogue

__all__ = ["GRADING_MODES", "read_truth"]

GRADING_MODES: tuple[str, ...] = ("fraction", "binary")

_LONGEST_TEXT = 1_000_000

_LLAMA_NEMOTRON_NAMES: Mapping[str, Mapping[str, str]] = {
    "keywords:frequency": {"keywords": "keyword"},
    "change_case:capital_word_frequency": {
        "frequency": "capital_frequency",
        "relation": "capital_relation",
    },
}
"""Arguments that the Llama-Nemotron release calls by other names than IFEval."""


def read_truth(catalogue: Catalogue, row: Mapping[str, Any]) -> dict[str, Any]:
    """``{"instruction_id_list", "kwargs"}`` of a row, and ``"grading_mode": "binary"`` where the row says so.

    Raises:
        RowError: the row is in no known layout, or an instruction is unknown or its arguments are wrong;
            names the field.
    """
    if not isinstance(row, Mapping):
        raise RowError(f"must be a mapping, not {type(row).__name__}")
    holder, prefix = _holder(row)
    if holder.get("instruction_id_list") is not None:
        arguments = "instruction_kwargs" if "instruction_kwargs" in holder else "kwargs"
        ids, kwargs = _plain(holder["instruction_id_list"]), _plain(holder.get(arguments))
        fields = (f"{prefix}instruction_id_list", f"{prefix}{arguments}")
        if prefix == "args.":
            kwargs = _ifeval_names(ids, kwargs)
    elif holder.get("ground_truth") is not None:
        ids, kwargs = _ground_truth(holder["ground_truth"])
        fields = ("ground_truth.instruction_id", "ground_truth.kwargs")
    else:
        raise RowError(
            "no instructions: expected instruction_id_list (at the top, or under args or verifier_metadata) "
            "or ground_truth",
            field="instruction_id_list",
        )
    bound = catalogue.bind({"instruction_id_list": ids, "kwargs": kwargs}, fields=fields)
    truth: dict[str, Any] = {
        "instruction_id_list": [one.instruction.id for one in bound],
        "kwargs": [dict(one.kwargs) for one in bound],
    }
    return {**truth, "grading_mode": "binary"} if _is_binary(holder, prefix) or _is_binary(row, "") else truth


def _holder(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The mapping that holds the instruction list, and its dotted path."""
    for name in ("args", "verifier_metadata", "truth"):
        inner = row.get(name)
        if isinstance(inner, Mapping) and inner.get("instruction_id_list") is not None:
            return inner, f"{name}."
    return row, ""


def _ifeval_names(ids: Any, kwargs: Any) -> Any:
    """`kwargs` with IFEval's names; a keyword in a list of its own comes out of it."""
    if not isinstance(ids, list) or not isinstance(kwargs, list) or len(ids) != len(kwargs):
        return kwargs
    renamed: list[Any] = []
    for id, given in zip(ids, kwargs, strict=True):
        names = _LLAMA_NEMOTRON_NAMES.get(id, {}) if isinstance(id, str) else {}
        own = _plain(given)
        if names and isinstance(own, Mapping):
            own = {names.get(key, key): value for key, value in own.items() if value is not None}
            word = own.get("keyword")
            own |= {"keyword": word[0]} if isinstance(word, list) and len(word) == 1 else {}
        renamed.append(own)
    return renamed


def _is_binary(holder: Mapping[str, Any], prefix: str) -> bool:
    mode = holder.get("grading_mode")
    if mode is not None and mode not in GRADING_MODES:
        raise RowError(f"must be 'fraction' or 'binary', not {mode!r}", field=f"{prefix}grading_mode")
    return mode == "binary"


def _ground_truth(value: Any) -> tuple[list[Any], list[Any]]:
    """The ids and arguments of all entries, in order; an entry may hold lists or a single instruction."""
    ids: list[Any] = []
    kwargs: list[Any] = []
    value = _plain(value)
    for entry in value if isinstance(value, list) else [value]:
        read = _plain(entry)
        if not isinstance(read, Mapping) or "instruction_id" not in read:
            raise RowError("an entry must be a mapping with instruction_id and kwargs", field="ground_truth")
        own_ids, own_kwargs = _plain(read["instruction_id"]), _plain(read.get("kwargs"))
        if not isinstance(own_ids, list):
            own_ids, own_kwargs = [own_ids], [own_kwargs]
        if not isinstance(own_kwargs, list) or len(own_kwargs) != len(own_ids):
            raise RowError("must have one entry per instruction", field="ground_truth.kwargs")
        ids += own_ids
        kwargs += own_kwargs
    return ids, kwargs


def _plain(value: Any) -> Any:
    """A list or mapping that a data set stores as JSON or as a Python literal; sequences become lists."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") and len(value) <= _LONGEST_TEXT:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return _literal(value)
    tolist = getattr(value, "tolist", None)
    if tolist is not None:
        return tolist()
    return list(value) if isinstance(value, tuple) else value


def _literal(text: str) -> Any:
    """The value of a Python literal (no names, no calls), or the text itself if it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
