"""Base classes of metrics of dense maps: checked pairs of maps, and sums that are added over rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from motet.core import Dense, DenseMap, Metric, MetricError, Prediction, TargetSpec

CHANNELS = {"metre": 1, "unit vector": 3, "probability": 1}
"""Number of channels of a map by its unit; a map of classes has one number per pixel, for any number of classes."""


class MapSums(Metric):
    """A metric that is computed from sums over pixels, of which it stores a few per map.

    A map without an annotated pixel adds nothing; if no map has one, computing raises.
    """

    @abstractmethod
    def map_sums(
        self, predicted: np.ndarray, annotated: np.ndarray, valid: Bool[np.ndarray, "h w"], target: Dense
    ) -> np.ndarray:
        """Returns the sums of one map.

        Args:
            predicted: the prediction, (h, w) or (h, w, channels).
            annotated: the annotation, of the same shape.
            valid: where it is annotated.
            target: the task's target.
        """

    @abstractmethod
    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        """Returns the number for each choice of maps from its added sums; NaN without an annotated pixel."""

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> np.ndarray:
        """Returns the sums of a map; all are 0 if it has no annotated pixel."""
        predicted, annotated, valid = check_maps(prediction, annotation, target, self.name)
        assert isinstance(target, Dense)  # check_maps raises otherwise
        return self.map_sums(predicted, annotated, valid, target)

    def reduce(self, rows: Sequence[Any]) -> float:
        number = float(self.of_sums(_stacked(rows).sum(axis=0, keepdims=True))[0])
        if np.isnan(number):
            raise MetricError(
                f"metric {self.name}: got {len(rows)} maps without an annotated pixel; want at least one such pixel"
            )
        return number

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        """Returns the number of each map; NaN if it has no annotated pixel."""
        return self.of_sums(_stacked([self.rows[i] for i in ids]))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """Returns the number for draws of maps; draws without an annotated pixel are left out."""
        numbers = self.of_sums(counts @ _stacked([self.rows[i] for i in ids]))
        return np.asarray(numbers[~np.isnan(numbers)])

    def remarks(self) -> tuple[str, ...]:
        empty = sum(not row.any() for row in self.rows.values())
        return (f"{self.name}: {empty} of {len(self.rows)} maps have no annotated pixel",) if empty else ()


class PixelSums(MapSums):
    """A metric that is computed from sums over pixels, wherever in the map these are."""

    @abstractmethod
    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        """Returns the sums of one map.

        Args:
            predicted: the prediction at the annotated pixels, (p,) or (p, channels); p may be 0.
            annotated: the annotation at these pixels.
            target: the task's target.
        """

    def map_sums(
        self, predicted: np.ndarray, annotated: np.ndarray, valid: Bool[np.ndarray, "h w"], target: Dense
    ) -> np.ndarray:
        return self.sums(predicted[valid], annotated[valid], target)


class MapMean(PixelSums):
    """A metric that is the mean over maps of one number per map."""

    @abstractmethod
    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        """Returns the number of one map.

        Args:
            predicted: the prediction at the annotated pixels, (p,) or (p, channels); p is at least 1.
            annotated: the annotation at these pixels.
        """

    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        del target
        return np.array([self.of_map(predicted, annotated), 1.0] if len(annotated) else [0.0, 0.0])

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return ratio(sums[:, 0], sums[:, -1])


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole; NaN where the whole is 0.

    Examples:
        >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
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
    """Checks and returns prediction and annotation, (h, w) or (h, w, channels), and the mask of annotated pixels.

    Raises:
        MetricError: another kind of target, prediction or annotation; maps of different sizes; a class beyond the
            names; a prediction that is not finite at an annotated pixel.
    """
    where = f"metric {metric}"
    if not isinstance(target, Dense):
        raise MetricError(f"{where}: target: got a {type(target).__name__}; want a Dense")
    if not isinstance(prediction, DenseMap):
        raise MetricError(f"{where}: prediction: got a {type(prediction).__name__}; want a DenseMap")
    if not isinstance(annotation, np.ndarray):
        raise MetricError(
            f"{where}: annotation: got a {type(annotation).__name__}; want an array (h, w) or (h, w, channels)"
        )
    if target.unit == "class":
        return _class_maps(prediction.values, annotation, target.channels, where)
    predicted, annotated = (
        _channels(values, CHANNELS[target.unit], where) for values in (prediction.values, annotation)
    )
    _same_size(predicted, annotated, where)
    valid = np.isfinite(annotated) if annotated.ndim == 2 else np.isfinite(annotated).all(axis=-1)
    if not np.isfinite(predicted[valid]).all():
        wrong = np.count_nonzero(~np.isfinite(predicted[valid]))
        raise MetricError(
            f"{where}: prediction: got {wrong} values that are no number; want finite numbers at all annotated pixels"
        )
    return predicted.astype(np.float64), annotated.astype(np.float64), valid


def _class_maps(
    predicted: np.ndarray, annotated: np.ndarray, count: int, where: str
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, "h w"]]:
    predicted, annotated = (_channels(values, 1, where) for values in (predicted, annotated))
    _same_size(predicted, annotated, where)
    for name, values in (("prediction", predicted), ("annotation", annotated)):
        if not np.issubdtype(values.dtype, np.integer):
            raise MetricError(f"{where}: {name}: got {values.dtype} numbers; want integers, the indices of classes")
    valid = annotated >= 0
    for name, values in (("prediction", predicted[valid]), ("annotation", annotated[valid])):
        wrong = values[(values < 0) | (values >= count)]
        if len(wrong):
            raise MetricError(f"{where}: {name}: got class {int(wrong[0])}; want 0 to {count - 1}")
    return predicted.astype(np.int64), annotated.astype(np.int64), valid


def _channels(values: np.ndarray, count: int, where: str) -> np.ndarray:
    """Checks and returns a map with its channels last, and without the axis of a single channel."""
    if values.ndim == 3 and values.shape[-1] == 1 and count == 1:
        values = values[..., 0]
    if values.ndim != (2 if count == 1 else 3) or (count > 1 and values.shape[-1] != count):
        want = "(h, w)" if count == 1 else f"(h, w, {count})"
        raise MetricError(f"{where}: got a map of shape {values.shape}; want {want}")
    return values


def _same_size(predicted: np.ndarray, annotated: np.ndarray, where: str) -> None:
    if predicted.shape[:2] != annotated.shape[:2]:
        (height, width), (annotated_height, annotated_width) = predicted.shape[:2], annotated.shape[:2]
        raise MetricError(
            f"{where}: prediction: got {height} x {width} pixels; "
            f"want the annotation's {annotated_height} x {annotated_width}"
        )
