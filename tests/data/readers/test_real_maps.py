"""Maps of real data sets, where they lie on this machine: sizes, ranges, and that they say what they should."""

import os
from pathlib import Path

import numpy as np
import pytest

from motet.data.check import problems
from motet.data.readers import Bsds500, CamVid, CocoStuff, SevenScenes
from motet.data.source import Source
from motet.tasks.dense import depth, edges, semantic_segmentation, surface_normals

DATA = Path(os.environ.get("MOTET_DATA", "no data"))
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="MOTET_DATA names no folder of real data"),
]


def found_wrong(reader, *tasks):
    return [one for one in problems(Source(name="real", reader=reader, tasks=tasks)) if one is not None]


def test_camvid_has_three_parts_and_its_streets():
    root = DATA / "camvid" / "CamVid"
    assert [len(CamVid(root, split)) for split in ("train", "val", "test")] == [367, 101, 64]
    reader = CamVid(root, "val")
    assert not found_wrong(reader, semantic_segmentation("segment", reader.names))
    counts = sum(np.bincount(reader[row].labels["segmentation"].ravel() + 1, minlength=12) for row in range(0, 101, 10))
    assert {"road", "building"} < {reader.names[place - 1] for place in np.argsort(-counts)[:4] if place}


def test_bsds_edges_are_thin():
    reader = Bsds500(DATA / "bsds500" / "data", "val")
    assert len(reader) == 50
    drawn = np.mean([(reader[row].labels["edges"] > 0).mean() for row in range(5)])
    assert 0.005 < drawn < 0.15
    assert not found_wrong(_Few(reader, 5), edges("edges"))


def test_seven_scenes_is_a_room_whose_normals_agree_with_those_beside_it():
    root = DATA / "sevenscenes_rgbd"
    assert [len(SevenScenes(root, split)) for split in ("train", "val")] == [88, 20]
    own, stored = (SevenScenes(root, "val", normals=way) for way in ("depth", "file"))
    assert not found_wrong(own, depth("depth"), surface_normals("normals"))
    labels = own[3].labels
    assert 0.3 < np.nanmin(labels["depth"]) < np.nanmax(labels["depth"]) < 12
    ours, theirs = labels["normals"], stored[3].labels["normals"]
    # What is seen faces the viewer, but for differences across the borders of things.
    assert all((normals[~np.isnan(normals[..., 2]), 2] > 0).mean() > 0.95 for normals in (ours, theirs))
    both = ~np.isnan(ours + theirs).any(axis=-1)
    between = np.degrees(np.arccos(np.clip((ours * theirs).sum(axis=-1)[both], -1, 1)))
    assert both.mean() > 0.4
    assert np.median(between) < 25  # those beside it are of half the size, over steps twice as wide


@pytest.mark.parametrize("part", ["train", "val"])
def test_stuff_is_named(part):
    root = DATA / "coco_stuff_sample"
    reader = CocoStuff(root / f"{part}_img", root / f"{part}_label")
    assert not found_wrong(reader, semantic_segmentation("segment", reader.names))
    maps = [reader[row].labels["segmentation"] for row in range(len(reader))]
    seen = {reader.names[place] for values in maps for place in np.unique(values[values >= 0])}
    assert {"person", "wall-concrete", "tree"} < seen


class _Few:
    def __init__(self, reader, count):
        self.reader, self.count = reader, count

    def __len__(self):
        return self.count

    def keys(self, index):
        return self.reader.keys(index)

    def __getitem__(self, index):
        return self.reader[index]
