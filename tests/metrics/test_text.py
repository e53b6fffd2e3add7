import pytest
from hypothesis import given
from hypothesis import strategies as some

from motet.core import MetricError, Text, TextPrediction
from motet.metrics import CharacterErrorRate, Cider, ExactMatch
from motet.metrics.text import edit_distance

WORDS = some.text(alphabet="abc ", max_size=8)


def test_errors_are_counted_over_the_whole_set_and_the_nearest_reference_is_taken() -> None:
    metric = CharacterErrorRate()
    metric.update("a", TextPrediction("TOTAL 12"), ("TOTAL 13",), Text(4))
    metric.update("b", TextPrediction("ab"), ("xyz", "abc"), Text(4))
    assert metric.compute() == pytest.approx(100 * (1 + 1) / (8 + 3))
    assert metric.row_scores(["a", "b"]) == pytest.approx([12.5, 100 / 3])
    assert not metric.higher_is_better


def test_a_set_of_empty_annotations_has_no_error_rate() -> None:
    metric = CharacterErrorRate()
    metric.update("a", TextPrediction("x"), ("",), Text(4))
    with pytest.raises(MetricError, match="got no letter in 1 rows"):
        metric.compute()


@given(WORDS, WORDS, WORDS)
def test_the_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


def test_white_space_does_not_make_a_text_wrong_but_case_does() -> None:
    metric = ExactMatch()
    metric.update("a", TextPrediction(" GRAND  TOTAL"), ("GRAND TOTAL",), Text(4))
    metric.update("b", TextPrediction("Grand Total"), ("GRAND TOTAL",), Text(4))
    assert metric.compute() == 50.0


def test_one_image_alone_has_a_cider_of_zero_and_empty_references_are_no_crash() -> None:
    metric = Cider()
    metric.update("a", TextPrediction("a cat"), ("a cat",), Text(9))
    assert metric.compute() == 0.0
    empty = Cider()
    empty.update("a", TextPrediction("a cat"), (".",), Text(9))
    assert empty.compute() == 0.0
