"""The base classes of metrics: rows by id, merging, draws."""

import numpy as np
import pytest

from motet.core import Label, MeanMetric, Metric, MetricError, ScalarPrediction

TARGET = Label(("a",))


class Percent(MeanMetric):
    name = "percent"

    def row(self, prediction, annotation, target):
        return prediction.value


class Metres(Percent):
    name, unit = "metres", "m"


class Largest(Metric):
    name = "largest"

    def row(self, prediction, annotation, target):
        return prediction.value

    def reduce(self, rows):
        return max(rows)


def filled(metric, **values):
    for row_id, value in values.items():
        metric.update(row_id, ScalarPrediction(value), None, TARGET)
    return metric


def test_a_mean_is_in_percent_unless_it_has_a_unit() -> None:
    assert filled(Percent(), a=0.5, b=1.0).compute() == 75.0
    assert filled(Metres(), a=0.5, b=1.0).compute() == 0.75
    assert filled(Percent(), a=0.5, b=1.0).row_scores(["b", "a"]).tolist() == [100.0, 50.0]


def test_a_row_added_twice_counts_once_and_ids_may_repeat() -> None:
    metric = filled(Percent(), a=0.0, b=1.0)
    filled(metric, b=1.0)
    assert metric.compute() == 50.0
    assert metric.compute(["b", "b", "a"]) == pytest.approx(200 / 3)


def test_merging_is_a_union() -> None:
    one, other = filled(Largest(), a=1.0), filled(Largest(), a=1.0, b=3.0)
    one.merge(other)
    assert (one.compute(), len(one.rows)) == (3.0, 2)


def test_draws_without_sums_repeat_rows() -> None:
    metric = filled(Largest(), a=1.0, b=3.0)
    assert metric.draws(["a", "b"], np.array([[2, 0], [1, 1]])).tolist() == [1.0, 3.0]
    assert filled(Percent(), a=0.0, b=1.0).draws(["a", "b"], np.array([[3, 1]])).tolist() == [25.0]


def test_defaults_add_nothing() -> None:
    metric = filled(Largest(), a=1.0)
    assert (metric.row_scores(["a"]), metric.by_class(), metric.remarks()) == (None, {}, ())


def test_no_row_is_an_error() -> None:
    with pytest.raises(MetricError, match="metric largest: got no rows; want at least one"):
        Largest().compute()
