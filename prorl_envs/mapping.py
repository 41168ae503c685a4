"""How a row of somebody's dataset becomes a prompt and a truth: paths, transforms and filters, as plain data.

A recipe says *where* things stand (`Field`) for each published form of its rows (`Layout`); nothing in a
recipe is code. What a path alone cannot say is one of the few named `TRANSFORMS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, model_validator
from pydantic import Field as ModelField

from prorl_envs.errors import RowError, UnknownNameError
from prorl_envs.prompts import PLACEHOLDER, prompt_template
from prorl_envs.transforms import TRANSFORMS, TransformName

__all__ = ["MISSING", "DroppedRow", "Field", "Layout", "Prompt", "look_up", "pick_layout"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""What a path that leads nowhere gives; distinct from null."""


class DroppedRow(Exception):  # noqa: N818 - control flow between two functions, never seen by users
    """The layout leaves this row out on purpose: by a filter, or (`gold` is False) for want of a gold."""

    def __init__(self, why: str, *, gold: bool = True) -> None:
        super().__init__(why)
        self.gold = gold


def _known_prompt(prompt: str) -> str:
    try:
        prompt_template(prompt)
    except UnknownNameError as error:
        raise ValueError(str(error)) from None
    return prompt


Prompt: TypeAlias = Annotated[str, AfterValidator(_known_prompt)]
"""A template, or the name of one in `prorl_envs.prompts.PROMPTS`."""


class Field(BaseModel):
    """One value taken from a row. A plain string means its `path`.

    Attributes:
        path: dotted path into the row; numbers index lists; ``.`` is the whole row.
        const: a fixed value instead.
        template: a text whose ``{{paths}}`` are filled from the row; beside a `path`, ``{{value}}`` is what stands
            there after the transforms.
        transforms: names from `TRANSFORMS`, applied in order.
        repairs: texts that the dataset is known to have wrong, and what they should be.
        missing: what to do when nothing, null or a blank text stands there: "error" makes it a `RowError`,
            "omit" leaves the field out, "drop" leaves the row out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = None
    const: JsonValue = None
    template: str | None = None
    transforms: tuple[TransformName, ...] = ()
    repairs: dict[str, JsonValue] = {}
    missing: Literal["error", "omit", "drop"] = "error"

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Field:
        given = {"path", "const", "template"} & self.model_fields_set
        if len(given) != 1 and given != {"path", "template"}:
            raise ValueError("a field needs exactly one of path, const and template, or path and template")
        return self

    def read(self, row: Mapping[str, Any], name: str) -> Any:
        """The value, or `MISSING` when it may be omitted.

        Raises:
            RowError: missing or malformed; names the path, not the file.
            DroppedRow: missing, and such rows are to be left out.
        """
        value = self._source(row)
        for transform in self.transforms:
            if _is_blank(value):
                break
            try:
                value = TRANSFORMS[transform](value)
            except RowError as error:
                raise RowError(error.problem, field=error.field or self.path or name) from None
            except (ValueError, TypeError) as error:
                raise RowError(f"{transform}: {error}", field=self.path or name) from None
        if self.path and self.template and not _is_blank(value):
            value = self._filled(self.template, row, value)
        if not _is_blank(value):
            return self.repairs.get(value, value) if isinstance(value, str) else value
        if self.missing == "omit":
            return MISSING
        if self.missing == "drop":
            raise DroppedRow(f"no {name}", gold=False)
        raise RowError("is missing or empty", field=self.path or name)

    def _source(self, row: Mapping[str, Any]) -> Any:
        if "const" in self.model_fields_set:
            return self.const
        if self.path is None:
            return self._filled(self.template or "", row)
        return look_up(row, self.path)

    @staticmethod
    def _filled(template: str, row: Mapping[str, Any], value: Any = MISSING) -> Any:
        values = {name: look_up(row, name) for name in PLACEHOLDER.findall(template)}
        if value is not MISSING:
            values["value"] = value
        if any(_is_blank(part) for part in values.values()):
            return MISSING
        return PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), template)


class Layout(BaseModel):
    """One published form of a dataset's rows.

    Attributes:
        name: what to call it in messages.
        match: the paths a row must have to be read this way; the first layout that matches wins.
        keep: rows are kept only if the value at each path is among those listed.
        fields: what the prompt template may name; ``problem`` at least.
        prompt: a template or prompt name that replaces the recipe's.
        truth: the fields of `Task.truth`.
        whole_truth: or the one field that is the whole truth.
        meta: the fields of `Task.meta`.
        confirm: an answer by somebody else; the row is kept only if the verifier accepts it. See
            `prorl_envs.confirm`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    match: tuple[str, ...] = ModelField(min_length=1)
    keep: dict[str, tuple[JsonValue, ...]] = {}
    fields: dict[str, Field]
    prompt: Prompt | None = None
    truth: dict[str, Field] = {}
    whole_truth: Field | None = None
    meta: dict[str, Field] = {}
    confirm: Field | None = None

    @model_validator(mode="after")
    def _complete(self) -> Layout:
        if bool(self.truth) == (self.whole_truth is not None):
            raise ValueError("a layout needs exactly one of truth and whole_truth")
        if "problem" not in self.fields:
            raise ValueError("a layout's fields need 'problem'")
        return self

    def lacks(self, row: Mapping[str, Any]) -> list[str]:
        """The paths of `match` that `row` does not have."""
        return [path for path in self.match if look_up(row, path) is MISSING]

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Whether `row` passes the filters."""
        return all(look_up(row, path) in allowed for path, allowed in self.keep.items())

    def read_prompt(self, row: Mapping[str, Any], prompt: str) -> Any:
        """The prompt of `row` under the recipe's `prompt`: a text, or messages when the template is bare."""
        template = prompt_template(self.prompt or prompt)
        values = {name: field.read(row, name) for name, field in self.fields.items()}
        bare = PLACEHOLDER.fullmatch(template)
        if bare and bare.group(1) in values:
            return values[bare.group(1)]

        def fill(match: Any) -> str:
            value = values.get(match.group(1), MISSING)
            if not isinstance(value, (str, int, float, _Missing)):
                raise RowError(f"a prompt needs a text, not {type(value).__name__}", field=match.group(1))
            return "" if value is MISSING else str(value)

        return PLACEHOLDER.sub(fill, template)

    def read_truth(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The truth of `row`."""
        if self.whole_truth is None:
            return _read_all(self.truth, row)
        value = self.whole_truth.read(row, "truth")
        if not isinstance(value, Mapping):
            raise RowError(f"expected an object, found {type(value).__name__}", field=self.whole_truth.path)
        return dict(value)

    def read_meta(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The meta of `row`."""
        return _read_all(self.meta, row)

    def read_confirmation(self, row: Mapping[str, Any]) -> str | None:
        """Somebody else's answer to `row`, if there is one."""
        answer = MISSING if self.confirm is None else self.confirm.read(row, "confirm")
        return None if answer is MISSING else str(answer)


def look_up(row: Any, path: str) -> Any:
    """The value at a dotted `path` (``.`` is the row itself), or `MISSING`."""
    value = row
    for key in () if path == "." else path.split("."):
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, (list, tuple)) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def pick_layout(layouts: tuple[Layout, ...], row: Mapping[str, Any]) -> Layout:
    """The first layout that fits `row`.

    Raises:
        RowError: none does; names what the nearest one misses.
    """
    for layout in layouts:
        if not layout.lacks(row):
            return layout
    nearest = min(layouts, key=lambda layout: len(layout.lacks(row)) / len(layout.match))
    missing = nearest.lacks(row)
    known = ", ".join(f"{layout.name} ({', '.join(layout.match)})" for layout in layouts)
    raise RowError(f"is missing; known layouts: {known}", field=missing[0])


def _read_all(fields: Mapping[str, Field], row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: field.read(row, name) for name, field in fields.items()}
    return {name: value for name, value in values.items() if value is not MISSING}


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is MISSING or value == []
