import numpy as np
import published_maps as published
import pytest

from motet.core import DataError
from motet.data.class_names.cityscapes import CITYSCAPES_NAMES
from motet.data.readers import (
    VirtualKitti2,
)


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_virtual_kitti_reads_colours_centimetres_and_cameras(tmp_path):
    _, maps, tables = published.write_vkitti2(tmp_path)
    own, theirs = VirtualKitti2(tmp_path, normals="depth"), VirtualKitti2(tmp_path, classes="cityscapes")
    assert own.names[only(own[0].labels["segmentation"])] == "Sky"
    assert [CITYSCAPES_NAMES[only(theirs[row].labels["segmentation"])] for row in range(2)] == ["sky", "car"]
    assert only(own[0].labels["depth"]) == 30
    assert own[0].labels["normals"][1, 1] == pytest.approx([0, 0, 1])
    published.values(maps[1], 65535, np.uint16)
    assert np.isnan(own[0].labels["depth"]).all()
    published.values(maps[0], (1, 2, 3))
    with pytest.raises(DataError, match=r"colour: got \(1, 2, 3\); want the colour of a class"):
        own[0].labels["segmentation"]
    tables[1].write_text("frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]\n0 0 725 725 620 187\n")
    with pytest.raises(DataError, match="got none for frame 1, camera 0"):
        VirtualKitti2(tmp_path, normals="depth")[1]
