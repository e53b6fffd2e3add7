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


@pytest.mark.parametrize(
    "place", ["bird/", "docs/a/notes.txt", "@eaDir/cat/1.jpg", "__MACOSX/cat/1.jpg", ".git/x/1.jpg"]
)
def test_folders_without_images_and_of_systems_are_no_classes(root, image, place):
    before = ImageFolder(root)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    if place.endswith(".jpg"):
        image(root / place)
    elif place.endswith(".txt"):
        (root / place).touch()
    else:
        (root / place).mkdir()
    after = ImageFolder(root)
    assert after.names == before.names
    assert len(after) == len(before) == 3
    assert len(ImageFolder(root, classes=("cat", "dog"))) == 3


def test_thumbnails_that_a_system_keeps_within_a_class_are_no_rows(root, image):
    image(root / "cat" / "@eaDir" / "a.jpg" / "SYNOPHOTO_THUMB_XL.jpg")
    assert len(ImageFolder(root)) == 3


def test_ignored_folders_are_no_classes_and_need_not_be_there(root, image):
    image(root / "originals" / "2023" / "1.jpg")
    assert ImageFolder(root).names == ("cat", "dog", "originals")
    reader = ImageFolder(root, ignore=("originals", "elsewhere"))
    assert (reader.names, len(reader)) == (("cat", "dog"), 3)


def test_a_level_says_which_folders_are_the_classes(tmp_path, image):
    for place in ("animals/cat/1.jpg", "animals/dog/1.jpg", "plants/oak/old/1.jpg", "plants/oak/2.jpg"):
        image(tmp_path / place)
    assert ImageFolder(tmp_path).names == ("animals", "plants")
    reader = ImageFolder(tmp_path, level=2)
    assert reader.names == ("animals/cat", "animals/dog", "plants/oak")
    assert [reader[row].labels["class"] for row in range(len(reader))] == [0, 1, 2, 2]
    with pytest.raises(DataError, match=r"want root/\*/\*/\*/class/image\.jpg"):
        ImageFolder(tmp_path, level=4)
    with pytest.raises(ConfigError, match="level: got 0; want 1 or more"):
        ImageFolder(tmp_path, level=0)


def test_a_folder_without_classes_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"root/class/image\.jpg"):
        ImageFolder(tmp_path)


def test_the_name_is_what_ids_start_with(root):
    assert ImageFolder(root, name="mine")[0].id == "mine/cat/a.jpg"


def test_another_part_takes_the_same_arguments(root):
    assert dataclasses.replace(ImageFolder(root), name="again").names == ("cat", "dog")
