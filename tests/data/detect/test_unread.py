"""What no data set has: archives and the like, folders of images, and the summary of a folder."""

import pytest
from user_folders import images, write

from motet.data.detect import inspect_folder


def lines(folder):
    return [str(one).removeprefix(str(folder)) for one in inspect_folder(folder).near_misses]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("images.zip", "got an archive; want it unpacked"),
        ("labels.xlsx", "got a spreadsheet; want it saved as a CSV file"),
        ("train.tfrecord", "got TFRecords; want image files with a table, or WebDataset tars"),
        ("a.npz", "got arrays; want image files with a table, if they are the data"),
        ("a.pkl", "got a pickle, which is never loaded; want image files with a table, if it is the data"),
        ("a.arrow", "got Arrow data; want the folder that `save_to_disk` wrote, with state.json"),
    ],
)
def test_a_file_that_is_never_read_says_what_to_do_with_it(tmp_path, name, line):
    write(tmp_path / name, b"xx")
    assert lines(tmp_path) == [f"/{name}: {line}"]


def test_other_files_have_no_line(tmp_path):
    for name in ("README.md", "LICENSE", "notes.txt", "a.py", "data.yaml", ".hidden.csv"):
        write(tmp_path / name, "words about it\n")
    assert lines(tmp_path) == []


def test_images_that_no_data_set_uses_have_a_line_and_used_ones_have_none(tmp_path):
    images(tmp_path, "train/a.jpg", "train/b.jpg", "test/c.jpg", "test/d.jpg")
    write(tmp_path / "labels.csv", "image,label\na.jpg,cat\nb.jpg,dog\n")
    assert lines(tmp_path) == [
        "/test: got 2 images without annotations; want annotations that name them, or class folders"
    ]
    write(tmp_path / "labels.csv", "image,label\ntrain/a.jpg,cat\ntest/c.jpg,dog\n")
    assert lines(tmp_path) == []


def test_images_beside_their_table_are_used(tmp_path):
    images(tmp_path, "a.jpg", "b.jpg")
    write(tmp_path / "labels.csv", "image,label\na.jpg,cat\nb.jpg,dog\n")
    assert lines(tmp_path) == []


def test_the_summary_counts_all_files(tmp_path, monkeypatch):
    monkeypatch.setattr("motet.data.detect.survey._MAX_FILES", 2)
    images(tmp_path, *(f"a/{index}.JPG" for index in range(4)), "b/1.png")
    write(tmp_path / "x.csv", "a,b\n1,2\n")
    write(tmp_path / "LICENSE", "free")
    assert inspect_folder(tmp_path).summary == "5 images, 1 without an ending, 1 .csv in 3 folders"


@pytest.mark.usefixtures("without_heic")
def test_photos_that_are_not_read_have_one_line_beside_images_that_are(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg", "cat/2.JFIF")
    for name in ("cat/e.heic", "dog/E.HEIC", "dog/f.heif", "dog/g.jxl"):
        write(tmp_path / name, b"\0\0\0\x18ftypheic")
    found = inspect_folder(tmp_path)
    assert found.datasets[0].rows == 3
    assert [str(one).removeprefix(str(tmp_path)) for one in found.near_misses] == [
        ": got 3 images in a format that is not read (cat/e.heic); want JPEG or PNG, or the extra motet[heic] "
        "(pip install 'motet[heic]')",
        ": got 1 image in a format that is not read (dog/g.jxl); want JPEG or PNG",
    ]
