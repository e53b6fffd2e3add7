import numpy as np
import published_maps as published
import pytest
from scipy.io import savemat

from motet.core import DataError
from motet.data.readers import (
    NyuV2,
)

SIZE_HW = published.SIZE_HW


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_nyuv2_turns_the_axes_and_maps_its_classes(tmp_path):
    path, _, mapping = published.write_nyuv2(tmp_path)
    reader = NyuV2(path, "train")
    assert [reader.keys(row) for row in range(len(reader))] == [("nyuv2/1",), ("nyuv2/3",)]
    data = reader[0].images[0].read()
    assert data.startswith(b"P6\n6 4\n255\n")
    pixels = np.frombuffer(data[-72:], dtype=np.uint8).reshape(*SIZE_HW, 3)
    assert pixels[2, 1].tolist() == [10, 20, 30]
    assert (reader.names, only(reader[0].labels["segmentation"])) == (("book", "wall"), -1)
    assert (only(reader[1].labels["segmentation"]), only(reader[1].labels["depth"])) == (1, 3)
    mapped = NyuV2(path, None, mapping=mapping)
    assert (mapped.names, only(mapped[2].labels["segmentation"])) == (("flat", "thing"), 0)
    kept = NyuV2(path, "test", names=("wall",))
    assert only(kept[0].labels["segmentation"]) == -1
    assert np.nanmin(NyuV2(path, normals="depth")[1].labels["normals"][..., 2]) == pytest.approx(1)
    with pytest.raises(DataError, match="got 'sky', which is not a class"):
        NyuV2(path, names=("sky",))


def test_nyuv2_refuses_splits_of_another_file(tmp_path):
    path, splits, _ = published.write_nyuv2(tmp_path)
    savemat(splits, {"trainNdxs": np.array([[1], [4]])})
    with pytest.raises(DataError, match="trainNdxs: got row 4; want 1 to 3"):
        NyuV2(path)
    with pytest.raises(DataError, match=r"testNdxs: got .*; want a \.mat that has it"):
        NyuV2(path, "test")
