"""Scenes as sources: maps share one, and styles and grounds are other pictures of the same kind."""

import numpy as np
import pytest

from motet.core import ConfigError
from motet.recipes.data.scene_sources import MAPS, SceneSources


def world(**given) -> SceneSources:
    return SceneSources(**{"task_names": MAPS, "train": 2, "val": 1, "test": 1, "size": 48, **given})


def test_maps_share_one_source_whose_rows_carry_all_of_them() -> None:
    sources = world().sources()
    assert [source.name for source in sources] == ["scenes/maps", "scenes/maps/val", "scenes/maps/test"]
    for source in sources:
        assert tuple(task.name for task in source.tasks) == MAPS
    example = sources[0].reader[0]
    shapes = [task.annotation_of(example).shape for task in sources[0].tasks]
    assert shapes == [(48, 48), (48, 48), (48, 48, 3), (48, 48)]


def test_maps_stand_beside_other_tasks_where_the_first_of_them_is_asked() -> None:
    sources = world(task_names=("largest", "depth", "count", "segment"), kinds=6).sources(("train",))
    assert [source.name for source in sources] == ["scenes/largest", "scenes/maps", "scenes/count"]
    assert [task.name for task in sources[1].tasks] == ["depth", "segment"]
    assert sources[1].tasks[1].target.channels == 7
    assert {source.reader.keys(0) for source in sources if source.name != "scenes/count"} == {sources[0].reader.keys(0)}


def test_only_beside_other_tasks_is_something_written() -> None:
    alone = world().sources()[0].reader
    beside = world(task_names=("read", "depth")).sources()[0].reader
    assert "text" not in alone[0].labels
    assert "text" in beside[0].labels


@pytest.mark.parametrize("changed", [{"style": "line"}, {"ground": "dark"}, {"style": "line", "ground": "dark"}])
def test_another_style_or_ground_has_other_images_and_true_maps(changed) -> None:
    plain, other = world().sources()[0], world(**changed).sources()[0]
    assert plain.reader.keys(0) != other.reader.keys(0)
    example = other.reader[0]
    maps = {task.name: task.annotation_of(example) for task in other.tasks}
    thing = maps["segment"] > 0
    # The ground leans back from 5 m at the foot to 8 m, and what is no edge has its neighbour's class.
    ground = np.broadcast_to(8.0 - 3.0 * (np.arange(48)[:, None] + 0.5) / 48, (48, 48))
    np.testing.assert_allclose(maps["depth"][~thing], ground[~thing], rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(maps["normals"], axis=-1), 1.0, atol=1e-5)
    same = maps["segment"][:-1, :-1] == maps["segment"][1:, :-1]
    assert same[maps["edges"][:-1, :-1] == 0].all()


def test_a_word_that_is_no_task_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"SceneSources\.task_names: got 'normal'; did you mean 'normals'"):
        world(task_names=("normal",)).sources()
