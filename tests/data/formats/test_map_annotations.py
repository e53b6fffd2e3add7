import pickle

import numpy as np
import published_maps as published
import pytest

from motet.core import DataError
from motet.data.check import problems
from motet.data.readers import (
    CamVid,
    SevenScenes,
    Synthia,
)
from motet.data.source import Source
from motet.tasks.dense import depth, semantic_segmentation


def test_a_map_of_another_size_than_its_image_is_an_error_that_names_both(tmp_path):
    files, maps = published.write_synthia(tmp_path)
    published.values(maps[2], np.zeros((2, 3)), np.uint16)
    with pytest.raises(DataError, match="got 2 x 3; want 4 x 6 pixels") as caught:
        Synthia(tmp_path)[0].labels["depth"]
    assert str(files[0]) in str(caught.value)
    assert caught.value.path == maps[2]


def test_a_class_that_should_not_be_there_is_found_by_data_check(tmp_path):
    _, maps = published.write_camvid(tmp_path)
    published.values(maps[1], 12)
    reader = CamVid(tmp_path)
    source = Source(name="camvid", reader=reader, tasks=(semantic_segmentation("segment", reader.names),))
    (wrong,) = [one for one in problems(source) if one is not None]
    assert wrong.row == 1
    assert "class: got 12; want one of 0, 1, 2" in wrong.text
    assert maps[1].name in wrong.text


def test_a_map_is_decoded_once_and_stays_behind_when_a_row_is_sent(tmp_path):
    _, maps = published.write_seven_scenes(tmp_path)
    example = SevenScenes(tmp_path)[0]
    first = example.labels["depth"]
    maps[0].unlink()
    assert example.labels["depth"] is first
    sent = pickle.loads(pickle.dumps(example))
    assert sent == example
    with pytest.raises(DataError, match="map: got No such file"):
        sent.labels["depth"]


def test_depth_maps_are_checked_without_reading_images(tmp_path):
    published.write_seven_scenes(tmp_path)
    source = Source(name="rooms", reader=SevenScenes(tmp_path), tasks=(depth("depth"),))
    assert list(problems(source)) == [None, None]
