"""Pascal VOC's segmentation, PASCAL-Context, and data of one's own in their form."""

import numpy as np
import published_maps as published
from PIL import Image

from motet.data.detect import detect
from motet.data.readers import READERS


def voc(root, keys, make, *, labels="SegmentationClass", lists="Segmentation", parts=("train", "val")):
    for place, key in enumerate(keys):
        published.image(root / "JPEGImages" / f"{key}.jpg")
        (root / labels).mkdir(exist_ok=True)
        make(place).save(root / labels / f"{key}.png")
    for part in parts:
        published.text(
            root / "ImageSets" / lists / f"{part}.txt", "".join(f"{key}\n" for key in keys[:: 1 + (part == "val")])
        )


def numbers(*rows):
    def make(place):
        image = Image.fromarray(np.full(published.SIZE_HW, rows[place % len(rows)], np.uint8), "P")
        image.putpalette([part for number in range(256) for part in (number, 255 - number, 7)])
        return image

    return make


def read(found):
    assert found.problems == ()
    return READERS[found.reader](**found.arguments)


PUBLISHED = tuple(f"2007_{number:06}" for number in range(4))


def test_the_published_classes_and_lists(tmp_path):
    voc(tmp_path, PUBLISHED, numbers(0, 15, 255))
    found = detect(tmp_path)
    assert [(one.reader, one.kind, one.split, one.rows) for one in found] == [
        ("VocSegmentation", "segmentation", "train", 4),
        ("VocSegmentation", "segmentation", "val", 2),
    ]
    reader = read(found[0])
    assert (len(reader.names), reader.names[15]) == (21, "person")
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(3)] == [0, 15, -1]
    assert reader.keys(1) == (f"{tmp_path.name}/2007_000001",)


def test_boxes_beside_them_are_found_too(tmp_path):
    voc(tmp_path, PUBLISHED, numbers(0, 15))
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox>"
    for key in PUBLISHED:
        xml = f"<annotation><filename>{key}.jpg</filename><object><name>dog</name>{box}</object></annotation>"
        published.text(tmp_path / "Annotations" / f"{key}.xml", xml)
        published.text(tmp_path / "ImageSets" / "Main" / "train.txt", "\n".join(PUBLISHED))
    found = detect(tmp_path)
    assert {one.kind for one in found} == {"segmentation", "detection"}
    segment, boxes = (next(read(one) for one in found if one.kind == kind) for kind in ("segmentation", "detection"))
    assert segment.keys(0) == boxes.keys(0)


def test_pascal_context(tmp_path):
    voc(tmp_path, PUBLISHED, numbers(0, 59), labels="SegmentationClassContext", lists="SegmentationContext")
    found = detect(tmp_path)
    assert "PASCAL-Context (train), 60 classes" in found[0].evidence
    assert read(found[0]).names[59] == "wood"


def test_data_of_ones_own_is_not_called_by_vocs_names(tmp_path):
    voc(tmp_path, ("a", "b", "c"), numbers(0, 1, 255), parts=())
    (found,) = detect(tmp_path)
    assert (found.rows, read(found).names) == (3, ("class 0", "class 1"))
    published.text(tmp_path / "labels.txt", "ground\ncrack\n")
    (found,) = detect(tmp_path)
    assert read(found).names == ("ground", "crack")


def test_cvats_colours(tmp_path):
    colours = ((0, 0, 0), (250, 50, 83))
    voc(tmp_path, ("a", "b"), lambda place: Image.new("RGB", (6, 4), colours[place]), parts=("default",))
    published.text(
        tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:250,50,83::\n"
    )
    (found,) = detect(tmp_path)
    reader = read(found)
    assert reader.names == ("background", "crack")
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(2)] == [0, 1]


def test_label_images_that_are_none_are_a_problem(tmp_path):
    voc(
        tmp_path,
        ("a", "b"),
        lambda place: Image.fromarray(np.arange(24 * place, 24 * place + 24).reshape(4, 6).astype(np.uint8)),
        parts=(),
    )
    (found,) = detect(tmp_path)
    assert "of which " in found.problems[0]
