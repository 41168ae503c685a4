"""Weighted, seeded, resumable mixtures of tasks: the order in which a trainer meets them.

    mixture = Mixture({"math": math_tasks, "logic": logic_tasks}, weights={"math": 2, "logic": 1}, seed=7)
    batch = mixture.take(256)

A mixture is an endless stream. Each draw picks a component by weight, then that component's next task in an
order that is shuffled anew each epoch. The stream depends on the seed alone, never on global random state,
process or hash seed. Of `world_size` ranks, each takes its own positions of the one stream, so shards are
disjoint within an epoch and together are exactly what a single process would see.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic import Field as ModelField

from prorl_envs.core import Task
from prorl_envs.errors import ConfigError
from prorl_envs.recipes import load_tasks

__all__ = ["Mixture", "MixtureItem", "holdout"]

_SCALE = float(1 << 64)


class MixtureItem(BaseModel):
    """One component, as configuration.

    Attributes:
        recipe: a recipe's name, or the path of its YAML file.
        weight: relative share of the draws; by default the number of its tasks, so that every task is drawn
            equally often.
        path: local data, where the recipe needs it.
        split: one of the recipe's splits.
        limit: at most so many tasks.
        options: further arguments for `load_tasks`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str
    weight: float | None = ModelField(default=None, gt=0)
    path: str | None = None
    split: str | None = None
    limit: int | None = ModelField(default=None, ge=1)
    options: dict[str, JsonValue] = {}

    def tasks(self) -> list[Task]:
        """The component's tasks. Raises as `load_tasks` does."""
        options: dict[str, Any] = dict(self.options)
        return load_tasks(self.recipe, path=self.path, split=self.split, limit=self.limit, **options)


class Mixture(Iterator[Task]):
    """An endless stream of tasks. See the module's docstring.

    Args:
        components: tasks by component name; at least one, none empty.
        weights: relative shares by component name; by default the number of its tasks.
        seed: decides the whole stream.
        rank: this process's position among `world_size`.
        world_size: how many processes share the stream.

    Raises:
        ConfigError: an empty component, a weight for none, a weight that is not positive, or a bad rank.
    """

    def __init__(
        self,
        components: Mapping[str, Sequence[Task]],
        *,
        weights: Mapping[str, float] | None = None,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank {rank} does not lie in 0..{world_size - 1}")
        self.components = {name: tuple(tasks) for name, tasks in components.items()}
        self.weights = _checked_weights(self.components, weights)
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self._position = 0
        self._drawn = Counter(dict.fromkeys(self.components, 0))
        self._orders: dict[str, tuple[int, list[int]]] = {}
        self._fingerprint = _fingerprint(self.components, seed)

    @classmethod
    def from_items(
        cls, items: Sequence[MixtureItem], *, seed: int = 0, rank: int = 0, world_size: int = 1
    ) -> Mixture:
        """Loads the recipes of `items`; two items of one recipe are told apart by a number.

        Raises:
            ConfigError: no items, or one that gives no task. Further as `load_tasks` does.
        """
        components: dict[str, list[Task]] = {}
        weights: dict[str, float] = {}
        for item in items:
            twins = sum(name.partition("#")[0] == item.recipe for name in components)
            name = f"{item.recipe}#{twins + 1}" if twins else item.recipe
            components[name] = item.tasks()
            weights[name] = len(components[name]) if item.weight is None else item.weight
        return cls(components, weights=weights, seed=seed, rank=rank, world_size=world_size)

    def __iter__(self) -> Mixture:
        return self

    def __next__(self) -> Task:
        mine: Task | None = None
        for offset in range(self.world_size):
            task = self._draw()
            if offset == self.rank:
                mine = task
        assert mine is not None
        return mine

    def take(self, count: int) -> list[Task]:
        """The next `count` tasks of this rank."""
        return [next(self) for _ in range(count)]

    def epochs(self) -> dict[str, float]:
        """How often each component has been gone through so far, by all ranks together."""
        return {name: self._drawn[name] / len(tasks) for name, tasks in self.components.items()}

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands, JSON-safe; the same on every rank after equally many draws."""
        return {
            "fingerprint": self._fingerprint,
            "position": self._position,
            "drawn": dict(self._drawn),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from `state`. Weights and the number of ranks may have changed since; tasks and seed not.

        Raises:
            ConfigError: the state is of other tasks or another seed, or is malformed.
        """
        if state.get("fingerprint") != self._fingerprint:
            raise ConfigError("this state belongs to a mixture of other tasks, or of another seed")
        try:
            position = int(state["position"])
            drawn = Counter({name: int(state["drawn"][name]) for name in self.components})
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"a mixture's state is malformed: {error!r}") from None
        if position < 0 or min(drawn.values()) < 0 or drawn.total() != position:
            raise ConfigError("a mixture's state is malformed: its counts do not add up")
        self._position, self._drawn = position, drawn

    def _draw(self) -> Task:
        """The stream's next task, whichever rank it belongs to."""
        name = self._pick(_uniform(self.seed, "draw", self._position))
        tasks = self.components[name]
        epoch, index = divmod(self._drawn[name], len(tasks))
        self._position += 1
        self._drawn[name] += 1
        return tasks[self._order(name, epoch)[index]]

    def _pick(self, share: float) -> str:
        rest = share * sum(self.weights.values())
        for name, weight in self.weights.items():
            rest -= weight
            if rest < 0:
                return name
        return next(reversed(self.weights))

    def _order(self, name: str, epoch: int) -> list[int]:
        known = self._orders.get(name)
        if known is None or known[0] != epoch:
            known = (epoch, _shuffled(len(self.components[name]), f"{self.seed}:order:{name}:{epoch}"))
            self._orders[name] = known
        return known[1]


def holdout(tasks: Sequence[Task], count: int, *, seed: int = 0) -> tuple[list[Task], list[Task]]:
    """Splits `tasks` into those to train on and `count` distinct held-out ones, disjoint by content.

    Whether a task is held out depends on its id and the seed, so equal problems never stand on both sides.
    Duplicates of a held-out task are dropped.

    Raises:
        ConfigError: fewer than `count` + 1 distinct tasks.
    """
    distinct = {task.id: task for task in tasks}
    if not 0 <= count < len(distinct):
        raise ConfigError(f"{count} of {len(distinct)} distinct tasks cannot be held out: some must remain")
    ranked = sorted(distinct, key=lambda id_: (_uniform(seed, "holdout", id_), id_))
    held = set(ranked[:count])
    return [task for task in tasks if task.id not in held], [distinct[id_] for id_ in ranked[:count]]


def _checked_weights(
    components: Mapping[str, Sequence[Task]], weights: Mapping[str, float] | None
) -> dict[str, float]:
    empty = [name for name, tasks in components.items() if not tasks]
    if empty or not components:
        raise ConfigError(f"component {empty[0]!r} has no tasks" if empty else "a mixture needs components")
    if weights is None:
        return {name: float(len(tasks)) for name, tasks in components.items()}
    if weights.keys() != components.keys():
        odd = sorted(weights.keys() ^ components.keys())
        raise ConfigError(f"weights and components differ: {', '.join(odd)}")
    bad = next((name for name, weight in weights.items() if not 0 < weight < float("inf")), None)
    if bad is not None:
        raise ConfigError(f"the weight of {bad!r} must be positive, not {weights[bad]!r}")
    return {name: float(weights[name]) for name in components}


def _fingerprint(components: Mapping[str, Sequence[Task]], seed: int) -> str:
    digest = hashlib.sha256(str(seed).encode())
    for name, tasks in components.items():
        digest.update(f"\0{name}\0{len(tasks)}".encode())
        for task in tasks:
            digest.update(task.id.encode())
    return digest.hexdigest()[:32]


def _uniform(seed: int, purpose: str, key: object) -> float:
    """A number in [0, 1) that depends on the arguments alone: a draw can be repeated without its past."""
    digest = hashlib.blake2b(f"{seed}:{purpose}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SCALE


def _shuffled(count: int, seed: str) -> list[int]:
    """0..count-1 in an order that `seed` decides; sorted by `random()`, whose stream Python guarantees."""
    generator = random.Random(seed)
    keys = [generator.random() for _ in range(count)]
    return sorted(range(count), key=keys.__getitem__)
