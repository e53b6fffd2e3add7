import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import DataError, Example, MemoryImage, Task, Text, rng_for
from motet.metrics import Accuracy
from motet.preprocess.images import ImageTransform, Whole
from motet.preprocess.tokenizers import EOS, TrainedTokenizer
from motet.systems.base import ImageInputs, Row
from motet.systems.lit_decoder.options import ByTask, ClassStrings, SplitCap
from motet.systems.lit_decoder.processor import LiTDecoderProcessor
from motet.systems.lit_decoder.sequence import Sequences

TASK = Task(name="read", inputs=frozenset({"image"}), label="texts", target=Text(9), metrics=(Accuracy,))
OTHER = replace(TASK, name="other")


def image() -> MemoryImage:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), (200, 20, 20)).save(buffer, "PNG")
    return MemoryImage("a.png", buffer.getvalue())


def processor(**options) -> LiTDecoderProcessor:
    tokenizer = TrainedTokenizer(size=260).build(["red"])
    sequences = Sequences(
        tokenizer, [TASK, OTHER], ByTask(), ClassStrings(), separator=True, question_separator=True, max_tokens=20,
        answer_room=8,
    )  # fmt: skip
    transform = ImageTransform((4, 4), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), Whole(), False, False, False)
    return LiTDecoderProcessor(ImageInputs(transform=transform), sequences, **options)


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


def test_all_tasks_of_a_batch_have_one_length() -> None:
    for to_longest in (True, False):
        made = processor(pad_to_longest=to_longest)
        rows = [made.row(example("red"), [TASK], None), made.row(example("red red red"), [OTHER], None)]
        longest = max(len(row.entries[0].tokens) for row in rows)
        targets = made.collate(rows, keep_annotations=True).targets.values()
        found = {target.value["tokens"].shape[1] for target in targets}
        assert found == {longest if to_longest else 20}
        assert longest < 20


def test_rows_without_an_image_are_marked() -> None:
    seen, unseen = Row(id="seen", image=np.ones((3, 4, 4), dtype=np.float32)), Row(id="unseen")
    inputs = processor().inputs([seen, unseen])
    assert inputs["has_image"].tolist() == [True, False]
    assert inputs["pixels"].shape == (2, 3, 4, 4)
    assert torch.equal(inputs["pixels"][1], torch.zeros(3, 4, 4))
    assert set(processor().inputs([seen])) == {"pixels"}
    assert processor().inputs([unseen]) == {}
