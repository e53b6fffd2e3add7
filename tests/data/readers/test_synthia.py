import numpy as np
import published_maps as published

from motet.data.readers import (
    Synthia,
)


def only(values):
    """The one value that a map has everywhere."""
    (found,) = np.unique(values, axis=None).tolist()
    return found


def test_synthia_reads_16_bits_a_channel_and_speaks_cityscapes(tmp_path):
    published.write_synthia(tmp_path)
    own, theirs = Synthia(tmp_path), Synthia(tmp_path, classes="cityscapes")
    assert [own.names[only(own[row].labels["segmentation"])] for row in range(2)] == ["road", "pedestrian"]
    assert [theirs.names[only(theirs[row].labels["segmentation"])] for row in range(2)] == ["road", "person"]
    assert only(own[0].labels["depth"]) == 5
    published.wide(tmp_path / "GT" / "LABELS" / "0000000.png", (22, 0, 0))  # lane marking
    assert (only(own[0].labels["segmentation"]), only(theirs[0].labels["segmentation"])) == (21, -1)
