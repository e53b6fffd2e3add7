"""Errors of depth maps in metres, and of surface normals in degrees."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from motet.core import Dense, MetricError
from motet.metrics.dense import MapMean

MIN_DEPTH_M = 1e-3


class DepthMetric(MapMean):
    """The base class of metrics of depth in metres at the annotated pixels.

    Attributes:
        scaled: whether each prediction is first scaled to the median of its annotation, for systems that predict depth
            up to an unknown scale.
    """

    higher_is_better = False
    scaled: ClassVar[bool] = False

    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "metre":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in 'metre'")
        if self.scaled and len(annotated):
            predicted = predicted * (_median(annotated) / max(_median(predicted), MIN_DEPTH_M))
        return super().sums(predicted, annotated, target)


class DepthRMSE(DepthMetric):
    """The square root of the mean over images of each image's mean squared error, in metres.

    Source: DenseMTL (Lopes et al. 2023, `metrics/depth.py`), without its scaling by the median and without its
    clamping of predictions to 80 m. The adapters' own code takes the root of each image before the mean.

    Examples:
        >>> from motet.core import DenseMap
        >>> rmse, target = DepthRMSE(), Dense(1, "metre")
        >>> rmse.update("a", DenseMap(np.array([[1.0, 2.0]])), np.array([[4.0, np.nan]]), target)
        >>> rmse.update("b", DenseMap(np.array([[1.0, 2.0]])), np.array([[1.0, 3.0]]), target)
        >>> round(rmse.compute(), 4)
        2.1794
    """

    name, unit = "rmse", "m"

    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        return float(np.mean(np.square(predicted - annotated)))

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return np.asarray(np.sqrt(super().of_sums(sums)))


class DepthRMSEScaled(DepthRMSE):
    """`DepthRMSE` of predictions scaled to the median of their annotation."""

    name, scaled = "rmse_scaled", True


class DepthAbsRel(DepthMetric):
    """The mean over images of the mean of |predicted - annotated| / annotated, in percent."""

    name = "abs_rel"

    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        return 100.0 * float(np.mean(np.abs(predicted - annotated) / np.maximum(annotated, MIN_DEPTH_M)))


class DepthAbsRelScaled(DepthAbsRel):
    """`DepthAbsRel` of predictions scaled to the median of their annotation."""

    name, scaled = "abs_rel_scaled", True


class DepthWithin(DepthMetric):
    """The mean over images of the share of pixels that are too near or too far by a factor below 1.25."""

    name = "delta1"
    higher_is_better = True

    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        predicted, annotated = np.maximum(predicted, MIN_DEPTH_M), np.maximum(annotated, MIN_DEPTH_M)
        return 100.0 * float(np.mean(np.maximum(predicted / annotated, annotated / predicted) < 1.25))


class AngleMetric(MapMean):
    """The base class of metrics of the angles between predicted and annotated normals."""

    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "unit vector":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in 'unit vector'")
        return super().sums(predicted, annotated, target)


class MeanAngleDeg(AngleMetric):
    """The mean over images of the mean angle between predicted and annotated normals, in degrees.

        angle = 2 atan2(|p - g|, |p + g|) for unit vectors p, g

    which is exact near 0 and 180 degrees, where an arc cosine is not. A vector of length 0 is 90 degrees off.

    Source: DenseMTL (Lopes et al. 2023, `metrics/normals.py`).

    Examples:
        >>> from motet.core import DenseMap
        >>> angle, target = MeanAngleDeg(), Dense(3, "unit vector")
        >>> angle.update("a", DenseMap(np.array([[[0.0, 0.0, 5.0]]])), np.array([[[0.0, 1.0, 0.0]]]), target)
        >>> round(angle.compute(), 4)
        90.0
    """

    name, unit, higher_is_better = "mean_angle_deg", "deg", False

    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        return float(np.mean(angles_deg(predicted, annotated)))


class AngleWithin(AngleMetric):
    """The mean over images of the share of pixels whose normal is off by less than an angle.

    Attributes:
        max_deg: the angle in degrees.
    """

    max_deg: ClassVar[float]

    def of_map(self, predicted: np.ndarray, annotated: np.ndarray) -> float:
        return 100.0 * float(np.mean(angles_deg(predicted, annotated) < self.max_deg))


class AngleWithin11(AngleWithin):
    """The mean over images of the share of normals that are off by less than 11.25 degrees."""

    name, max_deg = "within_11", 11.25


class AngleWithin30(AngleWithin):
    """The mean over images of the share of normals that are off by less than 30 degrees."""

    name, max_deg = "within_30", 30.0


def angles_deg(predicted: Float[np.ndarray, "*p 3"], annotated: Float[np.ndarray, "*p 3"]) -> Float[np.ndarray, "*p"]:
    """Returns the angle between vectors of any length, in degrees.

    Examples:
        >>> angles_deg(np.array([[1.0, 1.0, 0.0]]), np.array([[2.0, 0.0, 0.0]])).round(4).tolist()
        [45.0]
    """
    p, g = (_unit(np.asarray(vectors, dtype=np.float64)) for vectors in (predicted, annotated))
    difference, total = np.linalg.norm(p - g, axis=-1), np.linalg.norm(p + g, axis=-1)
    return np.asarray(np.degrees(2.0 * np.arctan2(difference, total)))


def _median(values: np.ndarray) -> float:
    """Returns the median, the lower of the two middle values, as in the official code."""
    return float(np.quantile(values, 0.5, method="lower"))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
