import numpy as np
import published_maps as published
import pytest

from motet.core import ConfigError
from motet.data.readers import (
    MapFolders,
)


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_folders_of_ones_own_are_partly_labelled(tmp_path):
    published.write_rooms(tmp_path)
    folders = {"segmentation": tmp_path / "labels", "depth": tmp_path / "depth"}
    reader = MapFolders(tmp_path / "images", folders, names=("wall", "floor"), first_class=1)
    assert [set(reader[row].labels) for row in range(2)] == [{"segmentation"}, {"segmentation", "depth"}]
    assert (only(reader[1].labels["segmentation"]), only(reader[1].labels["depth"])) == (0, 1.5)
    with pytest.raises(ConfigError, match="got 'deep'; did you mean 'depth'"):
        MapFolders(tmp_path / "images", {"deep": tmp_path / "depth"})
    with pytest.raises(ConfigError, match="names: got none"):
        MapFolders(tmp_path / "images", folders)


@pytest.mark.parametrize(("signs", "said"), [((1, 1, 1), [0, 1, 0]), ((1, -1, 1), [0, -1, 0])])
def test_folders_of_ones_own_say_which_way_their_normals_point(tmp_path, signs, said):
    published.write_rooms(tmp_path)
    published.values(tmp_path / "normal" / "kitchen.png", (128, 255, 128))
    reader = MapFolders(tmp_path / "images", {"normals": tmp_path / "normal"}, normal_signs=signs)
    assert reader[0].labels["normals"][0, 0] == pytest.approx(said, abs=0.01)
