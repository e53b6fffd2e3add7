"""JSON files that are not read: of other tools, nearly of a known format, or of none."""

import pytest
from user_folders import images, write

from motet.data.detect import inspect_folder

SIZES = [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}]


def miss(folder):
    (found,) = [one for one in inspect_folder(folder).near_misses if one.path.suffix == ".json"]
    return found


@pytest.mark.parametrize(
    ("data", "tool"),
    [
        ({"a.jpg123": {"filename": "a.jpg", "size": 123, "regions": []}}, "VGG Image Annotator"),
        ({"_via_settings": {}, "_via_img_metadata": {}}, "VGG Image Annotator"),
        ([{"image": "a.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}], "CreateML"),
        ({"infos": {}, "categories": {}, "items": []}, "Datumaro"),
    ],
)
def test_the_format_of_another_tool_is_named_with_what_to_export(tmp_path, data, tool):
    images(tmp_path, "a.jpg")
    write(tmp_path / "project.json", data)
    found = miss(tmp_path)
    assert found.format == tool
    assert "annotations in its own format" in found.got
    assert found.want == "an export as COCO, YOLO or Pascal VOC"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            {"images": [], "annotations": [{"image_id": 1}]},
            "COCO: got 1 in 'annotations', none in 'images'; want at least one in 'images': an export with its labels",
        ),
        (
            {"images": SIZES, "annotations": [{"image_id": 1, "segments_info": []}]},
            "got COCO panoptic segments; want boxes (instances_*.json) or captions: no reader is for it",
        ),
        (
            [{"imageId": "a", "question": "What?", "reply": "dog"}],
            "GQA questions: got JSON with keys 'imageId', 'question', 'reply'; want also 'answer'",
        ),
        (
            {"x": 1, "w": 2, "y": 3},
            "got JSON with keys 'x', 'w', 'y'; want a known format; the nearest is Visual Genome objects, which "
            "has also "
            "'h', 'image_id', 'names', 'objects'",
        ),
        (
            {"name": "mine", "version": 3},
            "got JSON with keys 'name', 'version'; want a known format (docs/DATA.md), if it is about images",
        ),
        ([1, 2], "got JSON with a list without keys; want a known format (docs/DATA.md), if it is about images"),
        ('{"name": ', "got Expecting value at column 10 (JSON); want a whole JSON value"),
        (
            [{"picture": "a", "score": 0.5}],
            "table: got images in column 'picture' ('a' is a.jpg), and no column that is known for annotations "
            "('score'); want a column called label, caption, or question and answer",
        ),
    ],
)
def test_each_file_has_a_line_with_its_keys_and_the_nearest_format(tmp_path, data, line):
    images(tmp_path, "a.jpg")
    write(tmp_path / "data.json", data)
    assert str(miss(tmp_path)) == f"{tmp_path / 'data.json'}: {line}"


@pytest.mark.parametrize(
    ("data", "reader", "line"),
    [
        (
            [{"id": 1, "annotations": [{"result": []}], "data": {"image": "/upload/a.jpg"}}],
            "LabelStudio",
            "got no boxes, choices or texts; want some",
        ),
        ({"version": "5", "shapes": [], "imagePath": "a.jpg"}, "LabelMe", "boxes: got none; want at least one"),
        (
            {"images": SIZES, "annotations": [], "categories": [{"id": 1, "name": "nut"}]},
            "CocoInstances",
            "got 1 images and no annotation; want a bbox or a caption in each",
        ),
        (
            {"images": SIZES, "annotations": [{"image_id": 1, "bbox": [1, 1, 2, 2], "category_id": 1}]},
            "CocoInstances",
            "key 'categories': got an object without it; want it",
        ),
        (
            {"images": SIZES, "annotations": [{"image_id": 1, "keywords": ["nut"]}]},
            "CocoInstances",
            "got annotations with the keys image_id, keywords; want a bbox or a caption in each",
        ),
    ],
)
def test_a_file_of_a_known_format_without_what_it_needs_is_a_problem(tmp_path, data, reader, line):
    images(tmp_path, "a.jpg")
    write(tmp_path / "data.json", data)
    (found,) = inspect_folder(tmp_path).datasets
    assert found.reader == reader
    assert line in found.problems[0]


def test_a_file_per_image_is_one_line_with_their_number(tmp_path, monkeypatch):
    monkeypatch.setattr("motet.data.detect.survey._MAX_FILES", 50)
    images(tmp_path, *(f"{index}.jpg" for index in range(40)))
    for index in range(40):
        write(tmp_path / f"{index}.json", {"filename": f"{index}.jpg", "regions": []})
    found = miss(tmp_path)
    assert (found.path.name, found.more) == ("0.json", 39)


def test_coco_keypoints_beside_boxes_are_a_note(tmp_path):
    images(tmp_path, "a.jpg")
    boxes = {"image_id": 1, "id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}
    data = {"images": SIZES, "annotations": [boxes], "categories": [{"id": 1, "name": "person"}]}
    write(tmp_path / "instances.json", data)
    write(tmp_path / "keypoints.json", data | {"annotations": [boxes | {"keypoints": [1, 1, 2]}]})
    found = miss(tmp_path)
    assert (found.path.name, found.format, found.got) == ("keypoints.json", "", "COCO keypoints")
