"""Dataset recipes: what a dataset is, where it comes from, and how its rows become tasks.

A recipe is a YAML file in ``datasets/recipes/``, or one of yours:

    tasks = load_tasks("deepscaler", path="~/data/deepscaler.json", limit=1000)
    tasks = load_tasks("my_recipe.yaml")

Nothing here touches a network unless told to with ``download=True``. The five training recipes are those of
the paper (ProRL section 3.1 and appendix D).
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic import Field as ModelField

from prorl_envs.confirm import Candidate, confirmed
from prorl_envs.core import Task, Verifier
from prorl_envs.errors import RecipeError, RowError, TaskError, UnknownNameError
from prorl_envs.mapping import DroppedRow, Field, Layout, Prompt, pick_layout
from prorl_envs.rows import LoadReport, Row, find_files, read_rows
from prorl_envs.sources import Generator, Hub, Paper, data_root, generate, how_to_get, snapshot
from prorl_envs.verifiers import BUILTIN, choose_verifier

__all__ = [
    "Generator",
    "Hub",
    "LoadReport",
    "OnError",
    "Paper",
    "Recipe",
    "data_root",
    "load_recipe",
    "load_tasks",
    "recipe_names",
]

log = logging.getLogger(__name__)
OnError = Literal["raise", "skip"]


class Recipe(BaseModel):
    """One dataset. See the module's docstring, and ``docs/recipes.md`` for how to write one.

    Attributes:
        name: what `load_recipe` finds it by.
        domain: the domain of its tasks.
        description: one or two sentences for people.
        licence: of the data, as its publisher states it.
        prompt: a name in `prorl_envs.prompts.PROMPTS`, or a template.
        hub: where it is published, if it is.
        bundled: a file that comes with this package, relative to `data_root`.
        splits: file patterns by split; the first split is the default.
        layouts: the known forms of its rows.
        generator: instead of files.
        rows: how many rows the default split has as published; another number is logged.
        paper: what the paper says about it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ModelField(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    domain: str
    description: str
    licence: str
    prompt: Prompt = "as-is"
    hub: Hub | None = None
    bundled: str | None = None
    splits: dict[str, tuple[str, ...]] = {}
    layouts: tuple[Layout, ...] = ()
    generator: Generator | None = None
    rows: int | None = None
    paper: Paper | None = None

    @model_validator(mode="after")
    def _complete(self) -> Recipe:
        if bool(self.layouts) == (self.generator is not None):
            raise ValueError("a recipe needs exactly one of layouts and generator")
        return self

    def split_names(self) -> tuple[str, ...]:
        """The splits, the default first; none when the recipe does not tell any apart."""
        return tuple(self.generator.splits if self.generator else self.splits)

    def tasks(
        self,
        path: str | Path | None = None,
        *,
        split: str | None = None,
        limit: int | None = None,
        on_error: OnError = "raise",
        download: bool = False,
        report: LoadReport | None = None,
    ) -> Iterator[Task]:
        """The tasks, in the order of the rows. Arguments as for `load_tasks`; `report` is filled in."""
        if split is not None and self.split_names() and split not in self.split_names():
            raise UnknownNameError("split", split, self.split_names())
        report = report or LoadReport()
        if self.generator is not None:
            if path is not None:
                raise RecipeError(f"recipe {self.name!r} generates its tasks: it reads no path")
            made = generate(self.generator, split or next(iter(self.generator.splits), None))
            return self._counted(made, limit, report, None)
        rows = read_rows(self.files(path, split=split, download=download))
        read = self._read(rows, on_error, report)
        confirms = any(layout.confirm for layout in self.layouts)
        tasks = confirmed(read, report) if confirms else (task for task, _ in read)
        published = path is None and split in (None, *self.split_names()[:1])
        return self._counted(tasks, limit, report, self.rows if published else None)

    def files(
        self, path: str | Path | None = None, *, split: str | None = None, download: bool = False
    ) -> list[Path]:
        """The local files to read.

        Raises:
            RecipeError: no `path`, nothing bundled, and no leave to download; or nothing there.
        """
        patterns = self.splits.get(split or next(iter(self.splits), ""), ())
        if path is not None:
            return find_files(path, patterns)
        if self.bundled is not None:
            return find_files(data_root() / self.bundled)
        if download and self.hub is not None:
            return find_files(snapshot(self.hub, patterns), patterns)
        raise RecipeError(how_to_get(self.name, self.hub))

    def task_of(self, row: Row) -> Task:
        """The task that one row means. Raises as `candidate_of` does."""
        return self.candidate_of(row)[0]

    def candidate_of(self, row: Row) -> Candidate:
        """The task that one row means, and the answer that must confirm its gold, if the layout names one.

        Raises:
            RowError: names the file, the row and the field.
            DroppedRow: the layout leaves such rows out.
        """
        try:
            layout = pick_layout(self.layouts, row.data)
            if not layout.keeps(row.data):
                raise DroppedRow("filtered")
            prompt = layout.read_prompt(row.data, self.prompt)
            truth, meta = layout.read_truth(row.data), layout.read_meta(row.data)
            task = Task(self.domain, prompt, truth, source=self.name, meta=meta)
            _check(task)
            return task, layout.read_confirmation(row.data)
        except RowError as error:
            raise RowError(error.problem, file=row.file, row=row.number, field=error.field) from None
        except TaskError as error:
            raise RowError(str(error), file=row.file, row=row.number) from None

    def _read(
        self, rows: Iterable[Row | RowError], on_error: OnError, report: LoadReport
    ) -> Iterator[Candidate]:
        for row in rows:
            report.read += 1
            try:
                if isinstance(row, RowError):
                    raise row
                candidate = self.candidate_of(row)
            except DroppedRow as left_out:
                report.leave_out(left_out.gold)
                continue
            except RowError as error:
                if on_error == "raise":
                    raise
                report.skip(error)
                continue
            yield candidate

    def _counted(
        self, tasks: Iterator[Task], limit: int | None, report: LoadReport, expected: int | None
    ) -> Iterator[Task]:
        """The first `limit` of `tasks`; after the last of all, says in the log what was left out."""
        for number, task in enumerate(tasks if limit is None or limit > 0 else (), start=1):
            report.tasks += 1
            yield task
            if number == limit:
                return
        if report.skipped or report.without_gold or report.unconfirmed:
            log.warning("%s: %s", self.name, report.summary())
        if limit is None and expected not in (None, report.read):
            log.warning("%s: read %d rows where %d are published", self.name, report.read, expected)


def load_tasks(
    name: str,
    *,
    path: str | Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    on_error: OnError = "raise",
    download: bool = False,
    report: LoadReport | None = None,
    **overrides: Any,
) -> list[Task]:
    """The tasks of a recipe.

    Args:
        name: of a recipe, or the path of a recipe's YAML file.
        path: your copy of the data: a file, a folder (its files of the split), or a glob.
        split: one of the recipe's splits; the first by default.
        limit: stop after so many tasks.
        on_error: what a malformed row does: "raise", or "skip", counted and logged.
        download: leave to fetch the dataset from its hub (or take it from the hub's cache).
        report: is filled with the counts of rows read, dropped and skipped.
        overrides: replace fields of the recipe (``prompt="as-is"``); of one that generates, its arguments.

    Raises:
        UnknownNameError: no such recipe or split.
        RecipeError: the recipe is malformed, or its data cannot be had.
        RowError: a malformed row; names file, row and field.
        MissingExtraError: parquet or a download, and the extra is not installed.
    """
    recipe = _override(load_recipe(name), overrides)
    return list(
        recipe.tasks(path, split=split, limit=limit, on_error=on_error, download=download, report=report)
    )


def load_recipe(name: str) -> Recipe:
    """The recipe called `name`, or read from the YAML file of that path.

    Raises:
        UnknownNameError: no such recipe; suggests the nearest.
        RecipeError: the file is malformed; names the setting, suggests the one that was meant.
    """
    if name.endswith((".yaml", ".yml")):
        return _read_recipe(Path(name).expanduser())
    if name not in recipe_names():
        raise UnknownNameError("recipe", name, recipe_names())
    return _read_recipe(data_root() / "recipes" / f"{name}.yaml")


def recipe_names() -> tuple[str, ...]:
    """The names of the recipes that come with this package, sorted."""
    return tuple(sorted(file.stem for file in (data_root() / "recipes").glob("*.yaml")))


@lru_cache(maxsize=128)
def _read_recipe(file: Path) -> Recipe:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RecipeError(f"recipe {str(file)!r} cannot be read: {error}") from None
    return _validated(data, str(file))


def _check(task: Task) -> None:
    """Raises `TaskError` when the library's own verifier could not judge the task."""
    if task.domain in BUILTIN:
        _verifier(task.domain).check(task)


@lru_cache(maxsize=len(BUILTIN))
def _verifier(domain: str) -> Verifier:
    return choose_verifier(domain).build()


def _validated(data: Any, origin: str) -> Recipe:
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        # A misspelt setting is also reported as the missing one: the misspelling is what helps.
        first = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in first["loc"])
        known = {
            name for model in (Recipe, Layout, Field, Generator, Hub, Paper) for name in model.model_fields
        }
        near = difflib.get_close_matches(place.rpartition(".")[2], known, n=1)
        hint = f" Did you mean {near[0]!r}?" if first["type"] == "extra_forbidden" and near else ""
        raise RecipeError(f"recipe {origin}: {place or 'the file'}: {first['msg']}.{hint}") from None


def _override(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    if not overrides:
        return recipe
    data = recipe.model_dump(exclude_unset=True)
    if recipe.generator is not None:
        data["generator"]["kwargs"] = {**recipe.generator.kwargs, **overrides}
        data["generator"]["splits"] = {
            split: {k: v for k, v in kwargs.items() if k not in overrides}
            for split, kwargs in recipe.generator.splits.items()
        }
        return _validated(data, recipe.name)
    return _validated({**data, **overrides}, recipe.name)
