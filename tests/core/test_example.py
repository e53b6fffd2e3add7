"""Images on disk and in memory: what is read, and identity by content."""

import os
import pickle

import pytest

from motet.core import DataError, DiskImage, Example, ImageFile, MemoryImage
from motet.core.example import HEAD_BYTES


def test_a_whole_file_and_a_range_of_it(tmp_path) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(b"....JPEG....")
    part = DiskImage(path, 4, 4)
    assert part.read() == b"JPEG"
    assert part.head() == b"JPEG"
    assert part.name == f"{path}@4+4"
    assert DiskImage(path).read() == b"....JPEG...."
    assert DiskImage(path).name == str(path)
    assert DiskImage(path, 8).read() == b"...."


def test_the_head_of_a_large_file_is_short(tmp_path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(HEAD_BYTES + 10))
    assert len(DiskImage(path).head()) == HEAD_BYTES
    assert len(DiskImage(path, 5, HEAD_BYTES + 5).head()) == HEAD_BYTES


def test_the_fingerprint_is_of_the_content_wherever_it_is_stored(tmp_path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"same")
    assert DiskImage(path).fingerprint() == MemoryImage("other", b"same").fingerprint()
    assert DiskImage(path).fingerprint() != MemoryImage("other", b"else").fingerprint()


def test_the_stamp_changes_with_the_file_and_not_by_reading(tmp_path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    image = DiskImage(path)
    before = image.stamp()
    image.read()
    assert image.stamp() == before
    os.utime(path, ns=(1, 1))
    assert image.stamp() != before
    assert MemoryImage("a", b"1").stamp() != MemoryImage("a", b"2").stamp()


@pytest.mark.parametrize("use", [DiskImage.read, DiskImage.head, DiskImage.stamp, DiskImage.fingerprint])
def test_a_missing_file_is_named(tmp_path, use) -> None:
    path = tmp_path / "gone.jpg"
    with pytest.raises(DataError, match=r"image: got No such file or directory; want a readable file .*gone.jpg"):
        use(DiskImage(path))


def test_images_are_image_files_that_pickle(tmp_path) -> None:
    for image in (DiskImage(tmp_path / "a.jpg"), MemoryImage("a", b"1")):
        assert isinstance(image, ImageFile)
        assert pickle.loads(pickle.dumps(image)) == image


def test_the_bytes_of_an_image_are_not_in_its_repr() -> None:
    assert "secret" not in repr(MemoryImage("a", b"secret"))


def test_an_example_has_only_keyword_fields() -> None:
    assert Example(id="a").labels == {}
    with pytest.raises(TypeError):
        Example("a")  # type: ignore[misc]
