"""The endings of images, which are those of the installed Pillow."""

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError, MemoryImage
from motet.data.formats.image_size import image_size_hw
from motet.preprocess.image_formats import HEIC_SUFFIXES, image_formats, image_suffixes, is_heic
from motet.preprocess.images import decode


def test_every_ending_is_of_a_format_that_is_decoded_and_no_other_program_runs():
    Image.init()
    of_pillow = Image.registered_extensions()
    assert {of_pillow[ending] for ending in image_suffixes()} == set(image_formats())
    assert not {"EPS", "WMF", "PDF"} & set(image_formats())


@pytest.mark.parametrize(
    ("ending", "kind"),
    [(".jfif", "JPEG"), (".jpe", "JPEG"), (".jp2", "JPEG2000"), (".avif", "AVIF"), (".tga", "TGA"), (".pbm", "PPM")],
)
def test_a_less_common_ending_counts_and_its_file_is_decoded(tmp_path, ending, kind):
    if kind not in image_formats():
        pytest.skip(f"Pillow without {kind}")
    Image.new("RGB", (8, 6), "red").save(tmp_path / f"a{ending}", format=kind)
    assert ending in image_suffixes()
    assert decode(MemoryImage("a", (tmp_path / f"a{ending}").read_bytes())).size == (8, 6)


def test_a_map_of_numbers_is_no_image():
    assert ".pfm" not in image_suffixes()


@pytest.mark.usefixtures("without_heic")
def test_a_photo_as_heic_names_the_extra_that_reads_it():
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    assert not image_suffixes() & HEIC_SUFFIXES
    with pytest.raises(DataError, match=r"got a photo in the format HEIC; want .*motet\[heic\].*\(some/e.heic\)"):
        decode(MemoryImage("some/e.heic", data))


def test_avif_which_has_the_same_container_is_not_taken_for_heic():
    assert not is_heic(b"\0\0\0\x18ftypavif")


def test_photos_of_phones_are_read_upright_with_their_package(tmp_path):
    pytest.importorskip("pillow_heif")
    assert image_suffixes() >= HEIC_SUFFIXES
    image, turned = Image.new("RGB", (64, 48), (200, 30, 40)), Image.Exif()
    image.paste((10, 200, 30), (32, 0, 64, 48))
    turned[0x112] = 6  # by a quarter, clockwise
    image.save(tmp_path / "a.heic", format="HEIF", exif=turned.tobytes(), quality=95)
    data = (tmp_path / "a.heic").read_bytes()
    assert is_heic(data)
    assert image_size_hw(tmp_path / "a.heic") == (64, 48)
    found = np.asarray(decode(MemoryImage("a", data)), dtype=int)
    assert found.shape == (64, 48, 3)
    assert np.abs(found[:30] - (200, 30, 40)).max() < 12
    assert np.abs(found[34:] - (10, 200, 30)).max() < 12
    with pytest.raises(DataError, match=r"got a damaged HEIC photo; want a complete image file \(a\)"):
        decode(MemoryImage("a", data[:-40]))
