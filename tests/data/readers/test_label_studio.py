"""Label Studio: boxes, classes and captions of its two JSON exports."""

import json

import pytest

from motet.core import DataError
from motet.data.readers import LabelStudio

SIZE = {"original_width": 6, "original_height": 4, "image_rotation": 0}
RECTANGLE = {"x": 0, "y": 25, "width": 50, "height": 75, "rotation": 0, "rectanglelabels": ["cat"]}


def result(value, control="label", kind="rectanglelabels", **more):
    return {**SIZE, "from_name": control, "to_name": "image", "type": kind, "value": value, **more}


def task(number, *results, image="/data/upload/1/0a1b2c3d-a.jpg", **more):
    return {"id": number, "data": {"image": image}, "annotations": [{"id": 1, "result": list(results)}], **more}


@pytest.fixture
def read(tmp_path, image, write):
    folder = tmp_path / "cats"
    for name in ("0a1b2c3d-a.jpg", "b.jpg", "shelf/c.jpg"):
        image(folder / name)

    def reader(*tasks, **options):
        return LabelStudio(write(folder / "project.json", json.dumps(tasks)), folder, **options)

    return reader


def boxes(reader, row=0):
    found = reader[row].labels["boxes"]
    return found.boxes_xyxy.round(3).tolist(), [reader.names[label] for label in found.labels]


def test_rectangles_are_per_cent(read):
    unlabelled = {"id": 9, "data": {"image": "b.jpg"}, "annotations": []}
    reader = read(task(7, result(RECTANGLE)), task(8, image="b.jpg"), unlabelled)
    assert (len(reader), reader[0].id, reader.keys(0)) == (2, "cats/project/7", ("cats/0a1b2c3d-a.jpg",))
    assert (boxes(reader), boxes(reader, 1)) == (([[0, 1, 3, 4]], ["cat"]), ([], []))


@pytest.mark.parametrize(
    ("value", "kind", "box"),
    [
        ({"points": [[0, 25], [50, 50], [25, 75]], "polygonlabels": ["cat"]}, "polygonlabels", [0, 1, 3, 3]),
        ({"x": 50, "y": 50, "radiusX": 25, "radiusY": 25, "ellipselabels": ["cat"]}, "ellipselabels", [1.5, 1, 4.5, 3]),
        ({**RECTANGLE, "x": 50, "y": 0, "width": 50, "height": 50, "rotation": 90}, "rectanglelabels", [1, 0, 3, 3]),
    ],
)
def test_the_box_around_a_shape(read, value, kind, box):
    assert boxes(read(task(1, result(value, kind=kind)))) == ([box], ["cat"])


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("/data/upload/1/0a1b2c3d-a.jpg", "0a1b2c3d-a.jpg"),
        ("/data/upload/1/ffff0000-b.jpg", "b.jpg"),
        ("/data/local-files/?d=shelf/c.jpg", "shelf/c.jpg"),
        ("/data/local-files/?d=photos%2Fb.jpg", "b.jpg"),
        ("s3://bucket/photos/b.jpg", "b.jpg"),
        ("https://example.org/photos/b.jpg?size=9", "b.jpg"),
        ("shelf\\c.jpg", "shelf/c.jpg"),
    ],
)
def test_images_are_found_by_their_reference(read, reference, file):
    reader = read(task(1, result(RECTANGLE), image=reference))
    assert reader.keys(0) == (f"cats/{file}",)
    assert len(boxes(reader)[0]) == 1


def test_two_uploads_with_one_name_are_not_the_same_image(read):
    uploads = ("/data/upload/1/ffff0000-b.jpg", "/data/upload/1/eeee0000-b.jpg")
    tasks = [task(number, result(RECTANGLE), image=image) for number, image in enumerate(uploads)]
    reader = read(*tasks, names=("cat",))
    for row in range(2):
        with pytest.raises(DataError, match=rf"image: got 'b.jpg' for more than one task; .*row {row}\)"):
            reader[row]
    texts = [result({"text": ["A cat."]}, "caption", "textarea")]
    reader = read(*(task(number, *texts, image=image) for number, image in enumerate(uploads)))
    with pytest.raises(DataError, match="for more than one task"):
        reader[0]


def test_each_control_is_read_by_its_name(read):
    results = (
        result(RECTANGLE),
        result({"choices": ["indoors"]}, "where", "choices"),
        result({"text": ["A cat.", "One cat."]}, "caption", "textarea"),
        result({**RECTANGLE, "choices": ["big"]}, "size", "choices"),
        result({"brushlabels": ["cat"], "rle": [1]}, "brush", "brushlabels"),
    )
    tasks = (task(1, *results), task(2, result({"choices": ["outdoors"]}, "where", "choices"), image="b.jpg"))
    where = read(*tasks, control="where")
    assert (where.names, [where[row].labels for row in range(2)]) == (
        ("indoors", "outdoors"),
        [{"class": 0}, {"class": 1}],
    )
    captions = read(*tasks, control="caption")
    assert (len(captions), captions[0].labels) == (1, {"captions": ("A cat.", "One cat.")})
    assert (captions[0].id, captions.keys(0)) == ("cats/project/1", ("cats/0a1b2c3d-a.jpg",))
    assert boxes(read(*tasks, control="label"))[1] == ["cat"]
    with pytest.raises(DataError, match=r"control: got ''; want one of the export \(known: caption, label, where\)"):
        read(*tasks)
    with pytest.raises(DataError, match=r"control: got 'lable'.*did you mean 'label'"):
        read(*tasks, control="lable")


def test_of_several_annotations_the_ground_truth_or_the_first_counts(read):
    dog = {**RECTANGLE, "rectanglelabels": ["dog"]}
    annotations = [
        {"was_cancelled": True, "result": []},
        {"result": [result(RECTANGLE)]},
        {"result": [result(dog)], "ground_truth": True},
    ]
    assert boxes(read({**task(1), "annotations": annotations}))[1] == ["dog"]
    assert boxes(read({**task(1), "annotations": annotations[:2]}))[1] == ["cat"]
    assert boxes(read({"id": 1, "data": {"image": "b.jpg"}, "completions": annotations[:2]}))[1] == ["cat"]


MIN = {"annotator": 1, "annotation_id": 4, "lead_time": 2.5, "image": "/data/upload/1/0a1b2c3d-a.jpg"}


def test_json_min(read):
    tasks = [
        {**MIN, "id": 1, "label": [{**RECTANGLE, **SIZE}], "kind": "cat", "caption": ["A cat.", "Tom."]},
        {**MIN, "id": 2, "label": [], "kind": {"choices": ["dog"]}, "caption": "A dog that sleeps.", "image": "b.jpg"},
        {**MIN, "id": 2, "annotation_id": 5, "kind": "cow", "image": "b.jpg"},
    ]
    assert boxes(read(*tasks, control="label")) == ([[0, 1, 3, 4]], ["cat"])
    assert len(read(*tasks, control="label")) == 2
    kinds = read(*tasks, control="kind", names=("dog", "cat"))
    assert [kinds[row].labels["class"] for row in range(2)] == [1, 0]
    captions = read(*tasks, control="caption")
    assert [captions[row].labels["captions"] for row in range(2)] == [("A cat.", "Tom."), ("A dog that sleeps.",)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (result({**RECTANGLE, "rectanglelabels": []}), r"label: got a shape without a class; .*row 0\)"),
        (result({**RECTANGLE, "x": None}), r"x: got None; want a number .*row 0\)"),
        (result({**RECTANGLE, "width": 150}), "want a box inside the image"),
        (result(RECTANGLE, original_width=9), "size: got 9 x 4; want 6 x 4"),
        (result(RECTANGLE, original_width=None), r"width: got None.*row 0\)"),
        (result(RECTANGLE, image_rotation=90), "image_rotation: got 90; want 0"),
        (result({"points": [], "polygonlabels": ["cat"]}, kind="polygonlabels"), "points: got none"),
    ],
)
def test_a_wrong_shape_is_an_error_of_its_row(read, given, message):
    reader = read(task(1, given), task(2, result(RECTANGLE), image="b.jpg"))
    with pytest.raises(DataError, match=message):
        reader[0]
    assert boxes(reader, 1) == ([[0, 1, 3, 4]], ["cat"])


@pytest.mark.parametrize(
    ("texts", "names", "message"),
    [
        (["a", "b"], (), r"class: got 2 choices; want one .*row 0\)"),
        (["a"], ("b",), r"class: got 'a', a class that names lacks; .*row 0\)"),
    ],
)
def test_a_wrong_choice_is_an_error_of_its_row(read, texts, names, message):
    with pytest.raises(DataError, match=message):
        read(task(1, result({"choices": texts}, "c", "choices")), names=names)[0]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (({"a": 1},), "file: got no export of Label Studio"),
        ((), "file: got no export of Label Studio"),
        (({"id": 1, "data": {"image": "b.jpg"}, "annotations": []},), "tasks: got none with an annotation"),
        ((task(1), "text"), r"task: got 'text'; want an object .*row 1\)"),
    ],
)
def test_another_file_is_an_error(read, tasks, message):
    with pytest.raises(DataError, match=message):
        read(*tasks)


def test_a_task_without_an_image_is_an_error_of_its_row(read):
    reader = read(task(1, result(RECTANGLE), image="../../x.jpg"), task(2, result(RECTANGLE), image=7))
    with pytest.raises(DataError, match=r"image: got no file .*row 0\)"):
        reader[0]
    with pytest.raises(DataError, match=r"image: got none in the task; want one .*row 1\)"):
        reader[1]
