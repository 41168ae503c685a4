"""Settings that somebody wrote, checked, and what is wrong with them in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from prorl_envs.errors import ConfigError

__all__ = ["checked", "explained"]


def checked(model: type[BaseModel], data: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """`data` with every setting of `model`.

    Raises:
        ConfigError: names `origin`, the first setting that is wrong, and the one that was probably meant.
    """
    try:
        return model.model_validate(data).model_dump()
    except ValidationError as error:
        raise ConfigError(f"{origin}: {explained(error, model)}") from None


def explained(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem in words. A misspelt setting comes first: it explains what else is missing."""
    first = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
    known = sorted(_settings(model))
    wanted = place.rpartition(".")[2]
    near = difflib.get_close_matches(wanted, [name.rpartition(".")[2] for name in known], n=1)
    meant = next((name for name in known if near and name.rpartition(".")[2] == near[0]), None)
    return f"there is no setting {place!r}." + (f" Did you mean {meant!r}?" if meant else "")


def _settings(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The dotted names of all settings of a model."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if get_origin(inner) in (Union, UnionType, tuple):
            inner = next((part for part in get_args(inner) if isinstance(part, type)), None)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += _settings(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
