"""Files whose names annotations spell in another way than the folder does."""

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.find_file import files_alike, find_file
from motet.data.formats.paths import image_at

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems take some of these names for equal")


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def nfd(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ("images/p.jpg", "images\\p.jpg"),
        ("images/p.jpg", ".\\images\\p.jpg"),
        ("images/p.jpg", "images\\\\p.jpg"),
        ("a/b/p.jpg", "a/b\\p.jpg"),
        (nfd("café.jpg"), nfc("café.jpg")),
        (nfc("café.jpg"), nfd("café.jpg")),
        (nfd("été/café.jpg"), nfc("été\\café.jpg")),
        ("IMG_1.JPG", "img_1.jpg"),
        ("Images/P.jpg", "images/p.JPG"),
        ("straße.jpg", "STRASSE.jpg"),
        (os.fsdecode(b"f\xfcr.jpg"), "für.jpg"),
        ("p.jpg", "p.jpg"),
    ],
)
def test_the_only_file_that_is_spelled_alike_is_found(tmp_path, stored, named):
    touch(tmp_path, stored, "other.jpg")
    assert find_file(tmp_path / named) == tmp_path / stored
    assert image_at(tmp_path / named, path=Path("t.csv"), row=0).path == tmp_path / stored


def test_the_exact_name_wins_and_then_the_one_in_the_same_case(tmp_path):
    touch(tmp_path, "a.jpg", "A.jpg", nfd("é.jpg"), nfd("É.jpg"), "x/a.jpg", "x\\a.jpg")
    assert find_file(tmp_path / "a.jpg") == tmp_path / "a.jpg"
    assert find_file(tmp_path / nfc("É.jpg")) == tmp_path / nfd("É.jpg")
    assert find_file(tmp_path / "x\\a.jpg") == tmp_path / "x\\a.jpg"


def test_several_that_fit_are_told_of_and_none_is_taken(tmp_path):
    touch(tmp_path, "a.jpg", "A.jpg")
    assert find_file(tmp_path / "a.JPG") is None
    with pytest.raises(DataError, match=r"2 that differ from it in upper and lower case .*\(A.jpg, a.jpg\)"):
        image_at(tmp_path / "a.JPG", path=Path("t.csv"), row=3)


@pytest.mark.parametrize("name", ["..\\secret.jpg", "b\\..\\..\\secret.jpg", "C:\\data\\secret.jpg"])
def test_a_name_that_leads_out_of_the_folder_is_never_found(tmp_path, name):
    touch(tmp_path, "secret.jpg", "d/b/a.jpg")
    assert files_alike(tmp_path / "d" / name) == []
    with pytest.raises(DataError, match="a name with backslashes, as Windows writes paths"):
        image_at(tmp_path / "d" / name, path=Path("t.csv"), row=3)


def test_a_folder_or_an_impossible_name_is_no_file(tmp_path):
    touch(tmp_path, "A/b.jpg")
    assert [find_file(tmp_path / name) for name in ("a", "A", "x" * 5000, "a\0b", "no/b.jpg")] == [None] * 5


def test_a_file_that_comes_later_is_found(tmp_path):
    assert find_file(tmp_path / "b.jpg") is None
    touch(tmp_path, "B.jpg")
    os.utime(tmp_path, ns=(1, 1))  # as an old file system, whose clock is coarse, would not show in this test
    assert find_file(tmp_path / "b.jpg") == tmp_path / "B.jpg"
