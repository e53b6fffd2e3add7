import numpy as np
import published_maps as published
import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import (
    Taskonomy,
)


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_taskonomy_in_its_units_and_axes(tmp_path):
    published.write_taskonomy(tmp_path)
    reader = Taskonomy(tmp_path)
    labels = reader[0].labels
    assert reader.names[only(labels["segmentation"])] == "chair"
    assert only(labels["depth"]) == 2
    assert labels["normals"][0, 0] == pytest.approx([1, 0, 0], abs=0.01)
    assert only(labels["edges"]) == pytest.approx(0.5, abs=1e-4)
    assert reader.keys(1) == ("taskonomy/allensville/point_1_view_0",)
    published.values(tmp_path / "normal" / "allensville" / "point_0_view_0_domain_normal.png", (128, 128, 255))
    assert reader[0].labels["normals"][0, 0] == pytest.approx([0, 0, 1], abs=0.01)


def test_taskonomy_has_what_is_there_and_follows_the_published_parts(tmp_path):
    published.write_taskonomy(tmp_path)
    table = published.text(tmp_path / "train_val_test_tiny.csv", "id,train,val,test\nallensville,1,0,0\nother,0,1,0\n")
    assert len(Taskonomy(tmp_path, "train", table)) == 2
    with pytest.raises(DataError, match="images: got none"):
        Taskonomy(tmp_path, "val", table)
    with pytest.raises(ConfigError, match="got 'train', file ''; want both or none"):
        Taskonomy(tmp_path, "train")
    assert set(Taskonomy(tmp_path, edges="occlusion")[0].labels) == {"segmentation", "depth", "normals"}
