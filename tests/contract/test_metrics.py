"""What every metric of the table promises, whatever it counts."""

import numpy as np
import pytest

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    ClassPrediction,
    Dense,
    DenseMap,
    Label,
    Masked,
    Match,
    MetricError,
    Panoptic,
    PanopticMap,
    Region,
    ScalarPrediction,
    Text,
    TextPrediction,
    WordScores,
)
from motet.metrics import METRICS

NAMES = ("cat", "dog", "cow")
CAPTION = (
    ("a cat on a mat", "the cat sits on a mat"),
    ("two dogs run in a park", "dogs running in the park"),
    ("a cow eats grass", "a brown cow in a field"),
    ("a red bus on a street", "the bus drives down a street"),
)
ANSWER = (("yes",) * 10, ("red",) * 6 + ("blue",) * 4, ("two",) * 7 + ("2",) * 3, ("left",) * 10)


def boxes(*entries, attributes=()) -> BoxSet:
    """Boxes of three sizes, a label and a score each."""
    corners = {"s": (2, 2, 22, 22), "m": (10, 10, 60, 60), "l": (0, 0, 200, 200)}
    return BoxSet(
        np.array([corners[size] for size, _, _ in entries], dtype=np.float64).reshape(-1, 4),
        np.array([label for _, label, _ in entries], dtype=np.int64),
        np.array([score for _, _, score in entries], dtype=np.float64),
        attributes,
    )


SEEN = (
    boxes(("s", 0, 1), ("m", 1, 1), ("l", 2, 1), attributes=((0,), (1,), (0, 1))),
    boxes(("l", 0, 1), ("s", 2, 1), attributes=((1,), (1, 0))),
    boxes(("m", 1, 1), attributes=((0,),)),
    boxes(("s", 0, 1), ("l", 1, 1), ("m", 2, 1), attributes=((0,), (1,), (1,))),
)
GUESSED = (
    boxes(("s", 1, 0.9), ("m", 1, 0.7), ("l", 2, 0.2), attributes=((0,), (0,), (0,))),
    boxes(("l", 0, 0.8), ("m", 2, 0.6), attributes=((1,), ())),
    boxes(attributes=()),
    boxes(("s", 0, 0.5), ("s", 2, 0.4), ("m", 2, 0.3), ("l", 0, 0.1), attributes=((0, 1), (), (), ())),
)
SEES = (Boxes(NAMES, ("red", "large")), SEEN, SEEN, GUESSED)
RANKED = (
    Match("images", "split"),
    tuple(frozenset({place % 20}) for place in (3, 7, 12, 0)),
    tuple(ClassPrediction(place, scores=tuple(float(i == place) for i in range(20))) for place in (3, 7, 12, 0)),
    tuple(ClassPrediction(19, scores=tuple(float(i) for i in range(20))) for _ in range(4)),
)
FOUND = (
    Region(),
    ((2, 2, 22, 22), (10, 10, 60, 60), (0, 0, 200, 200), (2, 2, 22, 22)),
    (boxes(("s", 0, 1)), boxes(("m", 0, 1)), boxes(("l", 0, 1)), boxes(("s", 0, 1))),
    (boxes(("s", 0, 1)), boxes(("l", 0, 1)), boxes(("s", 0, 1)), boxes(("m", 0, 1))),
)


def dense(target: Dense, whole) -> tuple:
    """Four maps, and answers that are right, and right in their left half alone."""
    annotations = tuple(whole(np.random.default_rng(row)) for row in range(4))
    halves = [
        np.where(np.arange(6).reshape(6, *[1] * (annotation.ndim - 2)) < 3, annotation, annotation[::-1])
        for annotation in annotations
    ]
    return (
        target,
        annotations,
        tuple(DenseMap(annotation) for annotation in annotations),
        tuple(DenseMap(half) for half in halves),
    )


SHOWN = dense(Dense(3, "class", NAMES), lambda rng: rng.integers(0, 3, (4, 6)))
FAR = dense(Dense(1, "metre"), lambda rng: rng.uniform(1.0, 9.0, (4, 6)))
FACING = dense(Dense(3, "unit vector"), lambda rng: rng.normal(size=(4, 6, 3)))
ENDS = dense(Dense(1, "probability"), lambda rng: rng.random((4, 6)))


def segments(rng: np.random.Generator) -> PanopticMap:
    """Three segments of three rows each, of drawn classes."""
    return PanopticMap(np.repeat([1, 2, 3], 3)[:, None].repeat(8, 1), rng.integers(0, 3, 3))


def partly(found: PanopticMap) -> PanopticMap:
    """The same without the second segment and a corner of the first."""
    left = np.where(found.segments == 2, 0, found.segments)
    left[0, :4] = 0
    return PanopticMap(left, found.labels)


MAPS = tuple(segments(np.random.default_rng(row)) for row in range(4))
PARTS = (Panoptic(NAMES, (True, True, False)), MAPS, MAPS, tuple(map(partly, MAPS)))
PAIR = (Label(NAMES[:2]), (0, 1, 1, 0), ("cat", "dog", "dog", "cat"), ("cat", "dog", "cat", "cta"))
# What is true, what is right, and what is partly right, for each metric.
KINDS = {
    **dict.fromkeys([name for name in METRICS if name.startswith(("ap", "ar", "described", "attribute"))], SEES),
    **dict.fromkeys([name for name in METRICS if name.startswith(("recall", "mean_rank", "median", "match"))], RANKED),
    **dict.fromkeys([name for name in METRICS if name.startswith("region_")], FOUND),
    "masked_region_accuracy": (
        Masked("regions"),
        (None,) * 4,
        (ScalarPrediction(1.0),) * 4,
        (ScalarPrediction(0.5), ScalarPrediction(-1.0), ScalarPrediction(0.0), ScalarPrediction(1.0)),
    ),
    **dict.fromkeys(("miou", "pixel_accuracy"), SHOWN),
    **dict.fromkeys(("pq", "sq", "rq"), PARTS),
    **dict.fromkeys(("rmse", "rmse_scaled", "abs_rel", "abs_rel_scaled", "delta1"), FAR),
    **dict.fromkeys(("mean_angle_deg", "within_11", "within_30"), FACING),
    **dict.fromkeys(("edge_f1", "edge_f1_positive", "ods_f", "ois_f"), ENDS),
    "f1": PAIR,
    "matthews": PAIR,
    "accuracy": (Label(NAMES), (0, 1, 2, 0), ("cat", "dog", "cow", "cat"), ("cat", "dog", "cat", "cta")),
    "masked_accuracy": (
        Masked("words"),
        CAPTION,
        tuple(texts[0] for texts in CAPTION),
        ("", CAPTION[1][0], "no", "a car"),
    ),
    **dict.fromkeys(
        ("perplexity", "word_accuracy"),
        (
            Masked("words"),
            CAPTION,
            tuple(TextPrediction("", words=WordScores(n, n, 0.0)) for n in (3, 1, 4, 2)),
            tuple(TextPrediction("", words=WordScores(1, n, -float(n))) for n in (3, 1, 4, 2)),
        ),
    ),
    "answer_match": (Answer(), ANSWER, ("yes", "red", "two", "left"), ("yes", "red", "no", "right")),
    "vqa_accuracy": (Answer(), ANSWER, ("yes", "red", "two", "left"), ("yes", "blue", "no", "right")),
}
TEXTS = (Text(20), CAPTION, tuple(texts[0] for texts in CAPTION), ("a cat on a hat", "two dogs", "a cow", "a car"))
PERFECT = {"cer": 0.0, "abs_rel": 0.0, "abs_rel_scaled": 0.0}
EMPTY = {"cer": 100.0, "mean_rank": 20.0, "median_rank": 20.0, "perplexity": np.nan, "word_accuracy": np.nan}


def case(name: str):
    """The target, truths, right answers and partly right answers of a metric; a string is a text prediction."""
    return KINDS.get(name, TEXTS)


def filled(name: str, answers, rows=range(4)):
    """The metric with some rows."""
    metric = METRICS[name]()
    target, annotations, _, _ = case(name)
    for row in rows:
        predicted = answers[row]
        metric.update(
            str(row), TextPrediction(predicted) if isinstance(predicted, str) else predicted, annotations[row], target
        )
    return metric


def test_the_table_has_every_metric_under_its_name() -> None:
    assert all(metric.name == name for name, metric in METRICS.items())


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_answer_gives_the_best_value(name: str) -> None:
    _, _, right, middling = case(name)
    best, other, metric = filled(name, right).compute(), filled(name, middling).compute(), METRICS[name]
    assert best > other if metric.higher_is_better else best < other
    if metric.unit == "%":
        assert best == pytest.approx(PERFECT.get(name, 100.0), abs=1e-4)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_updates_does_not_matter_and_a_row_seen_twice_counts_once(name: str) -> None:
    middling = case(name)[3]
    whole = filled(name, middling).compute()
    assert filled(name, middling, (3, 1, 0, 2, 1)).compute() == whole


@pytest.mark.parametrize("name", METRICS)
def test_two_halves_merged_are_the_whole(name: str) -> None:
    middling = case(name)[3]
    half = filled(name, middling, (0, 2))
    half.merge(filled(name, middling, (1, 3)))
    assert half.compute() == filled(name, middling).compute()


@pytest.mark.parametrize("name", METRICS)
def test_draws_give_what_drawing_the_rows_gives(name: str) -> None:
    metric, ids = filled(name, case(name)[3]), ["0", "1", "2", "3"]
    counts = np.array([[1, 1, 1, 1], [2, 1, 1, 0], [0, 0, 3, 1]])
    draws = metric.draws(ids, counts)
    assert draws[0] == pytest.approx(metric.compute())
    if name == "cider":  # its document frequencies stay those of the whole set
        scores = metric.row_scores(ids)
        assert draws == pytest.approx(
            [scores.mean(), (2 * scores[0] + scores[1] + scores[2]) / 4, scores[2:] @ [0.75, 0.25]]
        )
    else:
        drawn = [metric.compute(list(np.repeat(ids, row))) for row in counts]
        assert draws == pytest.approx(drawn)


@pytest.mark.parametrize("name", METRICS)
def test_row_scores_are_in_the_metrics_unit(name: str) -> None:
    metric = filled(name, case(name)[2])
    scores = metric.row_scores(["2", "0"])
    if scores is None:  # F1, a correlation, an average precision: numbers of a set, not of a row
        assert name in KINDS
        return
    assert scores.shape == (2,)
    if metric.unit == "%":
        assert scores == pytest.approx([PERFECT.get(name, 100.0)] * 2, abs=1e-4)


@pytest.mark.parametrize("name", [name for name in METRICS if not isinstance(case(name)[0], Dense)])
def test_an_empty_answer_is_bad_and_no_crash(name: str) -> None:
    match case(name)[0]:
        case Boxes() | Region():
            silent: object = boxes()
        case Match():
            silent = ClassPrediction(-1, scores=(0.0,) * 20)
        case Panoptic():
            silent = PanopticMap(np.zeros((9, 8), dtype=np.int64), np.zeros(0, dtype=np.int64))
        case Masked("regions"):
            silent = ScalarPrediction(0.0)
        case _:
            silent = ""
    assert filled(name, (silent,) * 4).compute() == pytest.approx(EMPTY.get(name, 0.0), abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
def test_no_row_is_an_error(name: str) -> None:
    with pytest.raises(MetricError, match=f"metric {name}: got no rows; want at least one"):
        METRICS[name]().compute()
