"""How far off depths are in metres, and directions of surfaces in degrees."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from motet.core import Dense, MetricError
from motet.metrics.dense import MapMean

MIN_DEPTH_M = 1e-3


class DepthMetric(MapMean):
    """A number about depths in metres at the pixels with a true one.

    Attributes:
        scaled: whether each prediction is first multiplied so that its median is the true one, for systems that tell
            depth without its scale.
    """

    higher_is_better = False
    scaled: ClassVar[bool] = False

    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "metre":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in metres")
        if self.scaled and len(true):
            said = said * (_median(true) / max(_median(said), MIN_DEPTH_M))
        return super().sums(said, true, target)


class DepthRMSE(DepthMetric):
    """The root of the mean over images of each one's mean squared error, in metres.

    Source: DenseMTL (Lopes et al. 2023, `metrics/depth.py`), without its scaling by the median and without its
    clamping of predictions to 80 m. The adapters' own code takes the root of each image before the mean.

    Examples:
        >>> from motet.core import DenseMap
        >>> rmse, asked = DepthRMSE(), Dense(1, "metre")
        >>> rmse.update("a", DenseMap(np.array([[1.0, 2.0]])), np.array([[4.0, np.nan]]), asked)
        >>> rmse.update("b", DenseMap(np.array([[1.0, 2.0]])), np.array([[1.0, 3.0]]), asked)
        >>> round(rmse.compute(), 4)
        2.1794
    """

    name, unit = "rmse", "m"

    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        return float(np.mean(np.square(said - true)))

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return np.asarray(np.sqrt(super().of_sums(sums)))


class DepthRMSEScaled(DepthRMSE):
    """`DepthRMSE` after each prediction is scaled so that its median is the true one."""

    name, scaled = "rmse_scaled", True


class DepthAbsRel(DepthMetric):
    """The mean over images of the mean of |said - true| / true, in percent."""

    name = "abs_rel"

    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        return 100.0 * float(np.mean(np.abs(said - true) / np.maximum(true, MIN_DEPTH_M)))


class DepthAbsRelScaled(DepthAbsRel):
    """`DepthAbsRel` after each prediction is scaled so that its median is the true one."""

    name, scaled = "abs_rel_scaled", True


class DepthWithin(DepthMetric):
    """The mean over images of the share of pixels that are less than 1.25 times too near or too far."""

    name = "delta1"
    higher_is_better = True

    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        said, true = np.maximum(said, MIN_DEPTH_M), np.maximum(true, MIN_DEPTH_M)
        return 100.0 * float(np.mean(np.maximum(said / true, true / said) < 1.25))


class AngleMetric(MapMean):
    """A number about the angles between said and true directions."""

    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "unit vector":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one of unit vectors")
        return super().sums(said, true, target)


class MeanAngleDeg(AngleMetric):
    """The mean over images of the mean angle between said and true directions, in degrees.

        angle = 2 atan2(|p - g|, |p + g|) for unit vectors p, g

    which is exact near 0 and 180 degrees, where an arc cosine is not. A vector of length 0 is 90 degrees off.

    Source: DenseMTL (Lopes et al. 2023, `metrics/normals.py`).

    Examples:
        >>> from motet.core import DenseMap
        >>> angle, asked = MeanAngle(), Dense(3, "unit vector")
        >>> angle.update("a", DenseMap(np.array([[[0.0, 0.0, 5.0]]])), np.array([[[0.0, 1.0, 0.0]]]), asked)
        >>> round(angle.compute(), 4)
        90.0
    """

    name, unit, higher_is_better = "angle", "deg", False

    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        return float(np.mean(angles_deg(said, true)))


class AngleWithin(AngleMetric):
    """The mean over images of the share of pixels whose direction is off by less than some degrees.

    Attributes:
        most_deg: how many.
    """

    max_deg: ClassVar[float]

    def of_map(self, said: np.ndarray, true: np.ndarray) -> float:
        return 100.0 * float(np.mean(angles_deg(said, true) < self.max_deg))


class AngleWithin11(AngleWithin):
    """Less than 11.25 degrees."""

    name, most_deg = "within_11", 11.25


class AngleWithin30(AngleWithin):
    """Less than 30 degrees."""

    name, most_deg = "within_30", 30.0


def angles_deg(said: Float[np.ndarray, "*p 3"], true: Float[np.ndarray, "*p 3"]) -> Float[np.ndarray, "*p"]:
    """The angle between directions of any length, in degrees.

    Examples:
        >>> angles_deg(np.array([[1.0, 1.0, 0.0]]), np.array([[2.0, 0.0, 0.0]])).round(4).tolist()
        [45.0]
    """
    p, g = (_unit(np.asarray(vectors, dtype=np.float64)) for vectors in (said, true))
    apart, along = np.linalg.norm(p - g, axis=-1), np.linalg.norm(p + g, axis=-1)
    return np.asarray(np.degrees(2.0 * np.arctan2(apart, along)))


def _median(values: np.ndarray) -> float:
    """The middle value, the lower of two, as the official code has it."""
    return float(np.quantile(values, 0.5, method="lower"))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
