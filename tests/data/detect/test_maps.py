"""Folders of pictures with maps, in their published layouts, and the recipe that is written for them."""

from pathlib import Path

import published_maps as published
import pytest

from motet.config.recipe_files import load_recipe
from motet.data.check import problems
from motet.data.detect import detect
from motet.data.stats import stats
from motet.scaffold.init import sources_in, write_recipe


def flat_frames(root):
    import numpy as np

    for number in range(2):
        published.image(root / "data" / f"frame-{number:06d}.color.jpg")
        published.values(root / "data" / f"frame-{number:06d}.depth.png", 1500, np.uint16)
    published.text(root / "train.txt", "frame-000000\nframe-000001\n")


def stuff(root):
    published.write_coco_stuff(root / "train2017", root / "stuffthingmaps" / "train2017")


def stuff_beside(root):
    published.write_coco_stuff(root / "train_img", root / "train_label")


ALL = {"segmentation", "depth", "normals", "edges"}
LAYOUTS = [
    (published.write_camvid, "CamVid", "train", {"segmentation"}),
    (published.write_bsds500, "Bsds500", "train", {"edges"}),
    (published.write_seven_scenes, "SevenScenes", "train", {"depth", "normals"}),
    (flat_frames, "SevenScenes", "train", {"depth", "normals"}),
    (published.write_nyuv2, "NyuV2", "train", {"segmentation", "depth", "normals"}),
    (published.write_taskonomy, "Taskonomy", "", ALL),
    (published.write_cityscapes, "Cityscapes", "train", {"segmentation", "depth", "normals"}),
    (published.write_vkitti2, "VirtualKitti2", "", {"segmentation", "depth", "normals"}),
    (published.write_synthia, "Synthia", "", {"segmentation", "depth"}),
    (published.write_ade20k, "Ade20k", "train", {"segmentation"}),
    (stuff, "CocoStuff", "train", {"segmentation"}),
    (stuff_beside, "CocoStuff", "train", {"segmentation"}),
]


@pytest.mark.parametrize(("write", "reader", "part", "labels"), LAYOUTS)
def test_each_layout_is_recognised_with_all_its_maps(tmp_path, write, reader, part, labels):
    write(tmp_path / "data")
    found = [one for one in detect(tmp_path) if one.split != "test"]
    assert {(one.reader, one.split, one.problems) for one in found} == {(reader, part, ())}
    assert {one.label for one in found} == labels
    assert all(one.rows == 2 or reader == "NyuV2" for one in found)


def test_a_broken_one_is_told(tmp_path):
    published.write_vkitti2(tmp_path)
    (tmp_path / "Scene01" / "clone" / "colors.txt").write_text("Category r g b\nSky 90 200\n")
    (found,) = detect(tmp_path)
    assert "colors.txt" in found.problems[0]


def test_maps_of_the_same_rows_are_one_source_of_the_recipe(tmp_path):
    published.write_seven_scenes(tmp_path / "room")
    written = write_recipe(tmp_path / "room", tmp_path / "mine.py")
    assert written.runs == ("run",)
    run = load_recipe(f"{tmp_path / 'mine.py'}:run")
    train = next(source for source in run.sources if source.role == "train")
    assert [task.name for task in train.tasks] == ["depth", "normals"]
    assert type(run.system).__name__ == "ViTAdaptersConfig"


def test_the_sources_of_a_folder_are_checked_and_counted(tmp_path):
    for split in ("val", "test"):
        published.write_camvid(tmp_path, split)
    _, maps = published.write_camvid(tmp_path)
    source = next(one for one in sources_in(tmp_path) if one.role == "train")
    (task,) = stats(source).tasks
    assert (task.pixels, task.valid, task.classes) == (48, 1.0, (("building", 0.5), ("sky", 0.5)))
    published.values(Path(maps[0]), 11)
    wrong = [one.text for one in problems(source) if one is not None]
    assert len(wrong) == 1
    assert "got a map without a valid pixel" in wrong[0]
