"""Label images as people save them: as JPEG, resized, in colours with a table, with numbers of things."""

import numpy as np
import published_maps as published
import pytest
from PIL import Image

from motet.data.detect import detect
from motet.data.readers import MapFolders

PALETTE = """[{"name": "road", "color": "#000000"}, {"name": "sky", "color": "#804000"},
    {"name": "tree", "color": "#0ac81e"}]"""
COLOURS = ((0, 0, 0), (128, 64, 0), (10, 200, 30))


def blob(place, value=255, size=(64, 48)):
    mask = np.zeros(size[::-1], np.uint8)
    mask[10:20, 10 + place : 30] = value
    return Image.fromarray(mask)


def coloured(place):
    return Image.merge("RGB", [blob(place), blob(place), Image.new("L", (64, 48))])


def masks(root, make, name="{}.png", count=6, **save):
    for place in range(count):
        mask = make(place)
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "masks").mkdir(exist_ok=True)
        Image.new("RGB", mask.size).save(root / "images" / f"{place}.jpg")
        mask.save(root / "masks" / name.format(place), **save)


def only(root):
    (found,) = detect(root)
    return found


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_masks_as_jpeg_are_refused_in_one_line(tmp_path, quality):
    masks(tmp_path, blob, "{}.jpg", quality=quality)
    (problem,) = only(tmp_path).problems
    assert "saved as JPEG; want PNG masks with one number or colour per class" in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda place: blob(place).resize((40, 30), Image.BILINEAR), "numbers"),
        (lambda place: blob(place, 120, (96, 96)).resize((50, 50), Image.BICUBIC), "numbers"),
        (lambda place: coloured(place).resize((40, 30), Image.BILINEAR), "colours"),
    ],
)  # fmt: skip
def test_masks_that_were_resized_with_interpolation_are_refused(tmp_path, make, word):
    masks(tmp_path, make)
    (problem,) = only(tmp_path).problems
    assert f" {word}, of which " in problem
    assert "resized with interpolation; want PNG masks" in problem


def test_jpegs_without_a_blur_and_many_true_classes_are_read(tmp_path):
    masks(tmp_path / "flat", lambda place: Image.new("L", (16, 16), 255 * (place % 2)), "{}.jpg")
    assert only(tmp_path / "flat").arguments["names"] == ("background", "foreground")
    tiles = np.kron(np.arange(64).reshape(8, 8), np.ones((4, 4))).astype(np.uint8)
    masks(tmp_path / "many", lambda place: Image.fromarray(np.roll(tiles, place)))
    assert (len(only(tmp_path / "many").arguments["names"]), only(tmp_path / "many").problems) == (64, ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("class_dict.csv", "name,r,g,b\nroad,0,0,0\nsky,128,64,0\ntree,10,200,30\nvoid,9,9,9\n"),
        ("classes.txt", "road 0 0 0\nsky 128 64 0\ntree 10 200 30\n"),
        ("classes.txt", "0 0 0 road\n128 64 0 sky\n10 200 30 tree\n"),
        ("classes.csv", "index;name;color\n0;road;#000000\n1;sky;#804000\n2;tree;#0ac81e\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nroad:0,0,0::\nsky:128,64,0::\ntree:10,200,30::\n"),
        ("label_colors.txt", "0 0 0\t\troad\n128 64 0\t\tsky\n10 200 30\t\ttree\n"),
        ("classes.json", '{"road": [0, 0, 0], "sky": [128, 64, 0], "tree": [10, 200, 30]}'),
        ("palette.json", PALETTE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("palette", [False, True])
def test_a_table_names_the_colours(tmp_path, name, content, palette):
    def make(place):
        image = Image.new("P" if palette else "RGB", (6, 4), place % 3 if palette else COLOURS[place % 3])
        if palette:
            image.putpalette([part for colour in COLOURS for part in colour])
        return image

    masks(tmp_path, make)
    published.text(tmp_path / name, content)
    found = only(tmp_path)
    assert (found.arguments["names"][:3], found.problems) == (("road", "sky", "tree"), ())
    reader = MapFolders(**found.arguments)
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(3)] == [0, 1, 2]


def test_palettes_that_differ_are_read_by_their_colours(tmp_path):
    def make(place):
        image = Image.new("P", (6, 4), 0)  # as `quantize` numbers the colours of each image anew
        image.putpalette(COLOURS[place % 3])
        return image

    masks(tmp_path, make)
    found = only(tmp_path)
    assert found.arguments["names"] == ("colour #000000", "colour #0ac81e", "colour #804000")
    reader = MapFolders(**found.arguments)
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(3)] == [0, 2, 1]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_numbers_of_things_are_called_instance_masks(tmp_path, kind):
    def make(place):
        mask = np.zeros((40, 40), kind)
        for thing in range(place + 4):
            mask[4 * thing : 4 * thing + 3, 5:12] = thing + 1
        return Image.fromarray(mask)

    masks(tmp_path, make)
    (problem,) = only(tmp_path).problems
    assert "got the numbers 1 to 4 in one and 1 to 9 in another" in problem
    assert "instance masks, which number the things of each image; want a number per class, or boxes" in problem
