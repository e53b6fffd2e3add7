from pathlib import Path

import pytest
from PIL import Image

from motet.core import DataError
from motet.data.formats.image_size import check_size, image_size_hw

AT = {"path": Path("boxes.json"), "row": 2}


@pytest.mark.parametrize(("orientation", "size_hw"), [(1, (4, 6)), (3, (4, 6)), (6, (6, 4)), (8, (6, 4))])
def test_the_size_is_that_after_the_orientation_is_applied(tmp_path, orientation, size_hw):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert image_size_hw(tmp_path / "a.jpg") == size_hw


def test_the_pixels_of_a_photo_are_not_decoded(tmp_path):
    Image.effect_noise((60, 40), 60).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    assert image_size_hw(tmp_path / "cut.jpg") == (40, 60)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no image", "a file that starts with b'no image'; want a file in one of the formats"),
        (b"", "a file that"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, data, message):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(DataError, match=rf"image: got {message}.*a.jpg\)"):
        image_size_hw(tmp_path / "a.jpg")


def test_a_stated_size_must_be_that_of_the_file(tmp_path, image):
    file = image(tmp_path / "a.png")
    assert check_size(None, file, **AT) == check_size((4, 6), file, **AT) == (4, 6)
    with pytest.raises(DataError, match=r"size: got 4 x 6; want 6 x 4 pixels .*a.png has.* \(boxes.json, row 2\)"):
        check_size((6, 4), file, **AT)


def test_sides_that_changed_places_are_told_of_with_the_likely_reason(tmp_path, image):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "photo.jpg", exif=exif)
    with pytest.raises(DataError, match=r"got 6 x 4; want 4 x 6 pixels .* once its EXIF orientation turns it upright"):
        check_size((4, 6), tmp_path / "photo.jpg", **AT)
    with pytest.raises(DataError, match=r"got 4 x 6; want 6 x 4 pixels .*has: width and height are swapped"):
        check_size((6, 4), image(tmp_path / "a.png"), **AT)
    with pytest.raises(DataError, match=r"got 9 x 9; want 4 x 6 pixels .*photo.jpg has \("):
        check_size((9, 9), tmp_path / "photo.jpg", **AT)
