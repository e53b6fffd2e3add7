"""Images with maps, in their published layouts: what the stored numbers mean, pixel by pixel."""

import json
import math
import pickle

import numpy as np
import published_maps as published
import pytest
from scipy.io import savemat

from motet.core import ConfigError, DataError
from motet.data.check import problems
from motet.data.class_names.cityscapes import CITYSCAPES_NAMES
from motet.data.formats.depth_normals import Camera
from motet.data.readers import (
    Ade20k,
    Bsds500,
    CamVid,
    Cityscapes,
    CocoStuff,
    MapFolders,
    NyuV2,
    SevenScenes,
    Synthia,
    Taskonomy,
    VirtualKitti2,
)
from motet.data.source import Source
from motet.tasks.dense import depth, semantic_segmentation

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
    with pytest.raises(DataError, match="want an image and its labels"):
        CamVid(tmp_path)


def test_bsds_edges_are_the_share_of_people_who_drew_them(tmp_path):
    published.write_bsds500(tmp_path)
    first_row = {way: Bsds500(tmp_path, edges=way)[0].labels["edges"][0].tolist() for way in ("share", "any")}
    assert first_row["share"] == pytest.approx([1, 2 / 3, 1 / 3, 0, 0, 0])
    assert first_row["any"] == [1, 1, 1, 0, 0, 0]
    assert Bsds500(tmp_path, edges="majority")[0].labels["edges"].sum() == 2
    with pytest.raises(ConfigError, match="got 'all'; want 'share', 'any' or 'majority'"):
        Bsds500(tmp_path, edges="all")


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
    with pytest.raises(DataError, match="got 'first'; want sequence1"):
        SevenScenes(tmp_path, "test")


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
    with pytest.raises(DataError, match="got 'sky', which is no class"):
        NyuV2(path, names=("sky",))


def test_nyuv2_refuses_splits_of_another_file(tmp_path):
    path, splits, _ = published.write_nyuv2(tmp_path)
    savemat(splits, {"trainNdxs": np.array([[1], [4]])})
    with pytest.raises(DataError, match="trainNdxs: got row 4; want 1 to 3"):
        NyuV2(path)
    with pytest.raises(DataError, match=r"testNdxs: got .*; want a \.mat that has it"):
        NyuV2(path, "test")


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


def test_synthia_reads_16_bits_a_channel_and_speaks_cityscapes(tmp_path):
    published.write_synthia(tmp_path)
    own, theirs = Synthia(tmp_path), Synthia(tmp_path, classes="cityscapes")
    assert [own.names[only(own[row].labels["segmentation"])] for row in range(2)] == ["road", "pedestrian"]
    assert [theirs.names[only(theirs[row].labels["segmentation"])] for row in range(2)] == ["road", "person"]
    assert only(own[0].labels["depth"]) == 5
    published.wide(tmp_path / "GT" / "LABELS" / "0000000.png", (22, 0, 0))  # lane marking
    assert (only(own[0].labels["segmentation"]), only(theirs[0].labels["segmentation"])) == (21, -1)


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


def test_ade_and_stuff_know_their_classes(tmp_path):
    published.write_ade20k(tmp_path / "ade")
    ade = Ade20k(tmp_path / "ade")
    assert (ade.names[only(ade[0].labels["segmentation"])], only(ade[1].labels["segmentation"])) == ("wall", -1)
    published.write_coco_stuff(tmp_path / "train2017", tmp_path / "maps")
    stuff = CocoStuff(tmp_path / "train2017", tmp_path / "maps")
    assert (stuff.names[only(stuff[0].labels["segmentation"])], only(stuff[1].labels["segmentation"])) == ("person", -1)
    assert stuff.keys(0) == ("coco/9",)


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
