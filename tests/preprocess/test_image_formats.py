"""The endings of images, which are those of the installed Pillow."""

import sys

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


def test_heic_counts_and_is_opened_where_its_package_is_installed(tmp_path, monkeypatch):
    package = tmp_path / "pillow_heif.py"
    package.write_text(
        "from PIL import Image\n"
        "def register_heif_opener():\n"
        "    Image.register_open('HEIF', lambda *_: Image.new('RGB', (3, 2)), lambda head: b'ftypheic' in head)\n"
        "    Image.register_extensions('HEIF', ['.heic', '.heif'])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    Image.init()
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "EXTENSION", dict(Image.EXTENSION))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    caches = (image_formats, image_suffixes)
    for one in caches:
        one.cache_clear()
    try:
        assert {".heic", ".heif", ".jpg"} <= image_suffixes()
        assert decode(MemoryImage("e.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")).size == (3, 2)
    finally:
        sys.modules.pop("pillow_heif", None)
        for one in caches:
            one.cache_clear()
