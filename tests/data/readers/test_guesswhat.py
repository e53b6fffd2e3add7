import json
import os
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.readers import GuessWhat

PHOTO = "COCO_train2014_000000000009.jpg"


@pytest.fixture
def game(tmp_path, image, write):
    def reader(**changes):
        image(tmp_path / PHOTO)
        data = {
            "id": 1, "status": "success", "object_id": 92,
            "image": {"id": 9, "file_name": PHOTO, "height": 4, "width": 6},
            "objects": [{"id": 90, "bbox": [0, 0, 3, 3]}, {"id": 92, "bbox": [3, 1, 2, 2]}],
            "qas": [{"question": "is it red? ", "answer": "No"}, {"question": "blue?", "answer": "N/A"}], **changes,
        }  # fmt: skip
        return GuessWhat(write(tmp_path / "guesswhat.valid.jsonl", json.dumps(data)), tmp_path)

    return reader


def test_a_dialog_ends_at_an_object(game) -> None:
    row = game()[0]
    assert row.text == ("start is it red? answer no stop", "start blue? answer n/a stop")
    assert (row.id, row.labels["match"], row.labels["region"]) == ("guesswhat/valid/1", frozenset({1}), (3, 1, 5, 3))


def test_games_are_played_on_photos_of_two_folders(game, tmp_path, image) -> None:
    reader = game()
    (tmp_path / PHOTO).unlink()
    image(tmp_path / "train2014" / PHOTO)
    assert reader[0].images[0].read()


def test_a_dialog_without_an_answer_is_an_error(game) -> None:
    with pytest.raises(DataError, match=r"key 'answer': got an object without it; want it .*row 0\)"):
        game(qas=[{"question": "is it red?"}])[0]
    with pytest.raises(DataError, match=r"qas: got a dialog without a question; want at least one \(.*row 0\)"):
        game(qas=[])[0]
    with pytest.raises(DataError, match="answer: got 'maybe'; want Yes, No or N/A"):
        game(qas=[{"question": "is it red?", "answer": "maybe"}])[0]
    with pytest.raises(DataError, match="box: got the id 5; want one of the 2 boxes"):
        game(object_id=5)[0]
    with pytest.raises(DataError, match="status: got no game with success; want at least one"):
        game(status="failure")
    with pytest.raises(DataError, match="size: got 60 x 40; want 6 x 4 pixels"):
        game(image={"id": 9, "file_name": PHOTO, "height": 40, "width": 60})[0]


DATA = Path(os.environ.get("MOTET_DATA", "no data"))


real = pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="MOTET_DATA names no folder of real data")


@real
@pytest.mark.real_data
def test_a_published_game_is_read_but_for_its_photo() -> None:
    reader = GuessWhat(DATA / "guesswhat_sample" / "guesswhat.sample.jsonl", DATA / "coco")
    assert reader.keys(0) == ("coco/175527",)
    with pytest.raises(DataError, match=r"image: got no file .*COCO_train2014_000000175527.jpg; want .*row 0\)"):
        reader[0]
