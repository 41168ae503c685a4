"""An ``--env`` option, whose values may hold commas of their own."""

from __future__ import annotations

from typing import Any

import yaml

from adapters.prorl.checked import checked
from adapters.prorl.config import EnvironmentItem
from prorl_envs.errors import ConfigError

__all__ = ["parse_environment"]


def parse_environment(text: str) -> EnvironmentItem:
    """``ID:key=value,...`` as a component. Values are YAML; commas inside brackets and quotes do not separate.

    Raises:
        ConfigError: a part is not ``key=value``, or a value is not YAML.
    """
    id_, _, rest = text.partition(":")
    options: dict[str, Any] = {}
    for part in _at_commas(rest):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--env {text!r}: {part!r} is not key=value")
        try:
            options[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--env {text!r}: the value of {key.strip()!r} is not YAML: {error}") from None
    weight = options.pop("weight", None)
    item = {"id": id_.strip(), "weight": weight, "options": options}
    return EnvironmentItem.model_validate(checked(EnvironmentItem, item, f"--env {text!r}"))


def _at_commas(text: str) -> list[str]:
    """`text` at its commas, but for those inside brackets, braces and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
        elif char == "," and depth <= 0:
            parts.append(text[start:index])
            start = index + 1
    return [part for part in [*parts, text[start:]] if part.strip()]
