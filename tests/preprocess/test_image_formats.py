"""The endings of images, which are those of the installed Pillow."""

import pytest
from PIL import Image

from motet.core import DataError, MemoryImage
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


def test_a_photo_as_heic_names_the_extra_that_reads_it():
    if image_suffixes() & HEIC_SUFFIXES:
        pytest.skip("pillow-heif is installed")
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(DataError, match=r"got a photo in the format HEIC; want .*motet\[heic\].*\(some/e.heic\)"):
        decode(MemoryImage("some/e.heic", data))


def test_avif_which_has_the_same_container_is_not_taken_for_heic():
    assert not is_heic(b"\0\0\0\x18ftypavif")
