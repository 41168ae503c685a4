"""Gymnasium environments, verifiers and recipes for reinforcement learning on verifiable problems (ProRL).

Importing this package registers the environment ids with Gymnasium:

    import gymnasium, prorl_envs
    env = gymnasium.make("prorl/Math-v0")
"""

from __future__ import annotations

from prorl_envs.core import DOMAINS, Status, Task, Verdict, Verifier
from prorl_envs.registry import EnvironmentSpec, environments, register_environment

__all__ = [
    "DOMAINS",
    "EnvironmentSpec",
    "Status",
    "Task",
    "Verdict",
    "Verifier",
    "environments",
    "register_environment",
]
__version__ = "0.1.0"
