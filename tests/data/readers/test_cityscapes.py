import json

import numpy as np
import published_maps as published
import pytest

from motet.core import DataError
from motet.data.readers import (
    Cityscapes,
)


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_cityscapes_keeps_19_classes_and_turns_disparity_into_metres(tmp_path):
    _, maps, tables = published.write_cityscapes(tmp_path)
    reader = Cityscapes(tmp_path, normals="depth")
    labels = reader[0].labels
    assert reader.names[only(labels["segmentation"])] == "road"
    assert only(labels["depth"]) == pytest.approx(10)
    assert labels["normals"][1, 1] == pytest.approx([0, 0, 1])
    published.values(maps[0], 4)  # static: not judged
    published.values(maps[1], [[0, 1, 513, 257, 513, 513]] * 4, np.uint16)
    labels = reader[0].labels
    assert only(labels["segmentation"]) == -1
    assert np.isnan(labels["depth"][0, :2]).all()
    assert labels["depth"][0, 2:4] == pytest.approx([10, 20])
    tables[0].write_text(json.dumps({"extrinsic": {"baseline": 0}, "intrinsic": {}}))
    with pytest.raises(DataError, match="baseline: got 0; want a number above 0"):
        reader[0].labels["depth"]
