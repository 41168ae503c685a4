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
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prorl_envs.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from adapters.prorl.config import RunConfig
    from adapters.prorl.objective import TokenView
    from adapters.prorl.sampling.groups import Group
    from prorl_envs.core import Task

__all__ = ["BUILTIN", "Extension", "load_extensions", "with_added_text"]

BUILTIN: dict[str, str] = {
    name: f"adapters.prorl.extensions.{name}:{name.capitalize()}"
    for name in ("cispo", "dph", "gspo", "guide", "laser", "rlcr")
}
"""Short names of those that come with this package, as ``module:Class``."""


class Extension:
    """Changes a run in one or more places. Every method may be left as it is."""

    def check(self, config: RunConfig) -> None:
        """Raises `ConfigError` if the run's settings do not go with it. Called before anything is loaded."""

    def trl_settings(self) -> dict[str, Any]:
        """Arguments of TRL's GRPOConfig in place of the run's."""
        return {}

    def prompt(self, task: Task) -> Task:
        """The problem as the policy is shown it, in training and in validation. Its id and truth must stay."""
        return task

    def retry(self, group: Group) -> Task | None:
        """For a dead group: its problem with another prompt (a hint, say), to be sampled a second time; or None.

        The update is still made for the first prompt: ratios are of the policy without the hint to the policy, as
        it was, with it.
        """
        del group
        return None

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

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs of it, JSON-safe; later steps must not change what was returned."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state_dict` gave, whatever came since."""
        del state


def with_added_text(task: Task, text: str) -> Task:
    """`task` with `text` after a blank line at the end of its prompt, or of its last message; its id stays."""
    if isinstance(task.prompt, str):
        return replace(task, prompt=f"{task.prompt}\n\n{text}")
    *before, last = task.messages
    return replace(task, prompt=(*before, {**last, "content": f"{last['content']}\n\n{text}"}))


def load_extensions(config: RunConfig) -> list[Extension]:
    """The extensions that `config` names, made with their options and checked against the other settings.

    The run's shaping is one of them, the first.

    Raises:
        ConfigError: one does not exist, refuses its options, or contradicts another setting.
    """
    made = {name: _make(name, options) for name, options in config.extensions.items()}
    changed: dict[str, str] = {}
    for name, extension in made.items():
        extension.check(config)
        for setting in extension.trl_settings():
            if setting in changed:
                raise ConfigError(
                    f"extensions: {changed[setting]} and {name} both decide TRL's {setting}: leave one of them out"
                )
            changed[setting] = name
    if not config.shaping.active:
        return list(made.values())
    from adapters.prorl.shaping import Shaping  # it is itself an Extension

    return [Shaping(config.shaping, config.rollout.max_response_tokens), *made.values()]


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
