"""The Gymnasium environments: an action is a model's whole response, the reward is what a program says of it.

    env = gymnasium.make("prorl/Math-v0")
    prompt, info = env.reset(seed=0)
    _, reward, terminated, _, info = env.step("... \\boxed{42}")     # terminated is always True

`make_vec` gives a vector environment that scores a whole batch at once. A response that could not be judged
(worker lost, daemon down) has reward NaN and ``info["status"] == "failed"``: drop it, it is not a 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import Env
from gymnasium.error import ResetNeeded

from prorl_envs.core import Task, Verdict
from prorl_envs.errors import ConfigError, RowError, TaskError, UnknownNameError
from prorl_envs.recipes import load_tasks, recipe_names
from prorl_envs.scoring import Scorer, shared_scorer
from prorl_envs.spaces import Unicode
from prorl_envs.verifiers import VerifierChoice, choose_verifier

__all__ = ["VerifiableEnv", "resolve_tasks"]

_OPTIONS = ("task",)


class VerifiableEnv(Env[str, str]):
    """One problem per episode, one response per problem.

    Args:
        domain: the domain of the tasks.
        tasks: the problems, as `Task` objects or rows that `Task.from_dict` reads; or
        recipe: the name of a recipe (docs/recipes.md lists them); the domain's own samples by default.
        generator: the recipe meant when only a generator's arguments are given (``task="chain_sum"``).
        verifier: options of the domain's verifier (``{"mode": "paper"}``), or another as ``module:Class``.
        scorer: who judges; by default one Scorer that all environments of the process share.
        render_mode: ``"ansi"`` or None.
        recipe_options: the rest goes to `prorl_envs.recipes.load_tasks` (``path=``, ``split=``, ``limit=``, ...).

    Raises:
        ConfigError: both tasks and a recipe are given, or there is no task at all.
        TaskError: a task is malformed; the message names the row and the field.
        UnknownNameError, RecipeError: the recipe is unknown, or its data cannot be had.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 1}  # type: ignore[misc]

    def __init__(
        self,
        domain: str,
        *,
        tasks: Sequence[Task | Mapping[str, Any]] | None = None,
        recipe: str | None = None,
        generator: str | None = None,
        verifier: VerifierChoice = None,
        scorer: Scorer | None = None,
        render_mode: str | None = None,
        **recipe_options: Any,
    ) -> None:
        if render_mode not in (None, "ansi"):
            raise ConfigError(f"render_mode is None or 'ansi', not {render_mode!r}")
        self.domain = domain
        self.render_mode = render_mode
        self.observation_space = Unicode()
        self.action_space = Unicode()
        self._verifier = verifier
        self._scorer = scorer
        if tasks is None and recipe is None:
            recipe = _implied_recipe(domain, generator, recipe_options)
        self.tasks = resolve_tasks(domain, tasks, recipe, verifier, recipe_options)
        self._order: list[int] = []
        self._task: Task | None = None
        self._shown = ""

    @property
    def scorer(self) -> Scorer:
        """Who judges this environment's responses."""
        if self._scorer is not None:
            return self._scorer
        return shared_scorer({self.domain: self._verifier} if self._verifier else None)

    @property
    def task(self) -> Task:
        """The problem of the current episode.

        Raises:
            ResetNeeded: before `reset`, and after the episode's one step.
        """
        if self._task is None:
            raise ResetNeeded("reset() gives the next problem; an episode takes one step")
        return self._task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """The next problem.

        Problems come in a shuffled order and none twice before all were seen; a seed starts a new shuffle.

        Args:
            seed: reproduces the order.
            options: ``{"task": index or id}`` asks for one problem.

        Returns:
            The prompt as text, and an info with ``task_id``, ``domain``, ``source`` and ``messages`` (the prompt
            as chat messages). Never the truth.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._order.clear()
        self._task = self._chosen(options or {})
        self._shown = f"[{self._task.id}]\n{self._task.text}"
        info = {
            "task_id": self._task.id,
            "domain": self._task.domain,
            "source": self._task.source,
            "messages": self._task.messages,
        }
        return self._task.text, info

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Judges one response and ends the episode.

        Args:
            action: the whole response, reasoning included.

        Returns:
            The empty text, the reward in [0, 1] (NaN when the response could not be judged), True, False, and an
            info with ``task_id``, ``status``, ``correct``, ``parts`` and ``detail`` of the verdict.
        """
        task = self.task
        return self.conclude(action, self.scorer.score([task], [action])[0])

    def conclude(self, action: str, verdict: Verdict) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Ends the episode with a verdict that was reached elsewhere (the batch of a vector environment)."""
        info = {
            "task_id": self.task.id,
            "status": verdict.status.value,
            "correct": bool(verdict.correct),
            "parts": dict(verdict.parts),
            "detail": verdict.detail,
        }
        reward = float("nan") if verdict.reward is None else verdict.reward
        self._shown += f"\n\n{action}\n\nreward {reward:g}: {verdict.status.value} {verdict.detail}"
        self._task = None
        return "", reward, True, False, info

    def render(self) -> str | None:
        """The problem, and after the step the response with its verdict; None without a render mode."""
        return self._shown if self.render_mode == "ansi" else None

    def _chosen(self, options: Mapping[str, Any]) -> Task:
        unknown = next((key for key in options if key not in _OPTIONS), None)
        if unknown is not None:
            raise UnknownNameError("reset option", str(unknown), _OPTIONS)
        if "task" in options:
            return self._asked_for(options["task"])
        if not self._order:
            self._order = self.np_random.permutation(len(self.tasks)).tolist()
        return self.tasks[self._order.pop()]

    def _asked_for(self, wanted: object) -> Task:
        if isinstance(wanted, (int, np.integer)):
            if not -len(self.tasks) <= wanted < len(self.tasks):
                raise ConfigError(f"there are {len(self.tasks)} tasks, so none with index {wanted}")
            return self.tasks[int(wanted)]
        found = next((task for task in self.tasks if task.id == wanted), None)
        if found is None:
            raise UnknownNameError("task", str(wanted), (task.id for task in self.tasks))
        return found


def resolve_tasks(
    domain: str,
    tasks: Sequence[Task | Mapping[str, Any]] | None,
    recipe: str | None,
    verifier: VerifierChoice,
    recipe_options: Mapping[str, Any],
) -> Sequence[Task]:
    """The tasks of an environment, each checked by its verifier before the first episode.

    Raises:
        ConfigError, TaskError, RecipeError, UnknownNameError: as `VerifiableEnv` says.
    """
    if isinstance(tasks, _CheckedTasks):
        return tasks
    if tasks is not None and (recipe is not None or recipe_options):
        raise ConfigError("give tasks or a recipe, not both")
    if tasks is None:
        if recipe is None:
            raise ConfigError(f"domain {domain!r} has no tasks of its own: give tasks= or recipe=")
        found: Sequence[Any] = load_tasks(recipe, **recipe_options)
    else:
        found = [task if isinstance(task, Task) else Task.from_dict(task) for task in tasks]
    if not found:
        raise ConfigError(f"no task of domain {domain!r} was given, so there is nothing to ask")
    judge = choose_verifier(domain, verifier).build()
    for row, task in enumerate(found, start=1):
        try:
            if task.domain != domain:
                raise TaskError(f"it is of domain {task.domain!r}, and this environment of {domain!r}")
            judge.check(task)
        except TaskError as error:
            raise RowError(str(error), file=task.source or recipe, row=row) from error
    return _CheckedTasks(found)


class _CheckedTasks(tuple[Task, ...]):
    """Tasks that a verifier has accepted, shared by the environments of a vector."""

    __slots__ = ()


def _implied_recipe(domain: str, generator: str | None, recipe_options: Mapping[str, Any]) -> str | None:
    if generator is not None and recipe_options:
        return generator
    samples = f"samples-{domain}"
    if recipe_options:
        raise ConfigError(f"{', '.join(recipe_options)}: say which recipe is meant, recipe=...")
    return samples if samples in recipe_names() else None
