import numpy as np
import pytest
from PIL import Image
from published_maps import wide

from motet.core import DataError
from motet.data.formats.png_values import png_values


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_numbers_of_one_channel_are_those_that_were_stored(tmp_path, kind):
    values = np.array([[0, 7], [np.iinfo(kind).max, 1]], dtype=kind)
    Image.fromarray(values).save(tmp_path / "a.png")
    found = png_values(tmp_path / "a.png")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == kind


def test_a_palette_gives_its_indices(tmp_path):
    image = Image.fromarray(np.array([[0, 2]], dtype=np.uint8), mode="P")
    image.putpalette([9, 9, 9, 8, 8, 8, 7, 7, 7])
    image.save(tmp_path / "a.png")
    assert png_values(tmp_path / "a.png").tolist() == [[0, 2]]


def test_colours_of_16_bits_keep_all_their_bits(tmp_path):
    found = png_values(wide(tmp_path / "a.png", (513, 7, 65535)))
    assert found.dtype == np.uint16
    assert found[0, 0].tolist() == [513, 7, 65535]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"no image", "map: got a file that is no image; want a PNG"),
        (lambda data: data[: len(data) // 2], "map: got .*; want a whole image"),
    ],
)
def test_a_broken_file_is_named(tmp_path, change, message):
    Image.effect_noise((40, 40), 60).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(change((tmp_path / "a.png").read_bytes()))
    with pytest.raises(DataError, match=rf"{message}.*a.png\)"):
        png_values(tmp_path / "a.png")


def test_a_missing_file_and_a_broken_wide_one_are_named(tmp_path):
    with pytest.raises(DataError, match=r"map: got No such file or directory; want a readable image \(.*a.png\)"):
        png_values(tmp_path / "a.png")
    data = wide(tmp_path / "b.png", (1, 2, 3)).read_bytes()
    (tmp_path / "b.png").write_bytes(data[:40])
    with pytest.raises(DataError, match="map: got a broken PNG of 16 bits per channel; want a whole image"):
        png_values(tmp_path / "b.png")
