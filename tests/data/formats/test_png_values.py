import numpy as np
import pytest
from PIL import Image
from published_maps import png, wide

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
        (lambda data: b"no image", "map: got a file that starts with b'no image'; want"),
        (lambda data: data[: len(data) // 2], "map: got .*; want a complete image file"),
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
    (tmp_path / "b.png").write_bytes(data[:50])
    with pytest.raises(DataError, match=r"map: got .*; want a complete image file"):
        png_values(tmp_path / "b.png")


# 6 x 4 pixels of 16 bits in three channels, of which the data hold only a part: a 74-byte file on which torchvision's
# decoder ended the process.
SHORT = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000600000004100200000072f605570000001049444154789c6360fc4218c2b2d0571100ca9544"
    "e96b084ec40000000049454e44ae426082"
)


def test_a_wide_file_with_too_little_data_is_one_line(tmp_path):
    (tmp_path / "a.png").write_bytes(SHORT)
    with pytest.raises(DataError, match=r"map: got .*; want a complete image file \(.*a.png\)"):
        png_values(tmp_path / "a.png")


@pytest.mark.parametrize("colour", [2, 6])
@pytest.mark.parametrize("filtered", range(5))
def test_wide_colours_are_those_that_were_stored(tmp_path, colour, filtered):
    channels, rng = {2: 3, 6: 4}[colour], np.random.default_rng(0)
    values = rng.integers(0, 65536, (5, 7, channels)).astype(">u2")
    raw = np.frombuffer(values.tobytes(), np.uint8).reshape(5, -1).astype(int)
    left = np.pad(raw, ((0, 0), (2 * channels, 0)))[:, : raw.shape[1]]
    up, corner = np.pad(raw, ((1, 0), (0, 0)))[:-1], np.pad(left, ((1, 0), (0, 0)))[:-1]
    guess = left + up - corner
    distances = np.abs(np.stack([guess - left, guess - up, guess - corner]))
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    lines = (raw - [0, left, up, (left + up) // 2, paeth][filtered]) % 256
    data = b"".join(bytes([filtered]) + line.astype(np.uint8).tobytes() for line in lines)
    (tmp_path / "a.png").write_bytes(png(7, 5, 16, colour, data))
    found = png_values(tmp_path / "a.png")
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(("bits", "colour"), [(8, 2), (16, 0), (16, 2), (16, 6), (1, 0)])
def test_a_map_that_is_too_large_is_refused_from_its_header(tmp_path, bits, colour):
    (tmp_path / "a.png").write_bytes(png(2**31 - 1, 2**31 - 1, bits, colour, b""))
    want = r"map: got 2147483647 x 2147483647 pixels; want at most 67,108,864 pixels \(.*a.png\)"
    with pytest.raises(DataError, match=want):
        png_values(tmp_path / "a.png")
