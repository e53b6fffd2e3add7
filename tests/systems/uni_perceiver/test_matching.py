"""Matching: sides apart, candidates, and pairs of a batch."""

from dataclasses import replace

import pytest
import torch

from motet.core import ConfigError
from motet.systems.uni_perceiver.retrieval import MatchedPairs


def test_images_and_texts_of_a_split_are_encoded_apart(make, rows, batch) -> None:
    system = make("pairs").eval()
    images = batch(system, [rows(i, labels={}) for i in range(3)])
    texts = batch(system, [rows(i, images=(), labels={}, text=f"a cat {i}") for i in range(2)])
    sides = system.side(images, "pairs", "images"), system.side(texts, "pairs", "texts")
    assert system.score("pairs", *sides).shape == (3, 2)
    alone = system.side(batch(system, [rows(2, labels={})]), "pairs", "images")
    assert torch.allclose(sides[0]["features"][2:], alone["features"], atol=1e-5)
    with pytest.raises(ConfigError, match="got task 'none'; want a Match"):
        system.score("none", *sides)


def test_candidates_have_the_scores_of_their_sides(make, rows, batch) -> None:
    system = make("match").eval()
    texts = ("a cat", "a dog", "a cow")
    found = batch(system, [rows(i, candidates=texts) for i in range(2)])
    predictions = system.predict(found)["match"]
    task = system.tasks["match"]
    images = system.matcher.image_features(task, found)
    ids = found.targets["match"].value["ids"][0]
    scores = system.matcher.scores(images, system.matcher.text_features(task, ids))
    for row, prediction in enumerate(predictions):
        assert prediction.scores == pytest.approx(scores[row].tolist(), abs=1e-4)
        assert prediction.name == texts[int(scores[row].argmax())]


def test_padding_is_no_candidate(make, rows, batch) -> None:
    system = make("match").eval()
    few, many = rows(0, candidates=("a cat", "a dog")), rows(1, candidates=("a cat", "a dog", "x", "y"))
    together = system.predict(batch(system, [few, many]))["match"]
    (alone,) = system.predict(batch(system, [few]))["match"]
    assert together[0].scores == pytest.approx(alone.scores, abs=1e-4)
    assert len(together[0].scores) == 2


@pytest.mark.parametrize(("all_ranks", "training"), [(True, True), (True, False), (False, True)])
def test_pairs_of_all_ranks_are_gathered_in_training_alone(make, rows, batch, monkeypatch, all_ranks, training) -> None:
    calls = []
    monkeypatch.setattr(MatchedPairs, "gathered", lambda own: calls.append(own) or own)
    system = make("pairs").train(training)
    system.matcher = replace(system.matcher, all_ranks=all_ranks)
    found = batch(system, [rows(i) for i in range(3)])
    assert float(system.losses(found).tasks["pairs"].weight) == 3
    assert bool(calls) == (all_ranks and training)


def test_ranks_with_other_tasks_gather_no_pairs(make, rows, batch, monkeypatch) -> None:
    system = make("pairs")
    batches = [batch(system, [rows(0)])]
    monkeypatch.setattr("motet.systems.uni_perceiver.model.world", lambda: 2)
    for others, same in (((("pairs",),), True), ((("class",),), False), ((), False)):
        monkeypatch.setattr("motet.systems.uni_perceiver.model.gather", lambda own, others=others: [own, others])
        system.refresh(batches, 0)
        assert system.matcher.all_ranks == same
