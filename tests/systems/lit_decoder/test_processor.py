import io

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import DataError, Example, MemoryImage, Task, Text, rng_for
from motet.metrics import Accuracy
from motet.preprocess.images import ImageTransform, Whole
from motet.preprocess.tokenizers import EOS, TrainedTokenizer
from motet.systems.lit_decoder.options import ByTask, ClassStrings, SplitCap
from motet.systems.lit_decoder.processor import ImageInputs, LiTDecoderProcessor
from motet.systems.lit_decoder.sequence import Sequences

TASK = Task(name="read", inputs=frozenset({"image"}), label="texts", target=Text(9), metrics=(Accuracy,))


def image() -> MemoryImage:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), (200, 20, 20)).save(buffer, "PNG")
    return MemoryImage("a.png", buffer.getvalue())


def processor(**options) -> LiTDecoderProcessor:
    tokenizer = TrainedTokenizer(size=260).build(["red"])
    sequences = Sequences(
        tokenizer, [TASK], ByTask(), ClassStrings(), separator=True, question_separator=True, max_tokens=20,
        answer_room=8,
    )  # fmt: skip
    transform = ImageTransform((4, 4), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), Whole(), False, False, False)
    return LiTDecoderProcessor(ImageInputs(transform), sequences, **options)


def example(*texts) -> Example:
    return Example(id="r", images=(image(),), labels={"texts": texts} if texts else {})


def test_the_loss_is_over_answer_and_end() -> None:
    made = processor()
    batch = made.collate([made.row(example("red"), [TASK], None)], keep_annotations=True)
    value = batch.targets["read"].value
    tokens, counted = value["tokens"][0], value["counted"][0]
    answer = made.sequences.tokenizer.encode("red")
    assert tokens[counted].tolist() == [*answer, EOS]
    assert int(value["prefix"]) == int(value["answer_start"]) == 2
    assert batch.targets["read"].annotations == (("red",),)


def test_split_cap_moves_the_first_token_into_the_prompt() -> None:
    made = processor(texts={"read": SplitCap()})
    value = made.collate([made.row(example("red"), [TASK], rng_for("t"))], keep_annotations=False).targets["read"].value
    first = made.sequences.tokenizer.encode("red")[0]
    assert int(value["prefix"]) == 3
    assert int(value["answer_start"]) == 2
    assert int(value["tokens"][0, 2]) == first
    assert not value["counted"][0, 2]


def test_an_evaluated_row_needs_an_annotation() -> None:
    made = processor()
    row = made.row(example(), [TASK], None)
    assert not made.collate([row], keep_annotations=False).targets["read"].value["counted"].any()
    with pytest.raises(DataError, match="r: task 'read': got no annotation"):
        made.collate([row], keep_annotations=True)


def test_rows_without_an_image_are_marked() -> None:
    pixels = np.ones((3, 4, 4), dtype=np.float32)
    inputs = processor().images.collate([pixels, None])
    assert inputs["has_image"].tolist() == [True, False]
    assert inputs["pixels"].shape == (2, 3, 4, 4)
    assert torch.equal(inputs["pixels"][1], torch.zeros(3, 4, 4))
    assert processor().images.collate([None]) == {}
