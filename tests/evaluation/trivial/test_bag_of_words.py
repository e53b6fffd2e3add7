"""Bags of words."""

from __future__ import annotations

from motet.evaluation.trivial import bag_of_words
from motet.evaluation.trivial.bag_of_words import BagOfWords


def test_only_words_of_two_texts_count_and_each_sentence_has_its_own() -> None:
    bag = BagOfWords.of([("a dog", "a cat"), ("A DOG!", "no cat"), ("it", "dog")])
    assert bag.words == {(0, "a"): 0, (0, "dog"): 1, (1, "cat"): 2}
    assert bag.vectors([("cat dog", "cat"), ("new", "words")]).tolist() == [[0, 1, 1], [0, 0, 0]]


def test_the_commonest_words_are_kept_where_there_are_many(monkeypatch) -> None:
    monkeypatch.setattr(bag_of_words, "_MAX_WORDS", 2)
    texts = [("rare common often",), ("rare common often",), ("common often",)]
    assert list(BagOfWords.of(texts).words) == [(0, "common"), (0, "often")]
