import numpy as np
import published_maps as published
import pytest

from motet.core import DataError
from motet.data.readers import (
    CamVid,
)

SIZE_HW = published.SIZE_HW


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_camvid_takes_the_last_folder_of_a_path_and_leaves_out_the_unlabelled(tmp_path):
    _, maps = published.write_camvid(tmp_path)
    published.values(maps[1], 11)
    reader = CamVid(tmp_path)
    found = reader[0].labels["segmentation"]
    assert (found.dtype, found.shape, only(found), reader.names[0]) == (np.int64, SIZE_HW, 0, "sky")
    assert only(reader[1].labels["segmentation"]) == -1
    assert reader[0].id.endswith("/train/0001TP_0")


def test_camvid_without_a_list_takes_the_folder(tmp_path):
    published.write_camvid(tmp_path, "val")
    (tmp_path / "val.txt").unlink()
    assert len(CamVid(tmp_path, "val")) == 2


@pytest.mark.parametrize("line", ["train/a.png", "../../a.png /etc/../../x.png more"])
def test_camvid_refuses_a_line_that_is_no_pair(tmp_path, line):
    published.write_camvid(tmp_path)
    (tmp_path / "train.txt").write_text(line)
    with pytest.raises(DataError, match="want an image and its label file"):
        CamVid(tmp_path)
