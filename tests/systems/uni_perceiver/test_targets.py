"""Supported tasks, families of scales, and texts to generate."""

from dataclasses import replace

import pytest
from toy_uni_perceiver import SPECS, task

from motet.core import Answer, Boxes, Masked, Task, UnsupportedTask, rng_for
from motet.systems.uni_perceiver.targets import (
    Family,
    check_supported,
    family_of,
    has_text_inputs,
    has_word_loss,
    target_text,
)

FAMILIES = {
    "class": Family.IMAGE_CLASS, "pair": Family.TEXT_CLASS, "vqa": Family.QUESTION, "open": Family.GENERATION,
    "caption": Family.GENERATION, "masked": Family.MASKED_WORD, "pairs": Family.MATCH, "match": Family.MATCH,
    "motion": Family.VIDEO_CLASS,
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_every_task_of_the_toy_is_supported_and_has_a_family(name) -> None:
    check_supported(task(name))
    assert family_of(task(name)) is FAMILIES[name]


def changed(name: str, **changes) -> Task:
    return replace(task(name), **changes)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (changed("class", target=Boxes(("cat",))), "Uni-Perceiver answers Label"),
        (changed("masked", target=Masked("regions")), "Uni-Perceiver answers Label"),
        (changed("class", inputs=frozenset({"image", "video"})), "want an image or a video, a text, or both"),
        (changed("class", inputs=frozenset({"regions"})), r"got inputs \['regions'\]"),
        (changed("open", inputs=frozenset({"image"})), "want 'text' among the inputs, or the answers' names"),
        (changed("match", inputs=frozenset({"text"})), "want 'image' or 'video' among them"),
    ],
)
def test_other_tasks_are_refused_in_one_line(bad, message) -> None:
    with pytest.raises(UnsupportedTask, match=message) as error:
        check_supported(bad)
    assert "\n" not in str(error.value)
    assert repr(bad.name) in str(error.value)


def test_words_are_inputs_where_they_are_generated_or_masked() -> None:
    assert [name for name in SPECS if has_text_inputs(task(name))] == ["pair", "vqa", "open", "caption", "masked"]
    assert [name for name in SPECS if has_word_loss(task(name))] == ["open", "caption", "masked"]


def test_the_text_to_generate_is_random_in_training_alone() -> None:
    texts = ("one", "two", "two")
    assert target_text(task("caption"), texts, "row", None) == "one"
    assert target_text(changed("open", target=Answer()), texts, "row", None) == "two"
    drawn = {target_text(task("caption"), texts, "row", rng_for("t", seed)) for seed in range(20)}
    assert drawn == {"one", "two"}
