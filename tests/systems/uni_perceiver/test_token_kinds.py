"""The kinds of token of each kind of task."""

import pytest
from toy_uni_perceiver import SPECS, task

from motet.systems.uni_perceiver.token_kinds import image_kind, kinds_of, target_kind, text_kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("class", ["visual input", "text target"]),
        ("motion", ["visual input", "text target"]),
        ("pair", ["text input", "text target"]),
        ("vqa", ["visual input", "text input", "text target"]),
        ("open", ["visual input", "text input", "text input causal", "text target"]),
        ("caption", ["visual input", "text input causal", "text target"]),
        ("masked", ["text input", "text target"]),
        ("pairs", ["visual input", "text target"]),
        ("match", ["visual input", "text target"]),
    ],
)
def test_kinds_of_each_task(name, expected) -> None:
    assert [kind.name for kind in kinds_of(task(name))] == expected


def test_names_of_kinds_are_unique_and_all_tasks_are_tested() -> None:
    for name in SPECS:
        names = [kind.name for kind in kinds_of(task(name))]
        assert len(set(names)) == len(names)
        assert all(kind.task == name for kind in kinds_of(task(name)))


def test_a_caption_and_masked_words_share_the_attributes_of_the_vocabulary() -> None:
    assert target_kind(task("caption")).attributes == target_kind(task("masked")).attributes
    assert target_kind(task("class")).attributes != target_kind(task("masked")).attributes


def test_the_modality_is_that_of_the_token_not_of_the_task() -> None:
    assert image_kind(task("vqa")).modality == "visual"
    assert text_kind(task("vqa")).modality == target_kind(task("vqa")).modality == "text"
