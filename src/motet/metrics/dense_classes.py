"""Metrics of classes per pixel: segmentation and edges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from motet.core import Dense, MetricError
from motet.metrics.dense import PixelSums, ratio

EDGE_THRESHOLD = 0.5
"""The lowest probability that counts as an edge."""


class ClassCounts(PixelSums):
    """A metric of the numbers of right, predicted and annotated pixels per class."""

    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        self._check(target)
        return class_counts(predicted, annotated, target.channels).reshape(-1)

    def _check(self, target: Dense) -> None:
        if target.unit != "class":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in 'class'")


class MeanIoU(ClassCounts):
    """The mean over classes of the intersection over union of predicted and annotated pixels.

        IoU_c = right_c / (predicted_c + annotated_c - right_c), counted over the whole set

    A class that is neither predicted nor annotated anywhere does not count; one that is only predicted counts 0.

    Source: Everingham et al. 2015, "The Pascal VOC challenge: a retrospective", section 3.3.

    Examples:
        >>> from motet.core import DenseMap
        >>> miou, target = MeanIoU(), Dense(3, "class", ("ground", "cat", "dog"))
        >>> miou.update("a", DenseMap(np.array([[0, 0], [1, 1]])), np.array([[0, -1], [0, 1]]), target)
        >>> miou.compute()
        50.0
    """

    name = "miou"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        ious = self.ious(sums)
        known = ~np.isnan(ious)
        return 100.0 * ratio(np.where(known, ious, 0.0).sum(axis=1), known.sum(axis=1))

    def ious(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d k"]:
        """Returns the IoU of each class, 0 to 1; NaN for one that is neither predicted nor annotated."""
        right, predicted, annotated = sums.reshape(len(sums), 3, -1).transpose(1, 0, 2)
        return ratio(right, predicted + annotated - right)

    def by_class(self) -> dict[int, float]:
        """Returns the IoU of each annotated class in percent, by label."""
        sums = self._sums_of_all()
        ious, annotated = self.ious(sums[None])[0], sums.reshape(3, -1)[2]
        return {label: 100.0 * float(ious[label]) for label in np.flatnonzero(annotated).tolist()}

    def remarks(self) -> tuple[str, ...]:
        _, predicted, annotated = self._sums_of_all().reshape(3, -1)
        only_predicted = int(np.count_nonzero((predicted > 0) & (annotated == 0)))
        remark = (
            f"{self.name}: {only_predicted} of {len(annotated)} classes are predicted but nowhere annotated; "
            "each counts 0 in the mean"
        )
        return (*super().remarks(), *((remark,) if only_predicted else ()))

    def _sums_of_all(self) -> Float[np.ndarray, "s"]:
        return np.asarray(np.sum(list(self.rows.values()), axis=0), dtype=np.float64)


class PixelAccuracy(ClassCounts):
    """The share of annotated pixels whose class is predicted rightly, over the whole set."""

    name = "pixel_accuracy"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        right, _, annotated = sums.reshape(len(sums), 3, -1).sum(axis=2).T
        return 100.0 * ratio(right, annotated)


class EdgeF1(PixelSums):
    """The mean of the F1 of edge pixels and the F1 of all other pixels, over all pixels of the set.

        F1_c = 2 right_c / (predicted_c + annotated_c);  an edge is a probability of at least 0.5

    Predicting "no edge" everywhere reaches nearly half of the best value. An edge must be predicted at its exact pixel;
    benchmarks of edges allow a distance of some pixels.

    Source: Bhattacharjee et al. 2023 (arXiv 2308.12372) name "F1"; the mean over both classes is that of DenseMTL
    (Lopes et al. 2023, `metrics/edges.py`). `EdgeF1Positive` is of the edges alone.

    Examples:
        >>> from motet.core import DenseMap
        >>> f1, target = EdgeF1(), Dense(1, "probability")
        >>> f1.update("a", DenseMap(np.array([[0.9, 0.1, 0.2]])), np.array([[1.0, 1.0, 0.0]]), target)
        >>> round(f1.compute(), 2)
        66.67
    """

    name = "edge_f1"

    def sums(self, predicted: np.ndarray, annotated: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "probability":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in 'probability'")
        return class_counts(
            (predicted >= EDGE_THRESHOLD).astype(np.int64), (annotated >= EDGE_THRESHOLD).astype(np.int64), 2
        ).reshape(-1)

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        each = _f1(sums)
        known = ~np.isnan(each)
        return 100.0 * ratio(np.where(known, each, 0.0).sum(axis=1), known.sum(axis=1))


class EdgeF1Positive(EdgeF1):
    """F1 of the edges alone; see `EdgeF1`."""

    name = "edge_f1_positive"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return 100.0 * _f1(sums)[:, 1]


def class_counts(
    predicted: Int[np.ndarray, "p"], annotated: Int[np.ndarray, "p"], count: int
) -> Int[np.ndarray, "3 k"]:
    """Returns the numbers of right, predicted and annotated pixels of each class.

    Examples:
        >>> class_counts(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 1], [1, 2], [2, 1]]
    """
    parts = (annotated[predicted == annotated], predicted, annotated)
    return np.stack([np.bincount(part, minlength=count) for part in parts])


def _f1(sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d k"]:
    """Returns the F1 of each class, 0 to 1; NaN for one that is neither predicted nor annotated."""
    right, predicted, annotated = sums.reshape(len(sums), 3, -1).transpose(1, 0, 2)
    return ratio(2.0 * right, predicted + annotated)
