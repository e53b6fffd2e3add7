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


def test_images_with_another_ending_are_named_also_within_a_class(tmp_path):
    images(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
    for name in ("cat/3.HEIC", "cat/4.HEIC", "dog/2.HEIC", "docs/logo.svg"):
        write(tmp_path / name, b"xx")
    contents = inspect_folder(tmp_path)
    assert [one.rows for one in contents.datasets] == [3]
    assert [(str(miss), miss.format) for miss in contents.near_misses] == [
        (f"{tmp_path}/cat/3.HEIC and 2 more: image: got an ending that is not read; want JPEG or PNG files", "image"),
        (f"{tmp_path}/docs/logo.svg: got an ending that is not read; want JPEG or PNG files", ""),
    ]


def test_an_ending_that_readers_know_is_no_other(tmp_path, monkeypatch):
    images(tmp_path, "cat/1.jpg", "cat/2.avif", "dog/1.jpg")
    monkeypatch.setattr("motet.data.formats.paths.IMAGE_SUFFIXES", frozenset({".jpg", ".avif"}))
    assert inspect_folder(tmp_path).near_misses == ()
