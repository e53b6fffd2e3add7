import tracemalloc

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError
from motet.data.formats.map_files import (
    ClassMap,
    ColourMap,
    DepthMap,
    EdgeMap,
    NormalMap,
    by_bands,
    class_table,
    get_channel,
)


@pytest.fixture
def stored(tmp_path):
    def write(values, kind=np.uint8):
        Image.fromarray(np.asarray(values, dtype=kind)).save(tmp_path / "map.png")
        return tmp_path / "map.png"

    return write


def test_classes_are_looked_up_and_invalid_numbers_are_minus_1(stored):
    table = class_table({1: 0, 5: 1}, invalid=(255,))
    assert ClassMap(stored([[1, 5, 255]]), table).read().tolist() == [[0, 1, -1]]


@pytest.mark.parametrize("number", [0, 4, 200])
def test_a_number_without_a_class_is_an_error_that_lists_the_known_ones(stored, number):
    with pytest.raises(DataError, match=rf"class: got {number}; want one of 1, 5 \(.*map.png\)"):
        ClassMap(stored([[1, number]]), class_table({1: 0, 5: 1})).read()


def test_colours_are_looked_up_and_another_colour_is_an_error(stored):
    colours = (((90, 200, 255), 3), ((0, 0, 0), -1))
    assert ColourMap(stored([[[90, 200, 255], [0, 0, 0]]]), colours).read().tolist() == [[3, -1]]
    with pytest.raises(DataError, match=r"colour: got \(1, 2, 3\); want the colour of a class"):
        ColourMap(stored([[[90, 200, 255], [1, 2, 3]]]), colours).read()
    with pytest.raises(DataError, match=r"colour: got \(1, 1, 1\); want the colour of a class"):
        ColourMap(stored([[1, 2]]), colours).read()


def test_depth_is_in_metres_and_nan_where_it_is_invalid(stored):
    depth = DepthMap(stored([[0, 1500, 65535]], np.uint16), 0.001, (0, 65535)).read()
    np.testing.assert_array_equal(depth, np.array([[np.nan, 1.5, np.nan]], dtype=np.float32))


def test_normals_have_unit_length_their_signs_and_nan_where_there_is_no_direction(stored):
    path = stored([[[128, 128, 255], [0, 0, 0], [128, 128, 128], [255, 128, 128]]])
    found = NormalMap(path, (-1, 1, 1)).read()
    np.testing.assert_allclose(np.linalg.norm(found[0, [0, 3]], axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(found[0, 0], (0, 0, 1), atol=0.01)
    np.testing.assert_allclose(found[0, 3], (-1, 0, 0), atol=0.01)
    # Black is a vector of length 1.7, grey one of length 0.
    assert np.isnan(found[0, 1:3]).all()


def test_normals_of_a_smaller_map_are_repeated_to_the_size_of_the_image(stored, tmp_path):
    Image.new("RGB", (4, 2)).save(tmp_path / "image.png")
    path = stored([[[128, 128, 255], [255, 128, 128]]])
    found = NormalMap(path, like_image=tmp_path / "image.png").read()
    assert found.shape == (2, 4, 3)
    np.testing.assert_array_equal(found[:, :2], np.broadcast_to(found[0, 0], (2, 2, 3)))


def test_edges_are_shares_of_the_top_and_clipped_there(stored):
    np.testing.assert_allclose(EdgeMap(stored([[0, 50, 100, 255]]), top=100).read(), [[0, 0.5, 1, 1]])


def test_a_missing_channel_is_an_error(tmp_path):
    assert get_channel(np.zeros((2, 3, 2)), 1, tmp_path).shape == (2, 3)
    with pytest.raises(DataError, match=r"map: got the shape \(2, 3, 2\); want a channel 2"):
        get_channel(np.zeros((2, 3, 2)), 2, tmp_path)


def test_a_map_of_many_bands_is_that_of_its_pixels():
    values = np.random.default_rng(0).integers(0, 9, (1300, 3, 2))
    np.testing.assert_array_equal(by_bands(values, lambda band: band[..., 0] / 2), values[..., 0] / 2)
    np.testing.assert_array_equal(by_bands(values[:0], lambda band: band * 2), values[:0] * 2)


@pytest.mark.parametrize("kind", ["colour", "depth", "normals"])
def test_a_conversion_takes_little_more_than_its_result(stored, kind):
    path = stored(np.full((4000, 500, 3), 128, dtype=np.uint8))
    reads = {
        "colour": ColourMap(path, (((128, 128, 128), 3),)), "depth": DepthMap(path, 0.5), "normals": NormalMap(path),
    }  # fmt: skip
    tracemalloc.start()
    found = reads[kind].read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape[:2] == (4000, 500)
    assert peak < 3.5 * found.nbytes
