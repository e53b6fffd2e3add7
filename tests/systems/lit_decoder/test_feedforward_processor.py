"""Rows of the feed-forward classifiers: every task in training too, one class each, annotations kept or refused."""

import io

import pytest
from PIL import Image

from motet.core import Answer, DataError, Example, Label, MemoryImage, Task, rng_for
from motet.metrics import Accuracy
from motet.preprocess.images import ImageTransform
from motet.systems.base import ImageInputs
from motet.systems.lit_decoder.feedforward_processor import FeedforwardProcessor

COLOUR, ANSWER = (
    Task(name=name, inputs=frozenset({"image"}), label=name, target=target, metrics=(Accuracy,))
    for name, target in (("colour", Label(("red", "blue"))), ("answer", Answer(("yes", "no"))))
)


def example(**labels) -> Example:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), "red").save(buffer, "PNG")
    return Example(id="r", images=(MemoryImage("a.png", buffer.getvalue()),), labels=labels)


def processor() -> FeedforwardProcessor:
    return FeedforwardProcessor(ImageInputs(transform=ImageTransform((4, 4))))


def test_a_training_row_carries_all_of_its_tasks() -> None:
    made = processor()
    row = made.row(example(colour=1, answer=("no",) * 3), (COLOUR, ANSWER), rng_for("draw"))
    batch = made.collate([row, row], keep_annotations=False)
    assert batch.targets["colour"].value.tolist() == batch.targets["answer"].value.tolist() == [1, 1]
    assert batch.inputs["pixels"].shape == (2, 3, 4, 4)
    assert batch.targets["colour"].annotations == ()


def test_an_answer_beyond_the_names_has_no_class_and_keeps_its_annotation() -> None:
    made = processor()
    target = made.collate([made.row(example(answer=("maybe",)), (ANSWER,), None)], keep_annotations=True).targets
    assert target["answer"].value.tolist() == [-1]
    assert target["answer"].annotations == (("maybe",),)


def test_a_missing_annotation_is_an_error_in_training_and_where_it_is_kept() -> None:
    made = processor()
    row = made.row(example(colour=0), (COLOUR, ANSWER), None)
    assert made.collate([row], keep_annotations=False).targets["answer"].value.tolist() == [-1]
    with pytest.raises(DataError, match="r: task 'answer': got no annotation"):
        made.collate([row], keep_annotations=True)
    with pytest.raises(DataError, match="r: task 'answer' reads the annotation 'answer'"):
        made.row(example(colour=0), (COLOUR, ANSWER), rng_for("draw"))
