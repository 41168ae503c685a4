"""Which puzzles there are: every dataset Reasoning Gym registers, the paper's named sets, and their settings.

ProRL (appendix D.4) trains on 96 tasks and holds three out for its out-of-distribution test. The paper does
not list the 96; they are pinned here as the registry of Reasoning Gym at the time of its first 0.1.13 commit
(97 names, less ``composite``). The three held-out tasks were all registered later, which agrees with the paper.

``import reasoning_gym`` takes about a second, so it happens on the first call and not on import of this module.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import warnings
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from prorl_envs.errors import ConfigError, UnknownNameError

__all__ = [
    "PAPER_96",
    "PAPER_OOD",
    "TASK_SETS",
    "build_dataset",
    "build_scorer",
    "category",
    "has_curriculum",
    "resolve",
    "settings",
    "task_names",
]

_PAPER_96 = """
ab advanced_geometry aiw arc_1d arc_agi base_conversion basic_arithmetic bf binary_alternation binary_matrix
bitwise_arithmetic caesar_cipher calendar_arithmetic chain_sum circuit_logic codeio color_cube_rotation
complex_arithmetic count_bits count_primes countdown course_schedule cryptarithm decimal_arithmetic
decimal_chain_sum dice emoji_mystery family_relationships figlet_font fraction_simplification futoshiki
game_of_life gcd graph_color group_anagrams gsm_symbolic intermediate_integration isomorphic_strings jugs
knight_swap knights_knaves largest_island lcm leg_counting letter_counting letter_jumble list_functions
mahjong_puzzle manipulate_matrix maze mini_sudoku n_queens needle_haystack number_filtering number_format
number_sequence number_sorting palindrome_generation palindrome_partitioning polynomial_equations
polynomial_multiplication pool_matrix power_function prime_factorization products propositional_logic
quantum_lock ransom_note rearc rectangle_count rotate_matrix rotten_oranges rubiks_cube rush_hour
self_reference sentence_reordering shortest_path simple_equations simple_geometry simple_integration sokoban
spell_backward spiral_matrix string_insertion string_manipulation string_splitting string_synthesis sudoku
syllogism time_intervals tower_of_hanoi tsumego word_ladder word_sequence_reversal word_sorting zebra_puzzles
"""

PAPER_96: tuple[str, ...] = tuple(_PAPER_96.split())
"""The paper's training tasks (ProRL appendix D.4, table 5), under today's names."""

PAPER_OOD: tuple[str, ...] = ("acre", "boxnet", "game_of_life_halting")
"""The paper's out-of-distribution tasks (ProRL section 4.3)."""

TASK_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType({"paper96": PAPER_96, "paper_ood": PAPER_OOD})
"""Named sets; `resolve` also knows ``all``."""

_SLOW_TO_MAKE = frozenset(
    {"arc_agi", "codeio", "figlet_font", "group_anagrams", "letter_jumble", "spell_backward", "word_ladder"}
)
_COMPOSITE_DEFAULT = ("chain_sum", "leg_counting", "spell_backward", "syllogism")


def task_names() -> tuple[str, ...]:
    """Every registered task, sorted."""
    return tuple(sorted(_registry()))


def resolve(name: str) -> tuple[str, ...]:
    """The tasks behind a task's name, a named set (``paper96``, ``paper_ood``) or ``all``.

    Raises:
        UnknownNameError: nothing has this name; suggests the nearest.
    """
    if name == "all":
        return task_names()
    if name in TASK_SETS:
        return TASK_SETS[name]
    _class_of(name)
    return (name,)


def category(task: str) -> str:
    """Reasoning Gym's own category of a task ("algorithmic", "games", ...)."""
    return str(_class_of(task)[0].__module__).split(".")[1]


def has_curriculum(task: str) -> bool:
    """Whether the task comes with levels of difficulty."""
    _class_of(task)
    return task in importlib.import_module("reasoning_gym.factory").CURRICULA


def settings(task: str, *, level: int | None = None) -> dict[str, Any]:
    """The settings a task's configuration takes, with their defaults, or the values of a curriculum's level.

    Args:
        task: a registered task.
        level: a level of the task's own curriculum, from 0; levels past the last mean the last.

    Raises:
        UnknownNameError: no such task.
        ConfigError: the task has no curriculum, or the level is negative.
    """
    if level is None:
        return _fields(_class_of(task)[1])
    if not has_curriculum(task):
        raise ConfigError(f"task {task!r} has no curriculum: set its configuration's own fields instead")
    if level < 0:
        raise ConfigError(f"a curriculum's level starts at 0, not {level}")
    curriculum = importlib.import_module("reasoning_gym.factory").CURRICULA[task]()
    curriculum.set_global_level(level)
    made = curriculum.generate_configuration()
    return {name: getattr(made, name) for name in settings(task)}


def build_dataset(task: str, *, size: int, seed: int, config: Mapping[str, Any] | None = None) -> Any:
    """Reasoning Gym's dataset object of a task.

    Raises:
        UnknownNameError: no such task; suggests the nearest.
        ConfigError: a setting is unknown (suggests the nearest) or its value is refused.
    """
    dataset_class, _ = _class_of(task)
    with _refusals(task, config):
        return dataset_class(_configuration(task, size, seed, config))


def build_scorer(task: str, config: Mapping[str, Any] | None = None) -> Any:
    """Reasoning Gym's dataset object of a task, fit for ``score_answer`` only.

    Several datasets read word lists or thousands of files when made (seconds), of which their scorers need
    little or nothing.

    Raises:
        UnknownNameError: no such task; suggests the nearest.
        ConfigError: a setting is unknown or refused.
    """
    dataset_class, _ = _class_of(task)
    if task not in _SLOW_TO_MAKE:
        return build_dataset(task, size=1, seed=0, config=config)
    with _refusals(task, config):
        made = dataset_class.__new__(dataset_class)
        made.config = _configuration(task, 1, 0, config)
        made.board_format_opts = getattr(made.config, "board_format_opts", None)
        if task == "word_ladder":
            made.word_sets = made._load_words_from_csv(
                made.config.min_word_length, made.config.max_word_length
            )
        return made


def _configuration(task: str, size: int, seed: int, config: Mapping[str, Any] | None) -> Any:
    _, config_class = _class_of(task)
    chosen = dict(config or {})
    known = _fields(config_class)
    for name in chosen:
        if name not in known:
            raise ConfigError(f"task {task!r}: {UnknownNameError('setting', name, known)}")
    if task == "composite":
        chosen["datasets"] = _composite_parts(chosen.get("datasets"))
    made = config_class(**_revived(chosen, known), size=size, seed=seed)
    if hasattr(made, "validate"):
        made.validate()
    return made


@contextlib.contextmanager
def _refusals(task: str, config: Mapping[str, Any] | None) -> Iterator[None]:
    """Upstream's many ways to refuse its settings, as one; its unclosed data files without their warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
    except ConfigError:
        raise
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"task {task!r} refuses its settings {dict(config or {})}: {error}") from error


def _revived(chosen: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings read from JSON, with mappings turned back into the dataclasses that upstream expects."""

    def revive(name: str, value: Any) -> Any:
        default = known[name]
        nested = isinstance(value, Mapping) and dataclasses.is_dataclass(default)
        return type(default)(**value) if nested else value

    return {name: revive(name, value) for name, value in chosen.items()}


def _composite_parts(parts: Any) -> list[Any]:
    spec = importlib.import_module("reasoning_gym.composite").DatasetSpec
    chosen = parts or [{"name": name} for name in _COMPOSITE_DEFAULT]
    try:
        return [
            spec(part["name"], part.get("weight", 1.0), dict(part.get("config") or {})) for part in chosen
        ]
    except (TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"composite needs datasets as [{{'name': ..., 'weight'?: ..., 'config'?: ...}}]: {error}"
        ) from error


@functools.cache
def _registry() -> dict[str, tuple[Any, Any]]:
    importlib.import_module("reasoning_gym")
    return dict(importlib.import_module("reasoning_gym.factory").DATASETS)


def _class_of(task: str) -> tuple[Any, Any]:
    registry = _registry()
    if task not in registry:
        raise UnknownNameError("puzzle", task, [*registry, *TASK_SETS])
    return registry[task]


def _fields(config_class: Any) -> dict[str, Any]:
    made = config_class()
    return {
        f.name: getattr(made, f.name)
        for f in dataclasses.fields(config_class)
        if f.name not in ("size", "seed")
    }
