"""Verifiers, one module per domain; none imports another.

`VerifierSpec` names a verifier by import path and options, so that it can travel to a worker process.
`builtin_spec` gives the one of each domain.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from prorl_envs.core import Verifier
from prorl_envs.errors import ConfigError, UnknownNameError

__all__ = ["BUILTIN", "VerifierSpec", "builtin_spec"]

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


def builtin_spec(domain: str, options: Mapping[str, Any] | None = None) -> VerifierSpec:
    """The library's own verifier of a domain.

    Raises:
        UnknownNameError: no such domain; suggests the nearest.
    """
    if domain not in BUILTIN:
        raise UnknownNameError("domain", domain, BUILTIN)
    return VerifierSpec(BUILTIN[domain], dict(options or {}))
