"""Gymnasium environments, verifiers and recipes for reinforcement learning on verifiable problems (ProRL)."""

from __future__ import annotations

from prorl_envs.core import DOMAINS, Status, Task, Verdict, Verifier

__all__ = ["DOMAINS", "Status", "Task", "Verdict", "Verifier"]
__version__ = "0.1.0"
