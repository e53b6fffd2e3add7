"""What metrics of maps have in common: pairs of maps that fit each other, and sums that are added over rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from motet.core import Dense, DenseMap, Metric, MetricError, Prediction, TargetSpec

CHANNELS = {"metre": 1, "unit vector": 3, "probability": 1}
"""Of a map, by its unit; a map of classes has one number a pixel, whatever the number of classes."""


class MapSums(Metric):
    """A metric that keeps a few sums of each map, from which its number over any choice of maps follows.

    A map without a single true pixel adds nothing; where no map has one, there is no number.
    """

    @abstractmethod
    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        """What is kept of a map.

        Args:
            said: the prediction at the pixels with a truth, (p,) or (p, channels); there may be none.
            true: the truth there.
            target: what was asked.
        """

    @abstractmethod
    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        """The number for each choice of maps from its added sums; NaN where nothing is to be judged."""

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> np.ndarray:
        """The sums of a map; all are 0 where it has no true pixel."""
        said, true, valid = check_maps(prediction, annotation, target, self.name)
        assert isinstance(target, Dense)  # checked_maps has seen to it
        return self.sums(said[valid], true[valid], target)

    def reduce(self, rows: Sequence[Any]) -> float:
        number = float(self.of_sums(_stacked(rows).sum(axis=0, keepdims=True))[0])
        if np.isnan(number):
            raise MetricError(f"metric {self.name}: got {len(rows)} maps without a true pixel to judge; want some")
        return number

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        """Each map's own number; NaN where it has no true pixel."""
        return self.of_sums(_stacked([self.rows[i] for i in ids]))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """The number over draws of maps; draws with nothing to judge are left out."""
        numbers = self.of_sums(counts @ _stacked([self.rows[i] for i in ids]))
        return np.asarray(numbers[~np.isnan(numbers)])

    def remarks(self) -> tuple[str, ...]:
        empty = sum(not row.any() for row in self.rows.values())
        return (f"{self.name}: {empty} of {len(self.rows)} maps have no true pixel",) if empty else ()


class MapMean(MapSums):
    """A metric that is the mean over maps of a number each."""

    @abstractmethod
    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        """A map's own number.

        Args:
            said: the prediction at the pixels with a truth, (p,) or (p, channels); at least one.
            true: the truth there.
        """

    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        del target
        return np.array([self.of_map(said, true), 1.0] if len(true) else [0.0, 0.0])

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return ratio(sums[:, 0], sums[:, -1])


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part / whole; NaN where the whole is 0.

    Examples:
        >>> share(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
        [0.25, nan]
    """
    shares = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def _stacked(rows: Sequence[np.ndarray]) -> Float[np.ndarray, "n s"]:
    return np.stack(rows).astype(np.float64)


def check_maps(
    prediction: Prediction, annotation: Any, target: TargetSpec, metric: str
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, "h w"]]:
    """Prediction and truth, (h, w) or (h, w, channels), and where the truth is known.

    Raises:
        MetricError: another kind of target, answer or truth; maps of different sizes; a class beyond the names; a
            prediction that is no number where there is a truth.
    """
    where = f"metric {metric}"
    if not isinstance(target, Dense):
        raise MetricError(f"{where}: target: got a {type(target).__name__}; want a Dense")
    if not isinstance(prediction, DenseMap):
        raise MetricError(f"{where}: prediction: got a {type(prediction).__name__}; want a DenseMap")
    if not isinstance(annotation, np.ndarray):
        raise MetricError(
            f"{where}: truth: got a {type(annotation).__name__}; want an array (h, w) or (h, w, channels)"
        )
    if target.unit == "class":
        return _class_maps(prediction.values, annotation, target.channels, where)
    said, true = (_channels(values, CHANNELS[target.unit], where) for values in (prediction.values, annotation))
    _same_size(said, true, where)
    valid = np.isfinite(true) if true.ndim == 2 else np.isfinite(true).all(axis=-1)
    if not np.isfinite(said[valid]).all():
        raise MetricError(f"{where}: prediction: got {np.count_nonzero(~np.isfinite(said[valid]))} values that are no "
                          f"number where there is a truth; want numbers")  # fmt: skip
    return said.astype(np.float64), true.astype(np.float64), valid


def _class_maps(
    said: np.ndarray, true: np.ndarray, count: int, where: str
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, "h w"]]:
    said, true = (_channels(values, 1, where) for values in (said, true))
    _same_size(said, true, where)
    for name, values in (("prediction", said), ("truth", true)):
        if not np.issubdtype(values.dtype, np.integer):
            raise MetricError(f"{where}: {name}: got {values.dtype} numbers; want whole ones, the classes")
    valid = true >= 0
    for name, values in (("prediction", said[valid]), ("truth", true[valid])):
        wrong = values[(values < 0) | (values >= count)]
        if len(wrong):
            raise MetricError(f"{where}: {name}: got class {int(wrong[0])}; want 0 to {count - 1}")
    return said.astype(np.int64), true.astype(np.int64), valid


def _channels(values: np.ndarray, count: int, where: str) -> np.ndarray:
    """A map with its channels last; a single one is left away."""
    if values.ndim == 3 and values.shape[-1] == 1 and count == 1:
        values = values[..., 0]
    if values.ndim != (2 if count == 1 else 3) or (count > 1 and values.shape[-1] != count):
        want = "(h, w)" if count == 1 else f"(h, w, {count})"
        raise MetricError(f"{where}: got a map of shape {values.shape}; want {want}")
    return values


def _same_size(said: np.ndarray, true: np.ndarray, where: str) -> None:
    if said.shape[:2] != true.shape[:2]:
        (height, width), (true_height, true_width) = said.shape[:2], true.shape[:2]
        raise MetricError(
            f"{where}: prediction: got {height} x {width} pixels; want the truth's {true_height} x {true_width}"
        )
