"""Verifiers, one module per domain; none imports another.

`VerifierSpec` names a verifier by import path and options, so that it can travel to a worker process.
`choose_verifier` gives the one that is meant.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from prorl_envs.core import Verifier
from prorl_envs.errors import ConfigError, UnknownNameError

__all__ = ["BUILTIN", "VerifierChoice", "VerifierSpec", "choose_verifier"]

BUILTIN: Mapping[str, str] = MappingProxyType(
    {
        "math": "prorl_envs.verifiers.math_answer:MathVerifier",
        "code": "prorl_envs.verifiers.code_program:CodeVerifier",
        "stem": "prorl_envs.verifiers.stem_answer:StemVerifier",
        "logic": "prorl_envs.verifiers.logic_puzzle:LogicVerifier",
        "instruction": "prorl_envs.verifiers.instruction:InstructionVerifier",
    }
)


@dataclass(frozen=True)
class VerifierSpec:
    """A verifier by name: ``module:Class`` and the keyword options of its constructor (JSON-safe)."""

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON-safe data, the constructor's keywords."""
        return {"path": self.path, "options": dict(self.options)}

    def build(self) -> Verifier:
        """Imports and makes the verifier.

        Raises:
            ConfigError: the path names nothing, or the class refuses the options.
        """
        module, _, name = self.path.partition(":")
        try:
            made = getattr(importlib.import_module(module), name)(**self.options)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise ConfigError(f"verifier {self.path!r} with options {dict(self.options)}: {error}") from error
        if not isinstance(made, Verifier):
            raise ConfigError(f"{self.path!r} is no Verifier: see prorl_envs.core.Verifier")
        return made


VerifierChoice: TypeAlias = "VerifierSpec | str | Mapping[str, Any] | None"
"""How a caller names a verifier: a spec, ``module:Class``, or the options of the library's own."""


def choose_verifier(domain: str, choice: VerifierChoice = None) -> VerifierSpec:
    """The verifier of `domain` that `choice` means; None is the library's own with default options.

    Raises:
        UnknownNameError: the library has no such domain and `choice` names no verifier; suggests the nearest.
    """
    if isinstance(choice, VerifierSpec):
        return choice
    if isinstance(choice, str):
        return VerifierSpec(choice)
    if domain not in BUILTIN:
        raise UnknownNameError("domain", domain, BUILTIN)
    return VerifierSpec(BUILTIN[domain], dict(choice or {}))
