"""Sources with maps: which maps a row has, scenes to name, and a walk cut so that test frames are far from training."""

from pathlib import Path

import numpy as np
import pytest
from real_layouts import write_cifar10, write_fashion, write_maps

from motet.core import Dense, Label
from motet.losses.dense import WeightedCrossEntropy, balanced_l1
from motet.recipes.data.vit_adapters import ALL_MAPS, LABEL_OF, mapped, named, scenes


def test_rows_have_the_maps_of_all_tasks_in_the_papers_order() -> None:
    train, val, test = scenes(train=3, val=2, test=2, size=32)
    assert [source.name for source in (train, val, test)] == ["scenes/maps", "scenes/maps/val", "scenes/maps/test"]
    assert tuple(task.name for task in train.tasks) == ALL_MAPS
    assert {task.name: task.label for task in train.tasks} == LABEL_OF
    example = train.reader[0]
    for task in train.tasks:
        annotation = np.asarray(task.annotation_of(example))
        assert annotation.shape[:2] == (32, 32)
        assert isinstance(task.target, Dense)
        assert annotation.ndim == (3 if task.target.channels == 3 and task.target.unit == "unit vector" else 2)


def test_only_edges_weigh_their_few_pixels_as_much_as_all_others() -> None:
    (train, *_) = scenes(train=2, val=1, test=1, size=32)
    assert {task.name: task.loss for task in train.tasks if task.loss is not None} == {"edges": balanced_l1}


def test_training_rows_lose_what_is_not_labelled_and_others_do_not() -> None:
    train, val, test = scenes(train=2, val=1, test=1, size=32, labelled=("depth",), name="scenes/far")
    assert set(train.reader[0].labels) == {"depth"}
    for source in (val, test):
        assert set(source.reader[0].labels) >= set(LABEL_OF.values())
        assert source.name == f"scenes/far/{source.role}"
    (bare,) = scenes(train=2, size=32, labelled=(), roles=("train",))
    assert not bare.reader[0].labels


def test_scenes_of_one_thing_have_as_many_of_each_style_and_ground() -> None:
    train, val, test = named(train=8, val=4, test=4, size=32, real=False)
    assert [len(source.reader) for source in (train, val, test)] == [8, 4, 4]
    images = [train.reader[row].images[0] for row in range(8)]
    assert [image.style for image in images] == ["colour"] * 4 + ["line"] * 4
    # The ground is most of an image; of either style the second pair is on the dark one.
    ground = [float(np.median(np.frombuffer(image.read()[-32 * 32 * 3 :], np.uint8))) for image in images]
    assert max(ground[2:4]) < min(ground[:2])
    assert max(ground[6:]) < min(ground[4:6])
    (task,) = train.tasks
    assert isinstance(task.target, Label)
    assert len(task.target.names) == 20
    assert all(0 <= train.reader[row].labels["class"] < 20 for row in range(8))


def test_real_images_join_where_their_folder_is_named(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar10(data_folder)
    write_fashion(data_folder)
    found = named(train=4, val=4, test=4, size=32)
    assert [s.name for s in found if s.role == "train"] == ["scenes/names", "cifar10", "fashion"]
    rows = {source.name: len(source.reader) for source in found}
    assert (rows["fashion"], rows["fashion/val"], rows["fashion/test"]) == (4100, 500, 1000)
    monkeypatch.delenv("MOTET_DATA")
    assert {s.tasks[0].name for s in named(train=4, val=4, test=4, size=32)} == {"largest"}


def test_the_walk_through_a_kitchen_leaves_two_frames_out_before_its_val_part(data_folder: Path) -> None:
    write_maps(data_folder, frames=50)  # 40 in the list of train, 10 in that of val
    sources = {source.name: source for source in mapped()}
    frames = {
        role: [int(key[-6:]) for row in range(len(reader)) for key in reader.keys(row)]
        for role in ("", "/val", "/test")
        for reader in (sources[f"sevenscenes{role}"].reader,)
    }
    assert frames == {"": list(range(36)), "/val": [38, 39], "/test": list(range(40, 50))}


def test_each_real_set_has_maps_of_its_own_and_boundaries_split_what_is_left(data_folder: Path, images_of) -> None:
    write_maps(data_folder, frames=50)
    sources = mapped()
    asked = {source.name: [task.name for task in source.tasks] for source in sources if source.role == "train"}
    assert asked == {"sevenscenes": ["depth", "normals"], "streets": ["streets"], "boundaries": ["boundaries"]}
    (edges,) = next(source.tasks for source in sources if source.name == "boundaries")
    assert edges.loss == WeightedCrossEntropy(edge_weight=0.5)
    images = images_of(sources, "boundaries")
    assert not images["val"] & images["test"]
