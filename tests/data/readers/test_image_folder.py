import dataclasses

import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import ImageFolder


@pytest.fixture
def root(tmp_path, image):
    for place in ("dog/b.png", "cat/a.jpg", "cat/deep/c.JPG"):
        image(tmp_path / "pets" / place)
    (tmp_path / "pets" / "cat" / "notes.txt").touch()
    (tmp_path / "pets" / "cat" / ".hidden.jpg").touch()
    (tmp_path / "pets" / "README.md").touch()
    return tmp_path / "pets"


def test_classes_are_sorted_and_rows_follow_them(root):
    reader = ImageFolder(root)
    assert reader.names == ("cat", "dog")
    assert [reader[index].id for index in range(3)] == ["pets/cat/a.jpg", "pets/cat/deep/c.JPG", "pets/dog/b.png"]
    assert [reader[index].labels["class"] for index in range(3)] == [0, 0, 1]


def test_given_classes_keep_their_order_and_may_have_no_folder(root):
    reader = ImageFolder(root, classes=("dog", "bird", "cat"))
    assert [reader[index].labels["class"] for index in range(3)] == [2, 2, 0]


def test_a_folder_that_is_no_given_class_is_named(root):
    with pytest.raises(DataError, match="did you mean 'dogs'") as caught:
        ImageFolder(root, classes=("cat", "dogs"))
    assert caught.value.path == root / "dog"


def test_folders_can_stand_for_words(root):
    assert ImageFolder(root, rename={"cat": "tabby cat"}).names == ("tabby cat", "dog")
    with pytest.raises(ConfigError, match="want a class folder"):
        ImageFolder(root, rename={"cats": "tabby cat"})
    with pytest.raises(ConfigError, match="more than once"):
        ImageFolder(root, rename={"cat": "dog"})


def test_a_class_without_images_is_named(root):
    (root / "bird").mkdir()
    with pytest.raises(DataError, match="got no images") as caught:
        ImageFolder(root)
    assert caught.value.path == root / "bird"


def test_a_folder_without_classes_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"root/class/image\.jpg"):
        ImageFolder(tmp_path)


def test_the_name_is_what_ids_start_with(root):
    assert ImageFolder(root, name="mine")[0].id == "mine/cat/a.jpg"


def test_another_part_takes_the_same_arguments(root):
    assert dataclasses.replace(ImageFolder(root), name="again").names == ("cat", "dog")
