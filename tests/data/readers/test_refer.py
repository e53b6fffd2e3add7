import json
import os
import pickle
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.readers import ReferCoco

PHOTO = "COCO_train2014_000000000009.jpg"


@pytest.fixture
def refer(tmp_path, image, write):
    def reader(box=(0, 0, 3, 3), *, data=None, form="p", **changes):
        image(tmp_path / "train2014" / PHOTO)
        things = {
            "images": [{"id": 9, "file_name": PHOTO, "height": 4, "width": 6}],
            "annotations": [
                {"id": 90, "image_id": 9, "bbox": list(box)}, {"id": 91, "image_id": 9, "bbox": [2, 0, 0, 0]},
                {"id": 92, "image_id": 9, "bbox": [3, 1, 2, 2]},
            ],
        }  # fmt: skip
        ref = {"ref_id": 5, "ann_id": 92, "image_id": 9, "split": "val", "sentences": [{"sent_id": 7, "sent": "left"}]}
        refs = [{**ref, **changes}]
        file = tmp_path / "refcoco+" / f"refs(unc).{form}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(
            json.dumps(refs).encode() if form == "json" else pickle.dumps(refs, 2) if data is None else data
        )
        return ReferCoco(file, write(file.parent / "instances.json", things), tmp_path / "train2014", "val")

    return reader


@pytest.mark.parametrize("form", ["p", "json"])
def test_an_expression_means_one_of_the_boxes_that_are_sound(refer, form) -> None:
    row = refer(form=form)[0]
    assert (row.id, row.image_ids, row.text) == ("refcoco+/unc/val/5/7", ("coco/9",), "left")
    assert row.candidates == ((0, 0, 3, 3), (3, 1, 5, 3))  # a box without an area is none
    assert row.labels == {"region": (3, 1, 5, 3), "match": frozenset({1})}


def test_an_unknown_ref_says_which(refer) -> None:
    with pytest.raises(DataError, match=r"box: got the id 77; want one of the 3 boxes of its image .*row 0\)"):
        refer(ann_id=77)[0]
    with pytest.raises(DataError, match=r"image_id: got 8; want the id of an image of .*instances.json \(.*row 0\)"):
        refer(image_id=8)[0]
    with pytest.raises(
        DataError, match=r"box: got \(2, 0, 2, 0\) as left, top, right, bottom; want a box with an area"
    ):
        refer(ann_id=91)[0]
    with pytest.raises(DataError, match=r"refs: got no expression of the part 'val'.*known: test"):
        refer(split="test")
    with pytest.raises(DataError, match=r"bbox: got \[1.0\]; want left, top, width, height"):
        refer(box=(1,))
    with pytest.raises(DataError, match=r"sent: got an empty text; want words \(.*row 0\)"):
        refer(sentences=[{"sent_id": 1, "sent": " "}])[0]


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_malicious_refer_file_is_one_line(refer, tmp_path) -> None:
    with pytest.raises(DataError, match=r"pickle: got one that asks for \w+\.mkdir; .*was run\) .*refs") as caught:
        refer(data=pickle.dumps([Runs(tmp_path / "made")]))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()
