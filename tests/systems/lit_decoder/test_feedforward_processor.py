"""Rows of the feed-forward classifiers: a class per task and row, drawn or the commonest, and -1 for no known name."""

import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import Answer, DataError, Example, ImageFile, Label, MemoryImage, Task, rng_for
from motet.metrics import Accuracy
from motet.preprocess.crops import Whole
from motet.preprocess.images import ImageTransform
from motet.systems.lit_decoder.feedforward_processor import FeedforwardProcessor
from motet.systems.lit_decoder.processor import ImageInputs

COLOUR = Task(
    name="colour", inputs=frozenset({"image"}), label="class", target=Label(("red", "blue")), metrics=(Accuracy,),
    invariant=frozenset({"hflip", "crop"}),
)  # fmt: skip
ASKED = Task(
    name="asked", inputs=frozenset({"image"}), label="answers", target=Answer(("yes", "no")), metrics=(Accuracy,),
    invariant=frozenset({"crop"}),
)  # fmt: skip
MADE = FeedforwardProcessor(ImageInputs(ImageTransform((4, 4), crop=Whole(), hflip=True)))


def row(name: str = "r", **labels: Any) -> Example:
    buffer = io.BytesIO()
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4] = 200
    Image.fromarray(pixels).save(buffer, "PNG")
    return Example(id=name, images=(MemoryImage(f"{name}.png", buffer.getvalue()),), labels=labels)


def test_every_task_of_a_row_has_its_class_and_its_annotation() -> None:
    rows = [
        row("a", **{"class": 1, "answers": ("no",) * 3}),
        row("b", **{"class": 0, "answers": ("perhaps",)}),
    ]
    encoded = [MADE.row(one, [COLOUR, ASKED], None) for one in rows]
    batch = MADE.collate(encoded, keep_annotations=True)
    assert batch.ids == ("a", "b")
    assert batch.inputs["pixels"].shape == (2, 3, 4, 4)
    assert batch.targets["colour"].value.tolist() == [1, 0]
    assert batch.targets["asked"].value.tolist() == [1, -1]  # "perhaps" is no name of the list
    assert batch.targets["asked"].annotations == (("no",) * 3, ("perhaps",))
    assert MADE.collate(encoded, keep_annotations=False).targets["asked"].annotations == ()


def test_rows_of_different_tasks_are_found_by_their_place() -> None:
    encoded = [
        MADE.row(row("a", **{"class": 1}), [COLOUR], None),
        MADE.row(row("b", answers=("yes",)), [ASKED], None),
        MADE.row(row("c", **{"class": 0}), [COLOUR], None),
    ]
    targets = MADE.collate(encoded, keep_annotations=False).targets
    assert {name: (t.rows.tolist(), t.value.tolist()) for name, t in targets.items()} == {
        "colour": ([0, 2], [1, 0]), "asked": ([1], [0]),
    }  # fmt: skip


def test_of_several_answers_the_commonest_is_evaluated_and_one_is_drawn_in_training() -> None:
    example = row(answers=("no", "yes", "no", "never"))
    ((_, label, _),) = MADE.row(example, [ASKED], None).classes
    assert label == 1
    drawn = Counter(MADE.row(example, [ASKED], rng_for("row", index)).classes[0][1] for index in range(200))
    assert set(drawn) == {-1, 0, 1}
    assert 70 < drawn[1] < 130  # half of the answers


def test_images_are_mirrored_only_where_every_task_of_the_row_allows_it() -> None:
    example = row(**{"class": 0, "answers": ("yes",)})

    def brighter_side(tasks: list[Task], index: int) -> str:
        image = MADE.row(example, tasks, rng_for("row", index)).image
        assert image is not None
        return "left" if image[:, :, :2].mean() > image[:, :, 2:].mean() else "right"

    assert {brighter_side([COLOUR], index) for index in range(20)} == {"left", "right"}
    assert {brighter_side([COLOUR, ASKED], index) for index in range(20)} == {"left"}


def test_a_row_without_an_annotation_can_be_served_but_not_evaluated() -> None:
    encoded = MADE.row(row("x"), [COLOUR], None)
    assert MADE.collate([encoded], keep_annotations=False).targets["colour"].value.tolist() == [-1]
    with pytest.raises(DataError, match="x: task 'colour': got no annotation; want one in every evaluated row"):
        MADE.collate([encoded], keep_annotations=True)
    with pytest.raises(DataError, match="class"):
        MADE.row(row("x"), [COLOUR], rng_for("row"))


@dataclass
class Store:
    """Features of ones; keeps what it was asked."""

    asked: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def read(self, image: ImageFile, invariant: frozenset[Any], rng: np.random.Generator | None) -> np.ndarray:
        self.asked.append((image.name, invariant))
        return np.ones((5, 7), np.float16)


def test_stored_features_replace_pixels_and_allow_what_all_tasks_allow() -> None:
    store = Store()
    stored = MADE.with_features(store)
    encoded = stored.row(row(**{"class": 0, "answers": ("yes",)}), [COLOUR, ASKED], rng_for("row"))
    batch = stored.collate([encoded], keep_annotations=False)
    assert list(batch.inputs) == ["features"]
    assert torch.equal(batch.inputs["features"], torch.ones(1, 5, 7, dtype=torch.float16))
    assert store.asked == [("r.png", frozenset({"crop"}))]
    assert stored.view_key() == MADE.view_key()
    assert MADE.images.store is None


def test_the_key_of_a_view_differs_where_its_pixels_would() -> None:
    keys = {
        FeedforwardProcessor(ImageInputs(ImageTransform(size, crop=Whole(), hflip=flip))).view_key()
        for size in ((4, 4), (4, 6))
        for flip in (False, True)
    }
    assert len(keys) == 4
