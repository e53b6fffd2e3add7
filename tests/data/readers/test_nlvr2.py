import json

import pytest

from motet.core import DataError
from motet.data.readers import Nlvr2
from motet.tasks import verification


def test_a_row_of_nlvr2_with_one_image_is_an_error(tmp_path, image, write) -> None:
    image(tmp_path / "train" / "50" / "train-1-0-img0.png")
    line = {"sentence": "Two dogs.", "label": "True", "identifier": "train-1-0-1", "directory": 50}
    reader = Nlvr2(write(tmp_path / "train.json", json.dumps(line)), tmp_path / "train")
    with pytest.raises(DataError, match=r"image: got no file .*train-1-0-img1.png; want .*train.json, row 0\)"):
        reader[0]
    image(tmp_path / "train" / "50" / "train-1-0-img1.png")
    row = reader[0]
    assert (row.id, row.image_ids) == ("nlvr2/train-1-0-1", ("nlvr2/train-1-0-img0", "nlvr2/train-1-0-img1"))
    assert (row.labels, reader.names) == ({"class": 1}, verification().target.names)
    with pytest.raises(DataError, match="identifier: got '7'; want one like train-10171-0-0"):
        Nlvr2(write(tmp_path / "bad.json", json.dumps({**line, "identifier": "7"})), tmp_path)
