"""COCO's panoptic files: ids as colours, crowds, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError
from motet.core.panoptic import PanopticMap
from motet.data.readers import CocoPanoptic

BIG = 65_536 * 3 + 256 * 2 + 1
SEGMENTS = [{"id": BIG, "category_id": 200}, {"id": 7, "category_id": 1, "iscrowd": 1}]


def write(root: Path, segments=SEGMENTS, size=(2, 3), **changes) -> CocoPanoptic:
    for folder in ("val2017", "panoptic_val2017"):
        (root / folder).mkdir(exist_ok=True)
    Image.new("RGB", (3, 2)).save(root / "val2017" / "000000000139.jpg")
    ids = np.zeros((*size, 3), dtype=np.uint8)
    ids[0], ids[1, :1] = (1, 2, 3), (7, 0, 0)
    Image.fromarray(ids).save(root / "panoptic_val2017" / "000000000139.png")
    data = {
        "images": [{"id": 139, "file_name": "000000000139.jpg", "width": 3, "height": 2}],
        "annotations": [{"image_id": 139, "file_name": "000000000139.png", "segments_info": segments}],
        "categories": [
            {"id": 200, "name": "rug", "isthing": 0}, {"id": 1, "name": "person", "isthing": 1},
        ],
    }  # fmt: skip
    (root / "panoptic_val2017.json").write_text(json.dumps(data | changes))
    return CocoPanoptic(root / "panoptic_val2017.json", root / "val2017")


def test_segments_are_read_by_their_colours(tmp_path) -> None:
    reader = write(tmp_path)
    assert (reader.names, reader.things) == (("person", "rug"), (True, False))
    row = reader[0]
    assert (row.id, row.image_ids) == ("coco2017/val/panoptic/139", ("coco/139",))
    assert row.labels["panoptic"] == PanopticMap(
        np.array([[1, 1, 1], [2, 0, 0]]), np.array([1, 0]), np.array([False, True])
    )


def test_what_does_not_fit_names_the_file(tmp_path) -> None:
    with pytest.raises(DataError, match=r"got the segment 7; want one of segments_info \(1 of.*139\.png"):
        write(tmp_path, SEGMENTS[:1])[0]
    with pytest.raises(DataError, match=r"got \(4, 3\); want \(2, 3\), the image's size"):
        write(tmp_path, size=(4, 3))[0]
    with pytest.raises(DataError, match="category_id: got 5; want one of categories"):
        write(tmp_path, [{"id": 7, "category_id": 5}])
    with pytest.raises(DataError, match=r"segments_info: got the ids \(7, 7\); want each once"):
        write(tmp_path, [{"id": 7, "category_id": 1}] * 2)
    with pytest.raises(DataError, match="image_id: got 5 of no image"):
        write(tmp_path, annotations=[{"image_id": 5, "file_name": "a.png", "segments_info": []}])
    with pytest.raises(DataError, match="categories: got 2 with 1 names"):
        write(tmp_path, categories=[{"id": i, "name": "a", "isthing": 1} for i in (1, 2)])
    with pytest.raises(DataError, match=r"\.\./a\.png"):
        write(tmp_path, annotations=[{"image_id": 139, "file_name": "../a.png", "segments_info": []}])
