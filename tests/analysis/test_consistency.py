import pytest

from motet.analysis.consistency import ScoredPhrase, grounding_consistency, mean_score, plain_terms
from motet.core import ConfigError

QUESTIONS = [
    ScoredPhrase("1", "What color is the big dog?", 0.5),
    ScoredPhrase("1", "Is the cat big?", 0.3),
    ScoredPhrase("2", "How many dogs?", 1.0),
]
PHRASES = [
    ScoredPhrase("1", "big dog", 0.51),
    ScoredPhrase("1", "cat", 0.9),
    ScoredPhrase("2", "the dog", 0.5),
    ScoredPhrase("3", "dog", 1.0),
]


def test_pairs_count_by_what_they_share() -> None:
    found = grounding_consistency(QUESTIONS, PHRASES)
    # (q0, r0) shares big and dog: 2, right. (q1, r0) big: 1, wrong. (q1, r1) cat: 1, wrong. (q2, r2) dog: 1, wrong.
    assert found.value == pytest.approx(2 / 5)
    assert (found.pairs, found.images, found.both, found.weight) == (4, 2, 1, 5)


def test_thresholds_decide_what_is_right() -> None:
    assert grounding_consistency(QUESTIONS, PHRASES, min_accuracy=0.3).value == pytest.approx(4 / 5)
    assert grounding_consistency(QUESTIONS, PHRASES, min_accuracy=0.6).value == 0
    assert grounding_consistency(QUESTIONS, PHRASES, min_iou=0.49).value == pytest.approx(3 / 5)
    assert grounding_consistency(QUESTIONS, PHRASES, min_accuracy=0.51).value == 0


def test_terms_may_count_as_often_as_both_have_them() -> None:
    questions = [ScoredPhrase("1", "dog dog", 1.0), ScoredPhrase("1", "dog cat", 0.0)]
    phrases = [ScoredPhrase("1", "dog by a dog", 1.0)]
    assert grounding_consistency(questions, phrases).value == pytest.approx(1 / 2)
    assert grounding_consistency(questions, phrases, overlap="count").value == pytest.approx(2 / 3)


def test_a_tagger_of_ones_own_serves() -> None:
    questions, phrases = [ScoredPhrase("1", "x Y", 1.0)], [ScoredPhrase("1", "Y z", 1.0)]
    assert grounding_consistency(questions, phrases, terms=str.split).value == 1.0


def test_plurals_and_small_words() -> None:
    assert plain_terms("Are there two buses, or ladies with glasses on the grass?") == [
        "two",
        "bus",
        "lady",
        "glass",
        "grass",
    ]
    assert plain_terms("Is it?") == []


def test_no_pair_and_bad_thresholds_are_errors() -> None:
    with pytest.raises(ConfigError, match="got no pair among 3 questions and 1 phrases"):
        grounding_consistency(QUESTIONS, PHRASES[3:])
    with pytest.raises(ConfigError, match=r"got min_accuracy 0 and min_iou 0\.5"):
        grounding_consistency(QUESTIONS, PHRASES, min_accuracy=0)


def test_every_task_counts_the_same() -> None:
    assert mean_score({"a": 50, "b": 100, "c": 0}) == 50
    with pytest.raises(ConfigError, match="mean score: got no task"):
        mean_score({})
    with pytest.raises(ConfigError, match=r"mean score: got \{'rank': 140\.0\}"):
        mean_score({"rank": 140.0, "b": 1})
