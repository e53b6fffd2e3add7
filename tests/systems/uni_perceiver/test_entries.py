"""One task's part of a row: texts and encoded targets."""

from dataclasses import replace

import numpy as np
import pytest
from toy_uni_perceiver import CONFIG, row, task

from motet.core import Boxes, DataError, UnsupportedTask, rng_for
from motet.preprocess.tokenizers import EOS, PAD
from motet.systems.uni_perceiver.entries import EntryEncoder
from motet.systems.uni_perceiver.image_inputs import UniPerceiverImages
from motet.systems.uni_perceiver.parts import build_text_inputs


@pytest.fixture(scope="module")
def encoder() -> EntryEncoder:
    return EntryEncoder(build_text_inputs(CONFIG, lambda: ["a red cat", "two small dogs"], None))


def encode(encoder, name, rng=None, *, images=None, **changes):
    return encoder.encode(row(0, **changes), task(name), images, rng)


def text_of(encoder, ids) -> str:
    return encoder.texts.tokenizer.decode([i for i in ids.tolist() if i not in (PAD, EOS, encoder.texts.special)])


def test_an_image_class_has_no_text_and_a_question_the_answer_token(encoder) -> None:
    assert set(encode(encoder, "class").value) == {"label"}
    question = encode(encoder, "vqa").value
    assert set(question) == {"ids", "answers"}
    assert question["ids"].shape[0] == 1
    assert question["ids"][0, -2:].tolist() == [EOS, encoder.texts.special]
    np.testing.assert_allclose(question["answers"], [1.0, 0.9], rtol=1e-6)


def test_an_open_question_leaves_room_for_its_answer(encoder) -> None:
    value = encode(encoder, "open", text="long " * 50).value
    assert value["ids"].shape == (1, CONFIG.max_tokens - CONFIG.max_generated)
    assert encoder.texts.special not in value["ids"]
    assert text_of(encoder, value["text_ids"]) == "yes", "the most common answer"


def test_a_text_to_generate_is_empty_without_annotation(encoder) -> None:
    entry = encode(encoder, "caption", labels={})
    assert (entry.annotated, entry.annotation) == (False, None)
    assert (entry.value["text_ids"].shape, entry.value["text_ids"].dtype) == ((0,), np.int64)


def test_one_of_several_captions_is_drawn_in_training(encoder) -> None:
    drawn = [encode(encoder, "caption", rng_for("c", seed), labels={"caption": ("a cat", "two")}) for seed in range(20)]
    assert {text_of(encoder, entry.value["text_ids"]) for entry in drawn} == {"a cat", "two"}
    assert text_of(encoder, encode(encoder, "caption").value["text_ids"]) == "a red cat"


def test_masks_depend_on_the_row_alone_in_evaluation(encoder) -> None:
    found = [encode(encoder, "masked", id=name).value for name in ("a", "a", "b", "c", "d")]
    masks = [tuple((value["masked_ids"] >= 0).tolist()) for value in found]
    assert masks[0] == masks[1]
    assert len(set(masks)) > 1
    for value, mask in zip(found, masks, strict=True):
        assert any(mask), "at least one word"
        whole = np.where(mask, value["masked_ids"], value["ids"][0])
        assert text_of(encoder, whole) == "a red cat"


def test_candidates_with_the_same_text_are_encoded_once(encoder) -> None:
    images = UniPerceiverImages(np.arange(3.0)[:, None, None, None], video=False)
    candidates = ((0, "a cat"), (2, "a cat"), (1, "a dog"))
    entry = encode(encoder, "match", images=images, frames=3, candidates=candidates, labels={"match": frozenset({1})})
    value = entry.value
    assert [text_of(encoder, ids) for ids in value["ids"]] == ["a cat", "a dog"]
    assert value["text_index"].tolist() == [0, 0, 1]
    assert value["image_index"].tolist() == [0, 2, 1]
    assert value["correct"].tolist() == [False, True, False]
    assert value["real"].all()
    assert value["more_images"].ravel().tolist() == [1.0, 2.0]
    assert entry.names == ("a cat", "a cat", "a dog")


def test_images_that_no_candidate_names_are_left_out(encoder) -> None:
    images = UniPerceiverImages(np.zeros((3, 1, 2, 2)), video=False)
    changes = {"frames": 3, "candidates": ("a cat", "a dog"), "labels": {}}
    value = encode(encoder, "match", images=images, **changes).value
    assert value["more_images"].shape == (0, 1, 2, 2)
    assert not value["correct"].any()
    assert "more_images" not in encode(encoder, "match", images=replace(images, video=True), **changes).value


def test_a_pair_has_keys_of_its_contents(encoder) -> None:
    first, other = encode(encoder, "pairs").value, encode(encoder, "pairs", id="e/9").value
    assert {name: value.tolist() for name, value in first.items()} == {n: v.tolist() for n, v in other.items()}
    assert first["text_key"] == first["caption_keys"][0]
    assert len(set(first["caption_keys"].tolist())) == 2
    elsewhere = encode(encoder, "pairs", image_ids=("i/other",)).value
    assert elsewhere["image_key"] != first["image_key"]
    assert encode(encoder, "pairs", image_ids=()).value["image_key"] != first["image_key"]


def test_a_pair_has_one_image(encoder) -> None:
    with pytest.raises(DataError, match="e/0: images: got 2; want exactly one"):
        encode(encoder, "pairs", frames=2)
    video = replace(task("pairs"), inputs=frozenset({"video", "text"}))
    assert "image_key" in encoder.encode(row(0, frames=2), video, None, None).value


def test_other_targets_are_refused(encoder) -> None:
    boxes = replace(task("class"), target=Boxes(("cat",)))
    with pytest.raises(UnsupportedTask, match="task 'class': got Boxes; want a target that Uni-Perceiver answers"):
        encoder.encode(row(0), boxes, None, None)
