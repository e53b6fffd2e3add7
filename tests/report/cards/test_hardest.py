import pytest

from motet.core import Result
from motet.report.cards.hardest import confidence_of, hardest


def result_of(metric: str, *, unit: str = "%", better: bool = True) -> Result:
    return Result(
        task="t", source="s", metric=metric, value=0.0, unit=unit, higher_is_better=better, count=4, num_images=4
    )


def line(name: str, score: float | None, metric: str, **more) -> dict:
    return {"id": name, "scores": {} if score is None else {metric: score}, **more}


def chosen(lines: list[dict], result: Result, most: int = 2) -> list[tuple[str, str]]:
    return [(one["id"], choice) for one, choice in hardest(lines, result, most)]


def test_the_surest_wrong_answers_come_first_and_right_ones_never() -> None:
    rows = [
        line("sure and right", 100.0, "accuracy", confidence=0.99),
        line("unsure", 0.0, "accuracy", confidence=0.2),
        line("unknown", 0.0, "accuracy"),
        line("sure", 0.0, "accuracy", confidence=0.9),
    ]
    expected = [("sure", "surest wrong"), ("unsure", "surest wrong"), ("unknown", "surest wrong")]
    assert chosen(rows, result_of("accuracy"), 9) == expected
    assert chosen(rows, result_of("accuracy"), 1) == expected[:1]


def test_without_confidence_wrong_answers_are_the_worst() -> None:
    rows = [line("b", 0.0, "accuracy"), line("right", 100.0, "accuracy"), line("a", 0.0, "accuracy")]
    assert chosen(rows, result_of("accuracy"), 9) == [("a", "worst"), ("b", "worst")]


@pytest.mark.parametrize(
    ("metric", "unit", "better", "worst"),
    [("region_iou", "%", True, "low"), ("rmse", "m", False, "high"), ("cider", "", True, "low")],
)
def test_graded_scores_are_ordered_by_the_direction_of_the_metric(metric, unit, better, worst) -> None:
    rows = [
        line("low", 1.0, metric),
        line("high", 90.0, metric),
        line("middle", 30.0, metric),
        line("none", None, metric),
    ]
    found = chosen(rows, result_of(metric, unit=unit, better=better), 9)
    assert found[0] == (worst, "worst")
    assert found[1] == ("middle", "worst")
    assert "none" not in dict(found)


def test_rankings_are_as_bad_as_the_rank_and_boxes_as_their_f1() -> None:
    ranked = [line(str(rank), 0.0, "recall_at_1", ranking={"rank": rank, "among": 9}) for rank in (1, 7, 3)]
    assert chosen(ranked, result_of("recall_at_1"), 9) == [("7", "worst"), ("3", "worst")]
    box = {"boxes_xyxy": [[0, 0, 9, 9]], "labels": [0], "names": ["cat"]}
    right, low, missed = ({**box, "scores": [score]} for score in (0.9, 0.2, 0.1))
    rows = [
        line(name, None, "ap", prediction=one, ground_truth={**box, "scores": [1.0]}, confidence=sure)
        for name, one, sure in (("right", right, 0.9), ("missed", missed, 0.1), ("low", low, 0.2))
    ]
    assert chosen(rows, result_of("ap"), 9) == [("low", "worst"), ("missed", "worst")]


@pytest.mark.parametrize("value", [True, -0.1, 1.1, "1", None, float("nan")])
def test_other_entries_are_no_confidence(value) -> None:
    assert confidence_of({"confidence": value}) is None
