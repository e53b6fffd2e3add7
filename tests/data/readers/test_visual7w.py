import pytest

from motet.core import DataError
from motet.data.readers import Visual7wPointing


@pytest.fixture
def pointing(tmp_path, image, write):
    def reader(**changes):
        image(tmp_path / "images" / "v7w_4.jpg")
        boxes = [{"box_id": key, "x": key, "y": 0, "width": 1, "height": 2} for key in range(4)]
        asked = {"qa_id": 11, "question": "Which?", "answer": 2, "multiple_choices": [0, 1, 3], **changes}
        data = {
            "boxes": boxes,
            "images": [{"image_id": 4, "filename": "v7w_4.jpg", "split": "val", "qa_pairs": [asked]}],
        }
        return Visual7wPointing(write(tmp_path / "dataset_v7w_pointing.json", data), tmp_path / "images", "val")

    return reader


def test_four_boxes_in_an_order_of_their_own(pointing) -> None:
    row = pointing()[0]
    assert sorted(row.candidates) == [(0, 0, 1, 2), (1, 0, 2, 2), (2, 0, 3, 2), (3, 0, 4, 2)]
    (place,) = row.labels["match"]
    assert row.candidates[place] == row.labels["region"] == (2, 0, 3, 2)
    assert {next(iter(pointing(qa_id=key)[0].labels["match"])) for key in range(30)} == {0, 1, 2, 3}
    assert row.image_ids == ("vg/4",)


def test_a_choice_without_a_box_is_an_error(pointing) -> None:
    with pytest.raises(DataError, match=r"multiple_choices: got the box 9; want two or more .*row 0.qa_pairs.0\)"):
        pointing(multiple_choices=[9])[0]
    with pytest.raises(DataError, match="multiple_choices: got 1 box; want two or more"):
        pointing(multiple_choices=[2])[0]
