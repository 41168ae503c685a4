"""How an idea from another paper joins a run: subclass `Extension`, override what it changes, name it in the run.

    extensions:
      dph: {weight: 0.1}                      # one that comes with this package (adapters/prorl/extensions)
      my_package.ideas:Curiosity: {scale: 2}  # or anybody's, as module:Class

Its options are the arguments of its constructor; a pydantic model is not needed, unknown ones are refused.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prorl_envs.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from adapters.prorl.config import RunConfig
    from adapters.prorl.objective import TokenView
    from adapters.prorl.rollouts import Group

__all__ = ["BUILTIN", "Extension", "load_extensions"]

BUILTIN: dict[str, str] = {}
"""Short names of those that come with this package, as ``module:Class``."""


class Extension:
    """Changes a run in one or more places. Every method may be left as it is."""

    def check(self, config: RunConfig) -> None:
        """Raises `ConfigError` if the run's settings do not go with it. Called before anything is loaded."""

    def trl_settings(self) -> dict[str, Any]:
        """Arguments of TRL's GRPOConfig in place of the run's."""
        return {}

    def rewards(self, group: Group, rewards: list[float | None], step: int) -> list[float | None]:
        """The rewards that reach the update, from those that the verdicts gave and shaping left. None stays None.

        Args:
            group: a prompt with its G responses. It was chosen by its verdicts already.
            rewards: G rewards so far.
            step: steps made before this one.
        """
        del group, step
        return rewards

    def loss_term(self, view: TokenView) -> torch.Tensor | None:
        """A (B, T) tensor with gradient that is added to the per-token loss, or None."""
        del view
        return None


def load_extensions(config: RunConfig) -> list[Extension]:
    """The extensions that `config` names, made with their options and checked against the other settings.

    Raises:
        ConfigError: one does not exist, refuses its options, or contradicts another setting.
    """
    made = [_make(name, options) for name, options in config.extensions.items()]
    for extension in made:
        extension.check(config)
    return made


def _make(name: str, options: Mapping[str, Any]) -> Extension:
    module, colon, attribute = BUILTIN.get(name, name).partition(":")
    if not colon:
        known = ", ".join(sorted(BUILTIN))
        raise ConfigError(
            f"extensions: there is none named {name!r}. There are: {known}; or give module:Class"
        )
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"extensions.{name}: {error}") from None
    if not (inspect.isclass(found) and issubclass(found, Extension)):
        raise ConfigError(f"extensions.{name}: {attribute!r} is not an Extension")
    try:
        inspect.signature(found).bind(**options)
        return found(**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"extensions.{name}: {error}") from None
