"""The environment ids, our own and those of plug-ins.

`register_environment` makes an id known to Gymnasium. A third party ships environments by naming an
`EnvironmentSpec` (or several) in the entry-point group ``prorl_envs.environments``::

    [project.entry-points."prorl_envs.environments"]
    sql = "acme_sql.rl:SPEC"

    # acme_sql/rl.py
    SPEC = EnvironmentSpec("acme/Sql-v0", domain="sql", kind="continuous", verifier="acme_sql.rl:SqlVerifier",
                           description="queries judged by their rows", options={"tasks": load_questions()})

A plug-in that cannot be imported is logged and listed by `prorl doctor`; it breaks nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import gymnasium

from prorl_envs.core import Kind
from prorl_envs.errors import ConfigError, UnknownNameError

__all__ = [
    "ENVIRONMENT_GROUP",
    "EnvironmentSpec",
    "broken_plugins",
    "environment",
    "environments",
    "load_plugins",
    "register_environment",
]

ENVIRONMENT_GROUP = "prorl_envs.environments"

_log = logging.getLogger(__name__)
_environments: dict[str, EnvironmentSpec] = {}
_broken: dict[str, str] = {}


@dataclass(frozen=True)
class EnvironmentSpec:
    """What an environment id stands for.

    Attributes:
        id: ``namespace/Name-vN``. Bump N when rewards can change.
        domain: of its tasks.
        kind: "binary" or "continuous" reward.
        description: one line for `prorl envs`.
        training_source: the dataset the paper trains on, for `prorl envs`.
        verifier: ``module:Class`` of a domain of one's own; None for the library's.
        options: default keyword arguments of `prorl_envs.env.VerifiableEnv` (``recipe``, ``tasks``, ...).
    """

    id: str
    domain: str
    kind: Kind
    description: str
    training_source: str = ""
    verifier: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def make_kwargs(self) -> dict[str, Any]:
        """Keyword arguments of `VerifiableEnv` for this id."""
        own = {"verifier": self.verifier} if self.verifier else {}
        return {"domain": self.domain, **own, **self.options}


_BUILTIN = (
    EnvironmentSpec(
        "prorl/Math-v0", "math", "binary", "competition mathematics, answer in \\boxed{}", "DeepScaleR, 40k"
    ),
    EnvironmentSpec(
        "prorl/Code-v0", "code", "continuous", "programs judged by tests in the sandbox", "Eurus-2-RL, 24k"
    ),
    EnvironmentSpec(
        "prorl/Stem-v0", "stem", "binary", "science: choices, quantities, formulae", "SCP-116K filtered, 25k"
    ),
    EnvironmentSpec(
        "prorl/Logic-v0",
        "logic",
        "continuous",
        "puzzles of Reasoning Gym, answer in <answer> tags",
        "Reasoning Gym, 96 tasks, 37k",
        options=MappingProxyType({"generator": "puzzle"}),
    ),
    EnvironmentSpec(
        "prorl/Instructions-v0",
        "instruction",
        "continuous",
        "responses under verifiable instructions (IFEval format)",
        "Llama-Nemotron, 10k",
    ),
)


def register_environment(spec: EnvironmentSpec) -> None:
    """Makes `spec.id` known to `gymnasium.make` and `make_vec`, and to the command line.

    Raises:
        ConfigError: the id is taken by a different environment.
    """
    taken = _environments.get(spec.id)
    if taken is not None and taken != spec:
        raise ConfigError(f"the environment id {spec.id!r} is already taken: bump its version")
    _environments[spec.id] = spec
    if spec.id not in gymnasium.registry:
        gymnasium.register(
            id=spec.id,
            entry_point="prorl_envs.env:VerifiableEnv",
            vector_entry_point="prorl_envs.vector:VerifiableVectorEnv",
            kwargs=spec.make_kwargs,
        )


def environments() -> tuple[EnvironmentSpec, ...]:
    """Every registered environment, our own first."""
    return tuple(_environments.values())


def environment(id: str) -> EnvironmentSpec:
    """The environment of that id.

    Raises:
        UnknownNameError: no such id; suggests the nearest.
    """
    if id not in _environments:
        raise UnknownNameError("environment", id, _environments)
    return _environments[id]


def broken_plugins() -> Mapping[str, str]:
    """The plug-ins that could not be loaded, with the reasons."""
    return MappingProxyType(_broken)


def load_plugins() -> None:
    """Registers what installed packages offer in the entry-point group `ENVIRONMENT_GROUP`."""
    for point in entry_points(group=ENVIRONMENT_GROUP):
        try:
            loaded = point.load()
            for spec in (loaded,) if isinstance(loaded, EnvironmentSpec) else tuple(loaded):
                register_environment(spec)
        except Exception as error:  # noqa: BLE001 - somebody else's import must not break ours
            _broken[point.name] = f"{type(error).__name__}: {error}"
            _log.warning("environment plug-in %r was not loaded: %s", point.name, _broken[point.name])


for _spec in _BUILTIN:
    register_environment(_spec)
load_plugins()
