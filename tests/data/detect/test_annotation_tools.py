"""Files of LabelMe, CVAT and Label Studio as their tools write them."""

import pytest
from user_folders import image, read, write

from motet.data.detect import detect


def labelme(path, name="cat", file="", **more):
    shape = {"label": name, "points": [[1, 2], [9, 8]], "shape_type": "rectangle"}
    data = {"version": "5.4", "shapes": [shape], "imagePath": file or f"{path.stem}.png", "imageData": None}
    write(path, {**data, "imageHeight": 10, "imageWidth": 12, **more})


@pytest.mark.parametrize(
    ("pictures", "files"), [("{}.png", "{}.json"), ("images/{}.png", "labels/{}.json"), ("a/{}.png", "a/{}.json")]
)
def test_labelme_wherever_it_lies(tmp_path, pictures, files):
    for number, name in enumerate(("cat", "dog")):
        image(tmp_path / pictures.format(number), shade=100 * number)
        labelme(tmp_path / files.format(number), name)
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.rows, found.problems) == ("LabelMe", "detection", 2, ())
    assert (read(found).names, read(found)[1].images[0].path) == (("cat", "dog"), tmp_path / pictures.format(1))


def test_labelme_in_splits_has_the_classes_of_all(tmp_path):
    for shade, (split, name) in enumerate((("train", "cat"), ("val", "dog"))):
        image(tmp_path / split / "1.png", shade=100 * shade)
        labelme(tmp_path / split / "1.json", name)
    found = detect(tmp_path)
    assert [(one.split, read(one).names) for one in found] == [("train", ("cat", "dog")), ("val", ("cat", "dog"))]
    assert [read(one)[0].images[0].path.parent.name for one in found] == ["train", "val"]


def test_labelme_with_images_that_only_its_files_name_and_with_none(tmp_path):
    image(tmp_path / "photos" / "a.png")
    labelme(tmp_path / "json" / "0001.json", file="C:\\photos\\a.png")
    (found,) = detect(tmp_path)
    assert read(found)[0].images[0].path == tmp_path / "photos" / "a.png"
    (tmp_path / "photos" / "a.png").unlink()
    (found,) = detect(tmp_path)
    assert "json: got no folder with the image a.png" in found.problems[0]


def test_labelme_with_the_image_in_its_file(tmp_path):
    image(tmp_path / "a.png")
    labelme(tmp_path / "a.json", imageData="A" * 300_000)
    (found,) = detect(tmp_path)
    assert (found.reader, found.rows) == ("LabelMe", 1)


def cvat(path, *images, tracks=""):
    box = '<box label="cat" xtl="1" ytl="2" xbr="9" ybr="8" occluded="0"></box>'
    rows = "".join(
        f'<image id="{number}" name="{name}" width="12" height="10"{subset}>{box}</image>'
        for number, (name, subset) in enumerate(images)
    )
    write(
        path,
        f'<?xml version="1.0"?>\n<annotations>\n<version>1.1</version>\n<meta></meta>\n{rows}{tracks}</annotations>',
    )


def test_cvat_for_images(tmp_path):
    image(tmp_path / "images" / "a.png")
    cvat(tmp_path / "annotations.xml", ("a.png", ""))
    (found,) = detect(tmp_path)
    assert (found.reader, found.split, found.rows, found.problems) == ("Cvat", "", 1, ())
    assert read(found)[0].labels["boxes"].boxes_xyxy.tolist() == [[1, 2, 9, 8]]


def test_cvat_in_subsets_and_in_files_per_split(tmp_path):
    for name in ("a", "b", "c"):
        image(tmp_path / "images" / f"{name}.png")
    cvat(tmp_path / "all.xml", ("a.png", ' subset="Train"'), ("b.png", ' subset="Validation"'))
    assert [(one.split, one.rows) for one in detect(tmp_path)] == [("train", 1), ("val", 1)]
    (tmp_path / "all.xml").unlink()
    cvat(tmp_path / "train.xml", ("a.png", ""), ("b.png", ""))
    cvat(tmp_path / "test.xml", ("c.png", ""))
    assert sorted((one.split, one.rows, read(one).names) for one in detect(tmp_path)) == [
        ("test", 1, ("cat",)),
        ("train", 2, ("cat",)),
    ]


def test_cvat_for_video_and_without_images_is_a_problem(tmp_path):
    cvat(tmp_path / "video.xml", tracks='<track id="0" label="cat"></track>')
    cvat(tmp_path / "images.xml", ("a.png", ""))
    problems = {one.arguments["path"].name: one.problems[0] for one in detect(tmp_path)}
    assert "want an export as 'CVAT for images 1.1'" in problems["video.xml"]
    assert "got no folder with the image a.png" in problems["images.xml"]


def studio(number, control="label", value=None, kind="rectanglelabels"):
    value = value or {"x": 25, "y": 20, "width": 50, "height": 60, "rotation": 0, "rectanglelabels": ["cat"]}
    result = {"from_name": control, "type": kind, "value": value, "original_width": 12, "original_height": 10}
    data = {"image": f"/data/upload/1/0000000{number}-p.png"}
    return {"id": number, "data": data, "annotations": [{"result": [result]}]}


def test_label_studio_has_an_entry_for_each_control(tmp_path):
    for number in range(2):
        image(tmp_path / "upload" / f"0000000{number}-p.png", shade=100 * number)
    tasks = [studio(0), studio(1)]
    for control, kind, value in (("where", "choices", {"choices": ["in"]}), ("text", "textarea", {"text": ["A cat."]})):
        tasks[0]["annotations"][0]["result"] += studio(0, control, value, kind)["annotations"][0]["result"]
    write(tmp_path / "project-1-at-2024.json", tasks)
    assert [(one.kind, one.label, one.rows, one.problems) for one in detect(tmp_path)] == [
        ("detection", "boxes", 2, ()),
        ("classification", "class", 1, ()),
        ("captioning", "captions", 1, ()),
    ]
    boxes, kinds, captions = (read(one) for one in detect(tmp_path))
    assert boxes[1].labels["boxes"].boxes_xyxy.tolist() == [[3, 2, 9, 8]]
    assert (kinds.names, captions[0].labels) == (("in",), {"captions": ("A cat.",)})


def test_label_studio_json_min_and_the_images_as_they_were_before_the_upload(tmp_path):
    image(tmp_path / "mine" / "p.png")
    box = {"x": 25, "y": 20, "width": 50, "height": 60, "rotation": 0, "rectanglelabels": ["cat"]}
    label = [{**box, "original_width": 12, "original_height": 10}]
    task = {"image": "/data/upload/1/00000000-p.png", "id": 1, "label": label, "annotator": 1, "annotation_id": 1}
    write(tmp_path / "min.json", [task])
    (found,) = detect(tmp_path)
    assert read(found)[0].images[0].path == tmp_path / "mine" / "p.png"
    assert read(found)[0].labels["boxes"].boxes_xyxy.tolist() == [[3, 2, 9, 8]]


def test_exports_of_the_splits_have_the_classes_of_all(tmp_path):
    for shade, (split, name) in enumerate((("train", "cat"), ("val", "dog"))):
        image(tmp_path / split / "00000000-p.png", shade=100 * shade)
        value = {"x": 25, "y": 20, "width": 50, "height": 60, "rectanglelabels": [name]}
        write(tmp_path / f"{split}.json", [studio(0, value=value)])
    found = detect(tmp_path)
    assert [(one.split, one.arguments["images"].name, read(one).names) for one in found] == [
        ("train", "train", ("cat", "dog")),
        ("val", "val", ("cat", "dog")),
    ]


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([{"id": 1, "data": {"image": "p.png"}, "annotations": []}], "tasks: got none with an annotation"),
        ([studio(0, value={"brushlabels": ["cat"]}, kind="brushlabels")], "got no boxes, choices or texts"),
        ([studio(5)], "got no folder with the image p.png"),
    ],
)
def test_an_export_that_cannot_be_read_is_a_problem(tmp_path, tasks, problem):
    write(tmp_path / "project.json", tasks)
    (found,) = detect(tmp_path)
    assert problem in found.problems[0]
    assert "project.json" in found.problems[0]
