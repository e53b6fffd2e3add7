"""References to images in exports of Label Studio, and the files that they are."""

from pathlib import Path

import pytest

from motet.data.formats.label_studio_images import StudioTask, image_candidates, is_reference, studio_files


@pytest.mark.parametrize(
    ("data", "candidates"),
    [
        ({"image": "a.jpg"}, ("a.jpg",)),
        ({"image": "/data/upload/1/0a1b2c3d-a.jpg"}, ("data/upload/1/0a1b2c3d-a.jpg", "0a1b2c3d-a.jpg", "a.jpg")),
        ({"text": "hello", "img": "/data/local-files/?d=x%20y/a.png"}, ("x y/a.png", "a.png")),
        ({"image": "gs://bucket/x/a.webp"}, ("x/a.webp", "a.webp")),
        ({"image": "https://[broken/a.jpg"}, ("https://[broken/a.jpg", "a.jpg")),
        ({"text": "hello"}, ()),
        ({}, ()),
    ],
)
def test_candidates_of_a_reference(data, candidates):
    assert image_candidates(data) == candidates


@pytest.mark.parametrize(("value", "expected"), [("a.JPG", True), ("x?d=a.png", True), ("A cat.", False), (7, False)])
def test_what_refers_to_an_image(value, expected):
    assert is_reference(value) == expected


def test_files_of_tasks(tmp_path, image):
    image(tmp_path / "a.jpg")
    references = [("x/a.jpg", "a.jpg"), ("b.jpg",), ()]
    tasks = [StudioTask(str(row), candidates, {}, row) for row, candidates in enumerate(references)]
    files = studio_files(tasks, tmp_path, Path("p.json"))
    assert [file for file, _ in files] == ["a.jpg", "b.jpg", ""]
    assert [error is None for _, error in files] == [True, True, False]


def test_one_file_for_two_uploads_is_an_error_and_for_one_reference_is_none(tmp_path, image):
    image(tmp_path / "a.jpg")
    uploads = [StudioTask(str(row), (f"{row}0000000-a.jpg", "a.jpg"), {}, row) for row in range(2)]
    assert all("more than one task" in str(error) for _, error in studio_files(uploads, tmp_path, Path("p.json")))
    same = [StudioTask(str(row), ("x/a.jpg", "a.jpg"), {}, row) for row in range(2)]
    assert all(error is None for _, error in studio_files(same, tmp_path, Path("p.json")))
