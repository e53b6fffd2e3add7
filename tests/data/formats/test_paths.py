from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.core import DataError
from motet.data.formats.paths import (
    annotated_image,
    coco_id,
    default_name,
    file_names,
    image_at,
    is_image,
    path_inside,
    photo_id,
    vg_id,
    with_image_ending,
)
from motet.preprocess.image_formats import image_suffixes

ROOT = Path("/data/images")


@pytest.mark.parametrize(
    "name", ["../a.jpg", "a/../../b.jpg", "/etc/passwd", "", ".", "a/..", "\0", "/data/images/../b"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(name):
    with pytest.raises(DataError, match=r"want a file inside .*\(t.csv, row 4\)"):
        path_inside(ROOT, name, path=Path("t.csv"), row=4)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.jpg", "a.jpg"),
        ("b/a.jpg", "b/a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("/data/images/b/a.jpg", "b/a.jpg"),
        ("b//a", "b/a"),
    ],
)
def test_a_place_inside_is_relative_to_the_folder(name, place):
    assert path_inside(ROOT, name, path=Path("t.csv"), row=0) == place


@given(st.text(alphabet="ab./", max_size=12))
def test_whatever_is_accepted_lies_inside(name):
    try:
        place = path_inside(ROOT, name, path=Path("t.csv"), row=0)
    except DataError:
        return
    assert ".." not in Path(place).parts
    assert not Path(place).is_absolute()


def test_one_photo_has_one_id_in_all_data_sets():
    assert photo_id("1000268201_693b08cb0e.jpg") == photo_id("1000268201.jpg") == photo_id("1000268201.jpg#3")
    assert photo_id("COCO_train2014_000000000009.jpg") == coco_id(9)
    assert vg_id("007") == "vg/7"


def test_a_place_is_called_by_its_folder_and_part():
    assert default_name(Path("/x/birds/train")) == "birds/train"
    assert default_name(Path("/x/birds/all")) == "all"
    assert default_name(Path("/x/birds/images/train")) == "birds/images/train"
    assert default_name(Path("/images")) == "images"
    assert default_name(Path("/x/birds/train.tsv.gz")) == "birds/train"
    assert default_name(Path("/")) == ""


def test_a_missing_image_names_the_row_that_asks(tmp_path):
    with pytest.raises(DataError, match=r"got no file .*a.jpg; .*t.csv, row 2\)"):
        image_at(tmp_path / "a.jpg", path=tmp_path / "t.csv", row=2)


def test_hidden_files_are_passed_over(tmp_path):
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "b").touch()
    (tmp_path / "a").touch()
    for name in ("@eaDir", "__MACOSX", ".git", "__pycache__"):
        (tmp_path / name).mkdir()
    assert file_names(tmp_path) == ["a", "b"]
    with pytest.raises(DataError, match="folder: got"):
        file_names(tmp_path / "none")


def test_images_are_told_by_their_ending():
    assert is_image("a.JPG")
    assert not is_image("a.jpg.txt")
    assert not is_image(".jpg")


@given(st.text(st.sampled_from("a./\nJjPpGg"), max_size=8).filter(lambda name: not name.endswith("/")))
def test_endings_are_those_of_pathlib(name):
    assert is_image(name) == (PurePosixPath(name).suffix.lower() in image_suffixes())


@pytest.mark.parametrize(("name", "chosen"), [("a.png", "a.png"), ("a", "a.JPG"), ("b.rf.1", "b.rf.1.png"), ("c", "c")])
def test_the_ending_of_an_image_may_be_missing(tmp_path, image, name, chosen):
    for file in ("a.JPG", "b.rf.1.png"):
        image(tmp_path / file)
    assert with_image_ending(tmp_path, name) == chosen


@pytest.mark.parametrize(
    ("key", "file", "present", "chosen"),
    [
        ("a", "a.png", ("a.png", "a.jpg"), "a.png"),
        ("a", "b.png", ("a.jpg", "b.png"), "a.jpg"),
        ("a", "b.png", ("b.png",), "b.png"),
        ("a", "/home/me/a.png", ("a.png",), "a.png"),
        ("a", "C:\\data\\b.png", ("b.png",), "b.png"),
        ("a", "../../b.png", ("b.png",), "b.png"),
        ("a", "a", ("a.JPG",), "a.JPG"),
        ("a", "", ("a.webp",), "a.webp"),
        ("a", "", (), "a.jpg"),
        ("a", "b.png", (), "b.png"),
    ],
)
def test_the_image_is_called_like_its_annotation_or_named_in_it(tmp_path, image, key, file, present, chosen):
    for name in present:
        image(tmp_path / name)
    assert annotated_image(tmp_path, key, file) == chosen
