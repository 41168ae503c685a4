"""Where a recipe's rows come from: this package's own folder, a published dataset, or a generator."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic import Field as ModelField

from prorl_envs.core import Task
from prorl_envs.errors import MissingExtraError, RecipeError

__all__ = ["Generator", "Hub", "Paper", "data_root", "generate", "how_to_get", "snapshot"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hub(_Part):
    """Where a dataset is published: its `id` on the Hugging Face hub, pinned to a `revision`."""

    id: str
    revision: str = "main"


class Paper(_Part):
    """What the paper says about a dataset: the number of `rows` it trained on, and the `section` that says so."""

    rows: int
    section: str


class Generator(_Part):
    """A dataset that is generated: ``module:function`` and its keyword arguments; it returns tasks.

    Attributes:
        function: import path.
        kwargs: keyword arguments for every split.
        splits: further ones by split; the first split is the default.
    """

    function: str = ModelField(pattern=r"^[\w.]+:\w+$")
    kwargs: dict[str, JsonValue] = {}
    splits: dict[str, dict[str, JsonValue]] = {}


@lru_cache(maxsize=1)
def data_root() -> Path:
    """The folder of recipes and samples: ``_datasets`` in an installed package, ``datasets`` in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_datasets", package.parent / "datasets"):
        if (folder / "recipes").is_dir():
            return folder
    raise RecipeError(
        f"this installation has no recipes: neither {package / '_datasets'} nor ../datasets exists"
    )


def generate(generator: Generator, split: str | None) -> Iterator[Task]:
    """The tasks of a generator for one split.

    Raises:
        RecipeError: the function does not exist, or refuses its arguments.
    """
    module, _, function = generator.function.partition(":")
    kwargs = {**generator.kwargs, **generator.splits.get(split or "", {})}
    try:
        made: Iterable[Task] = getattr(importlib.import_module(module), function)(**kwargs)
    except (ImportError, AttributeError, TypeError) as error:
        raise RecipeError(f"generator {generator.function!r} with {kwargs}: {error}") from error
    return iter(made)


def snapshot(hub: Hub, patterns: tuple[str, ...]) -> Path:
    """The local folder of a published dataset's files, downloaded unless the hub's cache has them.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        RecipeError: the hub refuses, or cannot be reached.
    """
    try:
        from httpx import HTTPError  # what huggingface_hub lets through when there is no network
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise MissingExtraError(f"Downloading {hub.id}", "train") from None
    try:
        folder = snapshot_download(
            hub.id, repo_type="dataset", revision=hub.revision, allow_patterns=list(patterns) or None
        )
    except (OSError, HTTPError, HfHubHTTPError, LocalEntryNotFoundError, ValueError) as error:
        raise RecipeError(f"dataset {hub.id!r} at {hub.revision!r} cannot be downloaded: {error}") from error
    return Path(folder)


def how_to_get(name: str, hub: Hub | None) -> str:
    """What to tell someone who asked for recipe `name` without having its data."""
    ways = "give path= (a file, folder or glob of yours)"
    if hub is None:
        return f"recipe {name!r} needs its data: {ways}"
    fetch = f"hf download --repo-type dataset {hub.id} --revision {hub.revision}"
    return f"recipe {name!r} needs its data: {ways}, or download=True, or fetch it with `{fetch}`"
