import pytest

from motet.core import DataError
from motet.data.formats.visual_genome import VisualGenomeIds, visual_genome_file


def test_both_releases_of_image_data_give_the_ids_of_coco(tmp_path, write):
    for key in ("image_id", "id"):
        data = [{key: 7, "coco_id": 9}, {key: 8, "coco_id": None}, {key: 10}]
        ids = VisualGenomeIds.load(write(tmp_path / f"{key}.json", data))
        assert [ids.image_id(image) for image in (7, "7", 8, 10)] == ["coco/9", "coco/9", "vg/8", "vg/10"]


def test_without_image_data_no_image_is_of_coco():
    assert VisualGenomeIds.load(None).image_id(7) == "vg/7"


@pytest.mark.parametrize(
    ("data", "message"),
    [({}, "file: got {}; want a list"), ([{"id": "x", "coco_id": 1}], r"id: got 'x'; want a whole number .*row 0\)")],
)
def test_a_broken_file_is_named(tmp_path, write, data, message):
    with pytest.raises(DataError, match=message):
        VisualGenomeIds.load(write(tmp_path / "image_data.json", data))


def test_an_image_is_found_in_either_official_folder_or_in_the_folder_itself(tmp_path, image):
    second, own = image(tmp_path / "VG_100K_2" / "1.jpg"), image(tmp_path / "2.jpg")
    assert visual_genome_file(tmp_path, 1) == second
    assert visual_genome_file(tmp_path, 2) == own
    assert visual_genome_file(tmp_path, 3) == tmp_path / "VG_100K" / "3.jpg"
