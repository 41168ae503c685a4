"""The catalogue: every instruction that can be checked, under its published id.

Each instruction is a small pure function of the text and its own keyword arguments, registered with
`Catalogue.instruction`; its docstring states the rule. `Catalogue.bind` reads a task's instruction list once,
with all its errors, so that judging a text cannot fail afterwards:

    >>> from prorl_envs.instructions import CATALOGUE
    >>> bound = CATALOGUE.bind({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
    >>> bound[0].follows("No comma here.")
    True
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prorl_envs.errors import RowError, TaskError, UnknownNameError
from prorl_envs.instructions.params import Param

__all__ = ["Bound", "Catalogue", "Check", "Instruction"]

Check = Callable[..., bool]
"""``check(text, **kwargs) -> bool``: pure, total on texts, and linear in their length."""


@dataclass(frozen=True)
class Instruction:
    """One kind of instruction.

    Attributes:
        id: its published id, ``"group:name"``.
        family: who published it: "ifeval", "if-rlvr" or "ifbench".
        check: the rule as a function of the text and the arguments.
        params: its keyword arguments by name.
    """

    id: str
    family: str
    check: Check
    params: Mapping[str, Param]

    @property
    def rule(self) -> str:
        """The rule in words."""
        return inspect.getdoc(self.check) or ""

    def read(self, kwargs: Any, where: str) -> dict[str, Any]:
        """The arguments, checked. Nulls, which column stores write for absent fields, are dropped.

        Raises:
            RowError: naming the field under `where` that is missing, unknown or malformed.
        """
        if kwargs is not None and not isinstance(kwargs, Mapping):
            raise RowError(f"must be a mapping or null, not {type(kwargs).__name__}", field=where)
        given = {name: value for name, value in (kwargs or {}).items() if value is not None}
        for name in given.keys() - self.params.keys():
            known = ", ".join(self.params) or "none"
            raise RowError(f"{self.id!r} takes no such argument (it takes: {known})", field=f"{where}.{name}")
        return {
            name: _value(given.get(name), param, self.id, f"{where}.{name}")
            for name, param in self.params.items()
            if name in given or param.required
        }


@dataclass(frozen=True)
class Bound:
    """An instruction with its arguments."""

    instruction: Instruction
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def follows(self, text: str) -> bool:
        """Whether `text` follows the instruction. A blank text follows none."""
        return bool(text.strip()) and bool(self.instruction.check(text, **self.kwargs))


class Catalogue(Mapping[str, Instruction]):
    """Instructions by id.

    Args:
        family: the family of what this catalogue registers.
        parts: catalogues to take over; an id that two of them hold is a mistake.
    """

    def __init__(self, family: str, *parts: Catalogue) -> None:
        self.family = family
        self._known: dict[str, Instruction] = {}
        for part in parts:
            for instruction in part.values():
                self._add(instruction)

    def instruction(self, id: str, /, **params: Param) -> Callable[[Check], Check]:
        """Registers the decorated function as the check of the instruction `id`."""

        def register(check: Check) -> Check:
            self._add(Instruction(id, self.family, check, params))
            return check

        return register

    def bind(
        self,
        truth: Mapping[str, Any],
        *,
        fields: tuple[str, str] = ("truth.instruction_id_list", "truth.kwargs"),
    ) -> list[Bound]:
        """Reads ``{"instruction_id_list": [...], "kwargs": [...]}``; `fields` are their names in errors.

        Raises:
            RowError: naming the field that is missing or malformed; an unknown id suggests the nearest.
        """
        ids, kwargs = truth.get("instruction_id_list"), truth.get("kwargs")
        if not isinstance(ids, list) or not ids:
            raise RowError("must be a list of instruction ids, not empty", field=fields[0])
        if not isinstance(kwargs, list):
            raise RowError("must be a list with one entry per instruction", field=fields[1])
        if len(kwargs) != len(ids):
            raise RowError(f"has {len(kwargs)} entries for {len(ids)} instructions", field=fields[1])
        known = [self._find(id, f"{fields[0]}[{index}]") for index, id in enumerate(ids)]
        return [
            Bound(instruction, instruction.read(given, f"{fields[1]}[{index}]"))
            for index, (instruction, given) in enumerate(zip(known, kwargs, strict=True))
        ]

    def _find(self, id: Any, where: str) -> Instruction:
        if not isinstance(id, str):
            raise RowError(f"must be an instruction id, not {type(id).__name__}", field=where)
        if id not in self._known:
            raise RowError(str(UnknownNameError("instruction", id, self._known)), field=where)
        return self._known[id]

    def _add(self, instruction: Instruction) -> None:
        if instruction.id in self._known:
            raise TaskError(f"the instruction {instruction.id!r} is registered twice")
        self._known[instruction.id] = instruction

    def __getitem__(self, id: str) -> Instruction:
        return self._known[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _value(value: Any, param: Param, id: str, where: str) -> Any:
    if value is None:
        raise RowError(f"is missing; {id!r} needs {param.kind}", field=where)
    read = param.read(value)
    if read is None:
        raise RowError(f"must be {param.kind}, not {_short(value)}", field=where)
    return read


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
