"""Vectors of texts from a pretrained encoder."""

from __future__ import annotations

from dataclasses import replace

import torch

from motet.nn.text_encoders import BundledMiniLM, TinyBert
from motet.nn.tower import Finetune, FromScratch
from motet.recipes.unit import small
from motet.systems import build_system
from motet.systems.base import build_sentence_tokenizer, pretrained_text_vectors
from motet.tasks import sentence

CPU = torch.device("cpu")


def test_a_text_has_the_mean_of_its_tokens_states_whatever_stands_beside_it_in_the_batch() -> None:
    tokenizer = build_sentence_tokenizer(BundledMiniLM(), list)
    vectors = pretrained_text_vectors(BundledMiniLM(), Finetune(), tokenizer, 128, CPU)
    assert vectors is not None
    text = "a dull film"
    alone = vectors([text])
    ids = torch.tensor([tokenizer.encode((text,), 128)[0]])
    with torch.no_grad():
        states = vectors.encoder(ids, torch.zeros_like(ids), torch.ones_like(ids, dtype=torch.bool))
    assert torch.allclose(alone[0], states[0].mean(dim=0), atol=1e-5)
    beside = vectors([text, "a film that goes on for so long that nobody sees its end"])
    assert torch.allclose(alone[0], beside[0], atol=1e-5)
    near, far = vectors(["a boring movie", "two sheep on a meadow"])
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(alone[0], near, dim=0) > cosine(alone[0], far, dim=0) + 0.2


def test_long_texts_are_cut() -> None:
    tokenizer = build_sentence_tokenizer(BundledMiniLM(), list)
    vectors = pretrained_text_vectors(BundledMiniLM(), Finetune(), tokenizer, 8, CPU)
    assert vectors is not None
    assert torch.allclose(vectors(["word " * 1000]), vectors(["word " * 6]))


def test_encoders_from_scratch_have_no_pretrained_vectors() -> None:
    tokenizer = build_sentence_tokenizer(TinyBert(words=300), lambda: ["a dog"])
    assert pretrained_text_vectors(TinyBert(words=300), Finetune(), tokenizer, 16, CPU) is None
    assert pretrained_text_vectors(BundledMiniLM(), FromScratch(), tokenizer, 16, CPU) is None


def test_a_trained_system_gives_the_vectors_of_before_its_training() -> None:
    config = small(text=BundledMiniLM(), text_mode=Finetune())
    system = build_system(config, [sentence("mood", ("bad", "good"))], texts=list).eval()
    before = system.pretrained_text_vectors()
    assert before is not None
    expected = before(["a fine film"])
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.mul_(1.5)
    after = system.pretrained_text_vectors()
    assert after is not None
    assert torch.equal(after(["a fine film"]), expected)


def test_a_stored_text_is_not_encoded_again() -> None:
    vectors = pretrained_text_vectors(
        BundledMiniLM(), Finetune(), build_sentence_tokenizer(BundledMiniLM(), list), 128, CPU
    )
    assert vectors is not None
    texts = ["two dogs run", "a cat", "rain"]
    expected = vectors(texts)

    states = {}
    for ids in (vectors.sentences.encode((text,), 128)[0] for text in texts[:2]):
        one = torch.tensor([ids])
        found = vectors.encoder(one, torch.zeros_like(one), torch.ones_like(one, dtype=torch.bool))[0]
        states[tuple(ids)] = found.half().numpy()

    class Store:
        def read(self, ids):
            return states.get(tuple(ids))

    sizes = []
    vectors.encoder.register_forward_hook(lambda module, given, out: sizes.append(len(given[0])))
    found = replace(vectors, store=Store())(texts)
    assert sizes == [1]
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)
