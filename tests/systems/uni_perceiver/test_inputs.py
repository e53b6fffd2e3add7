"""Input sequences: their order, padding and kinds."""

import pytest
import torch
from toy_uni_perceiver import row

from motet.core import Batch, DataError
from motet.preprocess.tokenizers import PAD


def sequences_of(system, batch, name):
    return system.classifier.inputs.of_task(system.tasks[name], batch, batch.targets[name])


def kinds(sequences):
    return [(span.count, span.kind.name) for span in sequences.spans]


def test_special_token_image_text(make, batch) -> None:
    system = make("vqa").eval()
    found = batch(system, [row(0), row(1, text="what is it")])
    sequences = sequences_of(system, found, "vqa")
    ids = found.targets["vqa"].value["ids"][:, 0]
    assert kinds(sequences) == [(1 + 4, "visual input"), (ids.shape[1], "text input")]
    assert torch.equal(sequences.x[:, :1], system.embedding.special_token(2))
    assert torch.equal(sequences.x[:, 5:], system.embedding.text(ids))
    assert sequences.valid[:, :5].all()
    assert torch.equal(sequences.valid[:, 5:], ids != PAD)


def test_text_alone_and_image_alone(make, batch) -> None:
    system = make("pair", "class").eval()
    found = batch(system, [row(0)])
    length = found.targets["pair"].value["ids"].shape[2]
    assert kinds(sequences_of(system, found, "pair")) == [(1 + length, "text input")]
    image = sequences_of(system, found, "class")
    assert kinds(image) == [(5, "visual input")]
    assert image.valid is None


def test_a_target_text_is_followed_by_a_special_token_per_word(make, batch) -> None:
    system = make("caption").eval()
    inputs, found = system.generator.inputs, batch(system, [row(0), row(1)])
    ids = found.targets["caption"].value["text_ids"]
    whole = inputs.with_text(system.tasks["caption"], sequences_of(system, found, "caption"), ids)
    t = ids.shape[1]
    assert kinds(whole) == [(5, "visual input"), (2 * t, "text input causal")]
    assert whole.prefix_length == 5
    assert torch.equal(whole.valid[:, 5 : 5 + t], ids != PAD)
    assert torch.equal(whole.valid[:, 5 + t :], ids != PAD)
    assert torch.equal(whole.x[:, 5 : 5 + t], system.embedding.text(ids))
    assert torch.equal(whole.x[:, 5 + t :], system.embedding.text(torch.full_like(ids, system.text_inputs.special)))


def test_a_batch_without_images_is_refused(make) -> None:
    system = make("class")
    with pytest.raises(DataError, match=r"batch: got inputs \['ids'\]; want 'pixels'"):
        system.classifier.inputs.image_tokens(Batch(("a",), {"ids": torch.zeros(1, 2)}, {}), torch.tensor([0]))


def test_rows_are_chosen_from_the_batch(make, batch) -> None:
    system = make("class").eval()
    found = batch(system, [row(0), row(1), row(2)])
    chosen = system.classifier.inputs.image_tokens(found, torch.tensor([2, 0]))
    every = system.classifier.inputs.image_tokens(found, torch.arange(3))
    assert torch.allclose(chosen, every[[2, 0]], atol=1e-5)
    assert not torch.allclose(every[0], every[2])
