"""Captions and boxes in COCO's JSON, of COCO and of one's own images."""

import pytest
from user_folders import coco, image, images, read, summaries, write

from motet.data.detect import detect

BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}


def boxes(path, listed, annotations, names=("cat", "dog")):
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(names)]
    write(path, {"images": listed, "annotations": annotations, "categories": categories})


def test_coco_captions(tmp_path):
    coco(tmp_path)
    assert summaries(tmp_path) == [
        ("CocoCaptions", "captioning", "captions", "train", 1),
        ("CocoCaptions", "captioning", "captions", "val", 1),
    ]
    assert [read(found)[0].image_ids for found in detect(tmp_path)] == [("coco/9",), ("coco/25",)]


def test_other_images_in_coco_form_have_ids_of_their_own(tmp_path):
    images(tmp_path, "birds/images/robin.jpg")
    data = {"images": [{"id": 1, "file_name": "robin.jpg"}], "annotations": [{"image_id": 1, "caption": "A robin."}]}
    write(tmp_path / "birds" / "captions.json", data)
    (found,) = detect(tmp_path)
    assert read(found)[0].image_ids == ("birds/images/robin.jpg",)


def test_a_misspelled_key_is_a_problem_in_the_words_of_the_reader(tmp_path):
    coco(tmp_path, caption="captoin")
    found = detect(tmp_path)
    assert [one.rows for one in found] == [0, 0]
    assert "key 'caption'" in found[0].problems[0]
    assert "captions_train2017.json, row 0" in found[0].problems[0]


def test_missing_images_are_a_problem(tmp_path):
    coco(tmp_path)
    (tmp_path / "val2017" / "000000000025.jpg").unlink()
    assert [bool(found.problems) for found in detect(tmp_path)] == [False, True]


def test_coco_boxes_with_captions_of_the_same_images(tmp_path):
    image(tmp_path / "train2017" / "000000000009.jpg")
    listed = [{"id": 9, "file_name": "000000000009.jpg"}]
    box = {**BOX, "image_id": 9}
    boxes(tmp_path / "annotations" / "instances_train2017.json", listed, [box])
    boxes(tmp_path / "annotations" / "person_keypoints_train2017.json", listed, [{**box, "keypoints": [0, 0, 0]}])
    caption = {"id": 1, "image_id": 9, "caption": "A cat."}
    write(tmp_path / "annotations" / "captions_train2017.json", {"images": listed, "annotations": [caption]})
    assert summaries(tmp_path) == [
        ("CocoCaptions", "captioning", "captions", "train", 1),
        ("CocoInstances", "detection", "boxes", "train", 1),
    ]
    assert [read(found).keys(0) for found in detect(tmp_path)] == [("coco/9",), ("coco/9",)]


def test_keypoints_count_where_nothing_else_has_boxes(tmp_path):
    image(tmp_path / "cats" / "images" / "tom.jpg")
    boxes(tmp_path / "cats" / "own.json", [{"id": 1, "file_name": "tom.jpg"}], [{**BOX, "keypoints": []}])
    (found,) = detect(tmp_path)
    assert (found.reader, read(found).keys(0)) == ("CocoInstances", ("cats/images/tom.jpg",))


def test_boxes_whose_images_or_end_are_missing_are_a_problem(tmp_path):
    boxes(tmp_path / "val.json", [{"id": 1, "file_name": "tom.jpg"}], [BOX])
    (found,) = detect(tmp_path)
    assert (found.split, found.rows) == ("val", 0)
    assert "no folder with the image tom.jpg" in found.problems[0]
    whole = (tmp_path / "val.json").read_text()
    (tmp_path / "val.json").write_text(whole[:-3])
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind) == ("CocoInstances", "detection")
    assert "JSON: got" in found.problems[0]


@pytest.mark.parametrize("folders", [("images/train", "images/val"), ("train", "valid"), ("Train", "VAL")])
@pytest.mark.parametrize("name", ["{}.jpg", "{:012d}.jpg"])
def test_splits_that_number_their_images_alike_keep_their_own(tmp_path, folders, name):
    listed = [{"id": number, "file_name": name.format(number)} for number in (1, 2)]
    for split, folder in zip(("train2017", "val2017"), folders, strict=True):
        for number in (1, 2):
            image(tmp_path / folder / name.format(number), shade=100 * (split == "train2017") + number)
        boxes(tmp_path / "annotations" / f"instances_{split}.json", listed, [BOX])
        captions = {"images": listed, "annotations": [{"image_id": 1, "caption": split}]}
        write(tmp_path / "annotations" / f"captions_{split}.json", captions)
    found = detect(tmp_path)
    assert [(one.reader, one.split) for one in found] == [
        ("CocoCaptions", "train"),
        ("CocoCaptions", "val"),
        ("CocoInstances", "train"),
        ("CocoInstances", "val"),
    ]
    assert [one.arguments["images"].relative_to(tmp_path).as_posix() for one in found] == [*folders, *folders]
    keys = [[read(one).keys(row)[0] for row in range(one.rows)] for one in found]
    assert not set(keys[2]) & set(keys[3])
    assert keys[0] == keys[2][:1]  # the same file has the same id, whichever file lists it
    assert keys[1] == keys[3][:1]


def test_two_lists_of_one_folder_share_the_ids_of_their_files_only(tmp_path):
    for number in range(4):
        image(tmp_path / "images" / f"p{number}.jpg", shade=50 * number)
    for split, first in (("train", 0), ("val", 2)):
        listed = [{"id": place, "file_name": f"p{first + place}.jpg"} for place in range(2)]
        boxes(tmp_path / f"{split}.json", listed, [{**BOX, "image_id": 0}])
    train, val = (read(found) for found in detect(tmp_path))
    root = tmp_path.name
    assert [train.keys(row)[0] for row in range(2)] == [f"{root}/images/p0.jpg", f"{root}/images/p1.jpg"]
    assert [val.keys(row)[0] for row in range(2)] == [f"{root}/images/p2.jpg", f"{root}/images/p3.jpg"]


def test_other_data_beside_the_images_is_found_too(tmp_path):
    image(tmp_path / "p.jpg")
    boxes(tmp_path / "boxes.json", [{"id": 1, "file_name": "p.jpg"}], [BOX])
    write(tmp_path / "captions.csv", "image,caption\np.jpg,A cat on a sofa.\n")
    assert [one.reader for one in detect(tmp_path)] == ["CocoInstances", "Table"]


def test_one_file_whose_images_may_be_in_two_folders_is_left_out(tmp_path):
    for split in ("train", "test"):
        image(tmp_path / split / "p.jpg", shade=100 * (split == "test"))
    boxes(tmp_path / "boxes.json", [{"id": 1, "file_name": "p.jpg"}], [BOX])
    (found,) = detect(tmp_path)
    assert "boxes.json: got the image p.jpg in" in found.problems[0]


@pytest.mark.parametrize("rest", [{"annotations": []}, {"annotations": None}, {}])
def test_images_without_annotations_are_a_problem_of_their_file_only(tmp_path, rest):
    for split in ("train", "test"):
        image(tmp_path / split / "p.jpg", shade=100 * (split == "test"))
    boxes(tmp_path / "train.json", [{"id": 1, "file_name": "p.jpg"}], [BOX])
    listed = [{"id": 1, "file_name": "p.jpg"}]
    write(tmp_path / "test.json", {"images": listed, "categories": [{"id": 1, "name": "cat"}], **rest})
    found = {one.split: one.problems for one in detect(tmp_path)}
    assert found["train"] == ()
    assert "test.json: got 1 images and no annotation; want a bbox or a caption" in found["test"][0]


def test_annotations_of_another_kind_are_a_problem(tmp_path):
    listed = {"images": [{"id": 1, "file_name": "p.jpg"}], "annotations": [{"image_id": 1, "category_id": 1}]}
    write(tmp_path / "kinds.json", listed)
    (found,) = detect(tmp_path)
    assert "kinds.json: got annotations with the keys image_id, category_id; want a bbox" in found.problems[0]
    write(tmp_path / "kinds.json", {**listed, "annotations": [{"image_id": 1, "segments_info": []}]})
    assert detect(tmp_path) == ()  # panoptic COCO lies beside the boxes


def test_a_file_without_categories_and_with_odd_entries_first_is_one_of_boxes(tmp_path):
    image(tmp_path / "p.jpg")
    write(tmp_path / "a.json", {"images": [{"id": 1, "file_name": "p.jpg"}], "annotations": [{"id": 0}, BOX]})
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind) == ("CocoInstances", "detection")
    assert "key 'categories'" in found.problems[0]


def test_a_category_that_groups_is_no_class(tmp_path):
    image(tmp_path / "train" / "p.jpg")
    grouped = [{"id": 0, "name": "ships", "supercategory": "none"}, {"id": 1, "name": "boat", "supercategory": "ships"}]
    listed = {"images": [{"id": 1, "file_name": "p.jpg"}], "annotations": [BOX], "categories": grouped}
    write(tmp_path / "train" / "_annotations.coco.json", listed)
    (found,) = detect(tmp_path)
    assert read(found).names == ("boat",)
