"""Many rows for several tasks in one pass: each read once, in order, and a bad one costs no other."""

from __future__ import annotations

import pytest
from toy_predictor import grey_png, toy_predictor

from motet.core import ConfigError, Example, MemoryImage
from motet.hub.predict import PredictionInput


def rows(*greys: int | bytes | None, text: str = "how?") -> list[PredictionInput]:
    images = [grey_png(grey) if isinstance(grey, int) else grey for grey in greys]
    return [PredictionInput(image=image, text=text) for image in images]


def test_several_tasks_read_every_image_once_and_agree_with_one_task_at_a_time() -> None:
    predictor = toy_predictor()
    given = rows(0, 255, 10, 250, 130)
    found = list(predictor.many(["bright", "ask", "caption"], given))
    assert [row.row for row in found] == [0, 1, 2, 3, 4]
    assert [row.predictions["bright"].name for row in found] == ["dark", "bright", "dark", "bright", "bright"]
    assert predictor.system.sizes == [4, 1]
    assert len(predictor.system.processor.read) == 5
    for task in ("bright", "ask", "caption"):
        assert [row.predictions[task] for row in found] == predictor.batch(task, given)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_row_is_one_line_and_costs_no_other(workers: int) -> None:
    predictor = toy_predictor()
    found = list(predictor.many("bright", rows(0, b"abc", 255, None, 255, 0), workers=workers))
    assert [bool(row.error) for row in found] == [False, True, False, True, False, False]
    assert "got 3 bytes that start with b'abc'" in found[1].error
    assert found[3].error == "task 'bright' needs an image: got none; want image=..."
    assert all("\n" not in row.error for row in found)
    assert [row.predictions["bright"].name for row in found if not row.error] == ["dark", "bright", "bright", "dark"]


def test_rows_that_fail_together_are_tried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = toy_predictor()
    collate = predictor.system.processor.collate

    def of_one_size(encoded, *, keep_annotations):
        if len({images[0].size for _, images, _ in encoded}) > 1:
            raise ConfigError("images: got two sizes; want one")
        return collate(encoded, keep_annotations=keep_annotations)

    monkeypatch.setattr(predictor.system.processor, "collate", of_one_size)
    given = [PredictionInput(image=grey_png(200, size)) for size in ((8, 8), (9, 9), (8, 8))]
    assert [row.predictions["bright"].name for row in predictor.many("bright", given)] == ["bright"] * 3


def test_a_row_that_fails_in_the_system_is_the_only_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = toy_predictor()
    predict = predictor.system.predict

    def refuse_black(batch):
        if 0.0 in batch.inputs["grey"].tolist():
            raise ConfigError("image: got a black one; want light")
        return predict(batch)

    monkeypatch.setattr(predictor.system, "predict", refuse_black)
    found = list(predictor.many("bright", rows(200, 0, 100)))
    assert [row.error for row in found] == ["", "image: got a black one; want light", ""]


def test_a_reader_keeps_its_ids_and_a_later_start_gives_the_rest() -> None:
    examples = [
        Example(id=f"set/{n}", images=(MemoryImage(f"{n}.png", grey_png(n)),), image_ids=("x",)) for n in range(6)
    ]
    predictor = toy_predictor()
    whole = list(predictor.many("grey", examples))
    assert [row.id for row in whole] == [f"set/{n}" for n in range(6)]
    assert list(predictor.many("grey", examples, first=4)) == whole[4:]
    assert whole[3].images == ("3.png",)


def test_unknown_tasks_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="did you mean 'bright'"):
        toy_predictor().many(["grey", "brigth"], rows(0))
    with pytest.raises(ConfigError, match="tasks: got none"):
        toy_predictor().many([], rows(0))
