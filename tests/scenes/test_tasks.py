"""Tasks of scenes against the annotations of their readers."""

import pytest

from motet.core import ConfigError
from motet.core.target import Boxes, Label
from motet.data.check import annotation_error
from motet.scenes import Scenes
from motet.scenes.tasks import (
    SCENE_TASKS,
    largest_thing,
    number_of_things,
    scene_boxes,
    scene_caption,
    scene_depth,
    scene_edges,
    scene_normals,
    scene_segmentation,
    scene_sentences,
    scene_text,
)

SCENES = Scenes(part="train", count=6, kinds=8, size_hw=(40, 40), text_kind="word")
TASKS = [
    largest_thing(SCENES.names), number_of_things(), scene_caption("en"), scene_caption("fr"), scene_text(),
    scene_boxes(SCENES.names), scene_segmentation(SCENES.names), scene_depth(), scene_normals(), scene_edges(),
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_annotations_of_scenes_fit_their_tasks(task) -> None:
    for index in range(len(SCENES)):
        assert annotation_error(task.annotation_of(SCENES[index]), task.target) is None


def test_the_names_in_the_table_are_those_of_the_tasks() -> None:
    assert all(name == task.name for name, task in SCENE_TASKS.items())


def test_only_maps_and_nothing_else_survive_a_crop() -> None:
    cropped = {task.name for task in TASKS if "crop" in task.equivariant | task.invariant}
    assert cropped == {"segment", "depth", "normals", "edges"}
    assert isinstance(scene_boxes(SCENES.names).target, Boxes)


def test_sentence_tasks_have_the_classes_of_their_kind() -> None:
    task = scene_sentences("answerable", name="other")
    assert (task.name, task.target) == ("other", Label(("unanswerable", "answerable")))
    with pytest.raises(ConfigError, match="did you mean 'sentiment'"):
        scene_sentences("sentimant")
