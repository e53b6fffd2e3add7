"""Tasks about maps: what they ask, and how they are judged."""

import pytest

from motet.core import ConfigError, Dense
from motet.core.codec import from_json, to_json
from motet.losses import BerHu, balanced_l1
from motet.scenes.tasks import scene_depth, scene_edges, scene_normals, scene_segmentation
from motet.tasks import depth, edges, semantic_segmentation, surface_normals
from motet.training.saved_names import saved_names


@pytest.mark.parametrize(
    ("task", "label", "target", "main"),
    [
        (semantic_segmentation("a", ("x", "y")), "segmentation", Dense(2, "class", ("x", "y")), "miou"),
        (depth("a"), "depth", Dense(1, "metre"), "rmse"),
        (surface_normals("a"), "normals", Dense(3, "unit vector"), "mean_angle_deg"),
        (edges("a"), "edges", Dense(1, "probability"), "edge_f1"),
    ],
)
def test_each_task_reads_its_map_and_moves_with_the_image(task, label, target, main) -> None:
    assert (task.name, task.label, task.target, task.main_metric) == ("a", label, target, main)
    assert task.equivariant == {"hflip", "crop"}
    assert task.invariant == frozenset()


def test_scenes_have_the_ground_as_first_class() -> None:
    assert scene_segmentation(("cat",)).target == Dense(2, "class", ("ground", "cat"))
    assert [make().name for make in (scene_depth, scene_normals, scene_edges)] == ["depth", "normals", "edges"]


def test_names_are_wanted_once_each() -> None:
    with pytest.raises(ConfigError, match=r"names: got none; want at least one"):
        semantic_segmentation("a")
    with pytest.raises(ConfigError, match=r"names: got \['x'\] more than once"):
        semantic_segmentation("a", ("x", "y", "x"))


def test_a_task_with_a_loss_of_its_own_is_saved_with_it() -> None:
    for task in (depth("far", loss=BerHu(0.1)), edges("ends", loss=balanced_l1)):
        assert from_json(to_json(task), saved_names()) == task
    assert depth("letters", hflip=False, crop=False).equivariant == frozenset()
