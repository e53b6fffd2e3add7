"""The arguments of readers in a recipe: image ids of the user's own COCO files do not claim to be COCO's."""

from __future__ import annotations

from pathlib import Path

import pytest

from motet.data.detect import DetectedDataset
from motet.scaffold.reader_arguments import reader_arguments


@pytest.mark.parametrize(
    ("reader", "file", "prefix"),
    [
        ("CocoInstances", "boxes.json", "mine"),
        ("CocoCaptions", "captions.json", "mine"),
        ("CocoCaptions", "captions_val2017.json", None),
        ("CocoInstances", "instances_train2014.json", None),
        ("Vqav2", "boxes.json", None),
    ],
)
def test_only_own_files_get_a_prefix_of_their_folder(reader, file, prefix):
    arguments = {"annotations": Path("data/mine") / file, "images": Path("data")}
    one = DetectedDataset(reader=reader, arguments=arguments, kind="detection", label="boxes", rows=1, evidence="")
    assert reader_arguments(one) == arguments | ({"image_prefix": prefix} if prefix else {})
    assert "image_prefix" not in one.arguments


def test_a_given_prefix_is_kept():
    arguments = {"annotations": Path("data/mine/boxes.json"), "image_prefix": "yours"}
    one = DetectedDataset(reader="CocoCaptions", arguments=arguments, kind="captioning", label="c", rows=1, evidence="")
    assert reader_arguments(one)["image_prefix"] == "yours"
