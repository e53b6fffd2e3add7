import math

import numpy as np
import published_maps as published
import pytest

from motet.core import DataError
from motet.data.formats.depth_normals import Camera
from motet.data.readers import (
    SevenScenes,
)

SIZE_HW = published.SIZE_HW


def test_seven_scenes_reads_millimetres_and_leaves_out_what_the_sensor_did_not_see(tmp_path):
    published.write_seven_scenes(tmp_path)
    reader = SevenScenes(tmp_path, "train", normals="depth", camera=Camera(6, 6, 3, 2))
    labels = reader[0].labels
    assert labels["depth"].dtype == np.float32
    assert math.isnan(labels["depth"][0, 0])
    assert np.nanmin(labels["depth"]) == np.nanmax(labels["depth"]) == 2
    assert labels["normals"][2, 2].tolist() == [0, 0, 1]
    assert np.isnan(labels["normals"][0]).all()  # the border
    assert set(SevenScenes(tmp_path)[0].labels) == {"depth"}
    assert reader.keys(0)[0].endswith("/seq-01/frame-000000")


def test_seven_scenes_flat_has_lists_intrinsics_and_smaller_normals(tmp_path):
    published.image(tmp_path / "data" / "frame-000008.color.jpg")
    published.values(tmp_path / "data" / "frame-000008.depth.png", 1500, np.uint16)
    small = np.array([[[128, 128, 0], [0, 0, 0], [255, 128, 128]]] * 2)
    published.values(tmp_path / "derived_normal" / "frame-000008.normal.png", small)
    published.text(tmp_path / "data" / "camera-intrinsics.txt", " 10.0 0 3\n0 10 2\n0 0 1\n")
    published.text(tmp_path / "val.txt", "frame-000008\n")
    normals = SevenScenes(tmp_path, "val", normals="file")[0].labels["normals"]
    assert normals.shape == (*SIZE_HW, 3)
    # Away from the camera as stored, which is turned.
    assert normals[0, 1] == pytest.approx([0, 0, 1], abs=0.01)
    assert np.isnan(normals[:, 2:4]).all()
    assert normals[3, 5] == pytest.approx([1, 0, 0], abs=0.01)
    assert SevenScenes(tmp_path, None)._intrinsics == Camera(10, 10, 3, 2)
    published.text(tmp_path / "data" / "camera-intrinsics.txt", "10 0\n")
    with pytest.raises(DataError, match="want a matrix of 3 x 3 numbers"):
        SevenScenes(tmp_path, None)


def test_seven_scenes_refuses_a_sequence_that_is_none(tmp_path):
    published.write_seven_scenes(tmp_path)
    (tmp_path / "TestSplit.txt").write_text("first\n")
    with pytest.raises(DataError, match="got 'first'; want a line such as sequence1"):
        SevenScenes(tmp_path, "test")
