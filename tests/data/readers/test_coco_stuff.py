import numpy as np
import published_maps as published

from motet.data.readers import CocoStuff


def test_a_stored_number_is_its_class_and_255_is_invalid(tmp_path):
    published.write_coco_stuff(tmp_path / "train2017", tmp_path / "maps")
    reader = CocoStuff(tmp_path / "train2017", tmp_path / "maps")
    assert [np.unique(reader[row].labels["segmentation"]).tolist() for row in range(2)] == [[0], [-1]]
    assert (reader.names[0], len(reader.names)) == ("person", 182)


def test_images_have_the_ids_of_coco(tmp_path):
    published.write_coco_stuff(tmp_path / "train2017", tmp_path / "maps")
    reader = CocoStuff(tmp_path / "train2017", tmp_path / "maps")
    assert [reader.keys(row) for row in range(2)] == [("coco/9",), ("coco/25",)]
    assert reader[1].id == "coco_stuff/train2017/000000000025"
