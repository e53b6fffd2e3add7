import json

import pytest

from motet.core import DataError
from motet.data.readers import Vsr

LINE = {"image": "000000000009.jpg", "caption": "It is left.", "label": 1, "relation": "left of"}


def test_a_photo_is_found_in_the_folder_that_its_link_names(tmp_path, image, write):
    image(tmp_path / "val2017" / "000000000009.jpg")
    line = LINE | {"image_link": "http://images.cocodataset.org/val2017/000000000009.jpg"}
    row = Vsr(write(tmp_path / "train.jsonl", json.dumps(line)), tmp_path)[0]
    assert (row.image_ids, row.text, row.labels) == (("coco/9",), "It is left.", {"class": 1, "relation": "left of"})


def test_another_label_is_an_error_of_its_row(tmp_path, image, write):
    image(tmp_path / "000000000009.jpg")
    reader = Vsr(write(tmp_path / "train.jsonl", "\n".join(map(json.dumps, (LINE | {"label": 2}, LINE)))), tmp_path)
    assert reader[1].labels["class"] == 1
    with pytest.raises(DataError, match=r"label: got 2; want 0 for false or 1 for true \(.*row 0\)"):
        reader[0]
