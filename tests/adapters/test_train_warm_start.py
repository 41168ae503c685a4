"""The warm start shows the form of an answer and not the answer; the tiny tokenizer loses nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("trl")

from transformers import AutoTokenizer

from adapters.prorl.config import ModelSettings, WarmStart
from adapters.prorl.sampling.generation import encode_prompt
from adapters.prorl.tiny import build_model, build_tokenizer, save_model
from adapters.prorl.warm_start import scrambled_response, warm_start
from prorl_envs.core import Task
from prorl_envs.errors import ConfigError
from prorl_envs.extract import answer_tag
from prorl_envs.puzzles import generate
from prorl_envs.scoring import Scorer


def spelling(size: int = 200) -> list[Task]:
    return generate("spell_backward", size=size, seed=0, config={"min_word_len": 3, "max_word_len": 4})


def sorting(size: int = 200) -> list[Task]:
    config = {
        "min_numbers": 3,
        "max_numbers": 3,
        "min_value": 0,
        "max_value": 9,
        "max_decimals": 0,
        "min_decimals": 0,
    }
    return generate("number_sorting", size=size, seed=0, config=config)


@pytest.mark.parametrize("tasks", [spelling(), sorting()], ids=["letters", "list"])
def test_responses_are_well_formed_and_right_by_chance_alone(tasks: list[Task]) -> None:
    rng = random.Random(0)
    responses = [scrambled_response(task, rng) for task in tasks]
    for task, response in zip(tasks, responses, strict=True):
        assert sorted(answer_tag(response) or "") == sorted(task.truth["entry"]["answer"])
    with Scorer(workers=1) as scorer:
        verdicts = scorer.score(tasks, responses)
    right = sum(bool(verdict.correct) for verdict in verdicts) / len(tasks)
    # 3 items: 1/6; 4 letters: 1/24; repeated items raise both a little.
    assert 0.03 < right < 0.33


def test_items_are_drawn_anew_each_time() -> None:
    rng, task = random.Random(0), sorting(1)[0]
    assert len({scrambled_response(task, rng) for _ in range(50)}) > 2


def test_parts_between_commas_are_items() -> None:
    task = Task("logic", "p", {"task": "t", "entry": {"answer": "one, two, three"}})
    assert scrambled_response(task, random.Random(1)).count(", ") == 2


def test_tasks_without_a_stored_answer_are_refused() -> None:
    with pytest.raises(ConfigError, match="warm start"):
        scrambled_response(Task("math", "p", {"answer": "7"}), random.Random(0))


def test_the_tokenizer_survives_the_disk_and_spells_the_variable_part(tmp_path: Path) -> None:
    tasks, rng = spelling() + sorting(), random.Random(0)
    texts = [task.text + "\n" for task in tasks] + [scrambled_response(task, rng) for task in tasks]
    tokenizer = build_tokenizer(texts, kinds=2)
    model = build_model(ModelSettings(hidden=16, layers=1, heads=2), tokenizer, seed=0, context=64)
    save_model(model, tokenizer, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*texts, "anything: 50 % ~{}"]:
        ids = loaded(text)["input_ids"]
        assert loaded.decode(ids) == text
        assert ids == tokenizer(text)["input_ids"]
    assert max(len(encode_prompt(loaded, task)) for task in tasks) < 20
    word = next(task for task in tasks if task.truth["task"] == "spell_backward")
    spelt = [loaded.decode([token]) for token in encode_prompt(loaded, word)]
    assert [piece for piece in spelt if len(piece) == 1] == list(word.truth["entry"]["metadata"]["word"])
    assert loaded("é")["input_ids"] == [loaded.unk_token_id] * 2


def test_a_model_depends_on_its_seed_alone() -> None:
    tokenizer = build_tokenizer(["ab"] * 10, kinds=1)
    settings = ModelSettings(hidden=16, layers=1, heads=2)
    one, two, three = (build_model(settings, tokenizer, seed=s, context=32) for s in (1, 1, 2))
    assert one.lm_head.weight.equal(two.lm_head.weight)
    assert not one.lm_head.weight.equal(three.lm_head.weight)


def test_training_on_scrambled_responses_lowers_the_loss_and_repeats() -> None:
    tasks = spelling(60)
    rng = random.Random(0)
    tokenizer = build_tokenizer(
        [t.text + "\n" for t in tasks] + [scrambled_response(t, rng) for t in tasks], kinds=1
    )
    losses: list[list[float]] = []
    for _ in range(2):
        model = build_model(ModelSettings(hidden=16, layers=1, heads=2), tokenizer, seed=0, context=64)
        losses.append([])
        warm_start(
            model, tokenizer, tasks, WarmStart(updates=60, batch=16), seed=1, encode=encode_prompt,
            progress=lambda _, loss: losses[-1].append(loss),
        )  # fmt: skip
    assert losses[0] == losses[1]
    assert losses[0][-1] < 0.8 * losses[0][0]
