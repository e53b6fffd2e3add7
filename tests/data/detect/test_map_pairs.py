"""Images and maps by their names, in one folder or two, as people and tools call them."""

import numpy as np
import published_maps as published
import pytest
from PIL import Image

from motet.core import ConfigError
from motet.data.detect import detect
from motet.data.formats.name_patterns import by_stem
from motet.data.readers import MapFolders

COUNT = 4


def pairs(root, image, masks, *, kind=np.uint8, scale=1):
    """Images and maps called by their patterns, map k of the constant number k."""
    for place in range(COUNT):
        published.image(root / image.format(f"room{place}"))
        for mask in masks:
            published.values(root / mask.format(f"room{place}"), place % 3 * scale + scale - 1, kind)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{}.jpg", "{}_mask.png"),
        ("{}.png", "{}_mask.png"),
        ("{}_image.png", "{}_mask.png"),
        ("{}_image.jpg", "{}_label.png"),
        ("{}.jpg", "{}_seg.png"),
        ("{}.jpg", "{}.png"),
        ("image_{}.png", "mask_{}.png"),
        ("img-{}.jpg", "label-{}.png"),
        ("images/{}_image.png", "masks/{}_mask.png"),
        ("images/img_{}.png", "masks/mask_{}.png"),
        ("images/{}.jpg", "labels/{}_seg.png"),
        ("train/{}.jpg", "train/{}_mask.png"),
        ("train/{}.png", "train_labels/{}_L.png"),
        ("train/{}.jpg", "train_masks/{}_mask.png"),
        ("train_images/{}.jpg", "train_masks/{}.png"),
        ("images_a/{}.jpg", "masks_a/{}.png"),
        ("train-images/train/{}.jpg", "train-masks/train/{}.png"),
    ],
)
def test_images_and_masks_belong_together_by_their_names(tmp_path, image, mask):
    pairs(tmp_path, image, [mask])
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.rows, found.problems) == ("MapFolders", "segmentation", COUNT, ())
    reader = MapFolders(**found.arguments)
    for row in range(COUNT):
        example = reader[row]
        assert example.images[0].path == tmp_path / image.format(f"room{row}")
        assert int(example.labels["segmentation"][0, 0]) == row % 3


@pytest.mark.parametrize(
    ("image", "depth"),
    [
        ("nyu2_test/{}_colors.png", "nyu2_test/{}_depth.png"),
        ("basement/rgb_{}.jpg", "basement/sync_depth_{}.png"),
        ("basement/{}.jpg", "basement/{}.png"),
        ("color/{}.jpg", "depth/{}.png"),
        ("seq/{}.color.png", "seq/{}.depth.png"),
    ],
)
def test_depths_of_16_bits_are_millimetres(tmp_path, image, depth):
    pairs(tmp_path, image, [depth], kind=np.uint16, scale=1000)
    (found,) = detect(tmp_path)
    assert (found.kind, found.rows, found.problems) == ("depth", COUNT, ())
    assert "read as millimetres, 1 to 1 m in the first (depth_unit_m changes it)" in found.evidence
    assert float(MapFolders(**found.arguments)[1].labels["depth"][0, 0]) == pytest.approx(1.999)


def test_depths_of_8_bits_are_a_problem(tmp_path):
    pairs(tmp_path, "{}_rgb.png", ["{}_depth.png"])
    (found,) = detect(tmp_path)
    assert "depth maps: got 8 bits per pixel; want PNGs of 16 bits in millimetres" in found.problems[0]


def test_several_maps_of_one_folder_share_their_rows(tmp_path):
    pairs(tmp_path, "{}_rgb.png", ["{}_label.png"])
    pairs(tmp_path, "{}_rgb.png", ["{}_depth.png"], kind=np.uint16)
    found = detect(tmp_path)
    assert [one.kind for one in found] == ["segmentation", "depth"]
    assert found[0].arguments == found[1].arguments


def test_photos_of_two_kinds_of_files_are_no_masks(tmp_path):
    rng = np.random.default_rng(0)
    for place in range(COUNT):
        for suffix in ("jpg", "png"):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"{place}.{suffix}")
    assert detect(tmp_path) == ()


def test_roboflows_masks_have_their_classes_beside_them(tmp_path):
    for split in ("train", "valid"):
        pairs(tmp_path / split, "{}.jpg", ["{}_mask.png"])
        published.text(tmp_path / split / "_classes.csv", "Pixel Value, Class\n0, background\n1, crack\n2, hole\n")
    found = detect(tmp_path)
    assert [(one.split, one.arguments["names"]) for one in found] == [
        (split, ("background", "crack", "hole")) for split in ("train", "val")
    ]


def test_a_pattern_has_one_place():
    for pattern in ("mask", "{}_{}"):
        with pytest.raises(ConfigError, match="want one place for the shared name"):
            by_stem([], pattern)


def test_masks_of_another_split_do_not_belong_to_images_that_are_called_alike(tmp_path):
    pairs(tmp_path, "train/{}.jpg", ["test_masks/{}.png"])
    assert detect(tmp_path) == ()


def test_each_split_has_the_masks_that_are_called_after_it(tmp_path):
    for split in ("train", "val"):
        pairs(tmp_path, f"{split}/{{}}.png", [f"{split}_labels/{{}}_L.png"])
    found = detect(tmp_path)
    assert [(one.split, one.rows, one.problems) for one in found] == [("train", COUNT, ()), ("val", COUNT, ())]
    assert [one.arguments["maps"]["segmentation"].name for one in found] == ["train_labels", "val_labels"]
