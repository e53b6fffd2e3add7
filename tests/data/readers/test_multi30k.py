import gzip

import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import Multi30k


@pytest.fixture
def root(tmp_path, image, write):
    for name in ("10.jpg", "COCO_val2014_000000000036.jpg"):
        image(tmp_path / "flickr30k-images" / name)
    one, two = tmp_path / "data" / "task1", tmp_path / "data" / "task2"
    write(one / "image_splits" / "test_2017_mscoco.txt", "10.jpg\nCOCO_val2014_000000000036.jpg#657409\n")
    write(one / "raw" / "test_2017_mscoco.en", "A dog.\nA cat.\n")
    (one / "raw" / "test_2017_mscoco.de.gz").write_bytes(gzip.compress("Ein Hund.\nEine Kätzin.\n".encode()))
    write(two / "image_splits" / "val_images.txt", "10.jpg\n")
    for number in range(1, 6):
        write(two / "raw" / f"val.{number}.en", f"Text {number}.\n")
    return tmp_path


def test_task_1_has_one_text_a_language(root):
    reader = Multi30k(root, "test_2017_mscoco")
    assert reader[1].labels == {"captions_en": ("A cat.",), "captions_de": ("Eine Kätzin.",)}
    assert [reader.keys(index)[0] for index in range(2)] == ["flickr/10", "coco/36"]
    assert reader[1].id == "multi30k/task1/test_2017_mscoco/1"


def test_task_2_has_five(root):
    reader = Multi30k(root, "val", languages=("en",), task=2)
    assert reader[0].labels == {"captions_en": tuple(f"Text {number}." for number in range(1, 6))}


def test_a_file_of_another_length_is_named(root, write):
    path = write(root / "data" / "task1" / "raw" / "test_2017_mscoco.en", "A dog.\n")
    with pytest.raises(DataError, match="lines: got 1; want 2, one per image of test_2017_mscoco") as caught:
        Multi30k(root, "test_2017_mscoco")
    assert caught.value.path == path


def test_one_of_the_five_missing_is_named(root):
    path = root / "data" / "task2" / "raw" / "val.4.en"
    path.unlink()
    with pytest.raises(DataError, match="No such file") as caught:
        Multi30k(root, "val", languages=("en",), task=2)
    assert caught.value.path == path


def test_an_empty_line_is_an_error_of_its_row_only(root, write):
    write(root / "data" / "task1" / "raw" / "test_2017_mscoco.en", "A dog.\n \n")
    reader = Multi30k(root, "test_2017_mscoco", languages=("en",))
    assert reader[0].labels["captions_en"] == ("A dog.",)
    with pytest.raises(DataError, match=r"empty line; want words \(.*test_2017_mscoco.en, row 1\)"):
        reader[1]


def test_arguments_that_cannot_be_are_refused(root):
    with pytest.raises(ConfigError, match="languages"):
        Multi30k(root, languages=())
    with pytest.raises(ConfigError, match="task: got 3"):
        Multi30k(root, task=3)
