"""Detection in whole folders: nothing to find, and several data sets side by side."""

import pytest
from user_folders import coco, images, vqa, write

from motet.core import DataError
from motet.data.detect import detect


def test_a_folder_without_data_sets(tmp_path):
    images(tmp_path, "a.jpg", "b.jpg")
    write(tmp_path / "notes.txt", "words\n")
    assert detect(tmp_path) == ()
    with pytest.raises(DataError, match="got no folder"):
        detect(tmp_path / "none")


def test_no_file_is_detected_twice(tmp_path):
    coco(tmp_path / "coco")
    vqa(tmp_path / "vqa")
    images(tmp_path, "pets/cat/1.jpg", "pets/dog/1.jpg")
    assert sorted(found.reader for found in detect(tmp_path)) == [
        "CocoCaptions",
        "CocoCaptions",
        "ImageFolder",
        "Vqav2",
    ]
