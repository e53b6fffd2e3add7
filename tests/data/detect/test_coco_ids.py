"""Images of COCO, which have the same id in all data sets, and images that are only named alike."""

from pathlib import Path

import pytest

from motet.data.detect.coco_ids import ListedImages, files_of_coco
from motet.data.detect.image_folders import ImagesAt


def listed(path, *numbers, pattern="{:012d}.jpg", folder="images", data=None):
    images = {str(number): pattern.format(number) for number in numbers}
    return ListedImages(Path(path), data or {}, images, ImagesAt(Path(folder)))


@pytest.mark.parametrize(
    ("file", "is_coco"),
    [
        (listed("instances_train2017.json", 9, 25), True),
        (listed("mine.json", 9, 25, folder="val2017"), True),
        (listed("mine.json", 9, pattern="COCO_val2014_{:012d}.jpg"), True),
        (listed("questions.json", 9, data={"data_subtype": "train2014"}), True),
        (listed("image_info_test-dev2017.json", 1), True),
        (listed("mine.json", 9), False),
        (listed("instances_train2017.json", 9, pattern="{}.jpg"), False),
        (listed("instances_train2017.json", 9, pattern="{:06d}.jpg"), False),
        (listed("instances_train2017.json"), False),
    ],
)
def test_numbers_in_the_names_of_a_release_are_cocos(file, is_coco):
    assert files_of_coco([file]) == ({file.path} if is_coco else set())


def test_a_name_with_another_number_than_the_id_is_not_cocos():
    file = ListedImages(Path("instances_train2017.json"), {}, {"1": "000000000009.jpg"}, ImagesAt(None))
    assert files_of_coco([file]) == frozenset()
    assert file.folder == Path()


def test_splits_of_one_release_that_share_a_number_are_not_cocos():
    train, val = listed("instances_train2017.json", 0, 1, 2), listed("instances_val2017.json", 2, 3)
    captions = listed("captions_train2017.json", 0, 1, 2)
    assert files_of_coco([train, val, captions]) == frozenset()
    assert files_of_coco([train, captions]) == {train.path, captions.path}
    older = listed("instances_val2014.json", 2, pattern="COCO_val2014_{:012d}.jpg")
    assert files_of_coco([train, older]) == {train.path, older.path}
