"""Whether pixels are called what they are: classes of a segmentation, edges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from motet.core import Dense, MetricError
from motet.metrics.dense import MapSums, ratio

EDGE_THRESHOLD = 0.5
"""The least probability that is an edge."""


class ClassCounts(MapSums):
    """A metric of how many pixels are called a class, are of it, and are both."""

    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        self._check(target)
        return class_counts(said, true, target.channels).reshape(-1)

    def _check(self, target: Dense) -> None:
        if target.unit != "class":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one of classes")


class MeanIoU(ClassCounts):
    """The mean over classes of the pixels called and being a class over those called it or being it.

        IoU_c = right_c / (said_c + true_c - right_c), counted over the whole set

    A class that is neither said nor true anywhere does not count; one that is only said counts 0.

    Source: Everingham et al. 2015, "The Pascal VOC challenge: a retrospective", section 3.3.

    Examples:
        >>> from motet.core import DenseMap
        >>> miou, asked = MeanIoU(), Dense(3, "class", ("ground", "cat", "dog"))
        >>> miou.update("a", DenseMap(np.array([[0, 0], [1, 1]])), np.array([[0, -1], [0, 1]]), asked)
        >>> miou.compute()
        50.0
    """

    name = "miou"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        ious = self.ious(sums)
        known = ~np.isnan(ious)
        return 100.0 * ratio(np.where(known, ious, 0.0).sum(axis=1), known.sum(axis=1))

    def ious(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d k"]:
        """The IoU of each class, 0 to 1; NaN for one that is neither said nor true."""
        right, said, true = sums.reshape(len(sums), 3, -1).transpose(1, 0, 2)
        return ratio(right, said + true - right)

    def by_class(self) -> dict[int, float]:
        """The IoU of each class that is true somewhere, in percent."""
        sums = self._sums_of_all()
        ious, true = self.ious(sums[None])[0], sums.reshape(3, -1)[2]
        return {label: 100.0 * float(ious[label]) for label in np.flatnonzero(true).tolist()}

    def remarks(self) -> tuple[str, ...]:
        _, said, true = self._sums_of_all().reshape(3, -1)
        only_said = int(np.count_nonzero((said > 0) & (true == 0)))
        told = f"{self.name}: {only_said} of {len(true)} classes are said and nowhere true; each counts 0 in the mean"
        return (*super().remarks(), *((told,) if only_said else ()))

    def _sums_of_all(self) -> Float[np.ndarray, "s"]:
        return np.asarray(np.sum(list(self.rows.values()), axis=0), dtype=np.float64)


class PixelAccuracy(ClassCounts):
    """The share of pixels with a true class that are called it, over the whole set."""

    name = "pixel_accuracy"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        right, _, true = sums.reshape(len(sums), 3, -1).sum(axis=2).T
        return 100.0 * ratio(right, true)


class EdgeF1(MapSums):
    """F1 of edges and F1 of what is no edge, the mean of both, over all pixels of the set.

        F1_c = 2 right_c / (said_c + true_c);  an edge is a probability of at least 0.5

    Saying "no edge" everywhere has nearly half of it. A pixel counts as hit only where the edge is; benchmarks of
    edges allow some pixels beside it.

    Source: Bhattacharjee et al. 2023 (arXiv 2308.12372) name "F1"; the mean over both classes is that of DenseMTL
    (Lopes et al. 2023, `metrics/edges.py`). `EdgeF1Positive` is of the edges alone.

    Examples:
        >>> from motet.core import DenseMap
        >>> f1, asked = EdgeF1(), Dense(1, "probability")
        >>> f1.update("a", DenseMap(np.array([[0.9, 0.1, 0.2]])), np.array([[1.0, 1.0, 0.0]]), asked)
        >>> round(f1.compute(), 2)
        66.67
    """

    name = "edge_f1"

    def sums(self, said: np.ndarray, true: np.ndarray, target: Dense) -> np.ndarray:
        if target.unit != "probability":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one of probabilities")
        return class_counts((said >= EDGE_THRESHOLD).astype(np.int64), (true >= EDGE_THRESHOLD).astype(np.int64), 2).reshape(-1)

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        each = _f1(sums)
        known = ~np.isnan(each)
        return 100.0 * ratio(np.where(known, each, 0.0).sum(axis=1), known.sum(axis=1))


class EdgeF1Positive(EdgeF1):
    """F1 of the edges alone; see `EdgeF1`."""

    name = "edge_f1_positive"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return 100.0 * _f1(sums)[:, 1]


def class_counts(said: Int[np.ndarray, "p"], true: Int[np.ndarray, "p"], count: int) -> Int[np.ndarray, "3 k"]:
    """For each class the pixels where it is right, said, true.

    Examples:
        >>> class_counts(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 1], [1, 2], [2, 1]]
    """
    parts = (true[said == true], said, true)
    return np.stack([np.bincount(part, minlength=count) for part in parts])


def _f1(sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d k"]:
    """Of each class, 0 to 1; NaN for one that is neither said nor true."""
    right, said, true = sums.reshape(len(sums), 3, -1).transpose(1, 0, 2)
    return ratio(2.0 * right, said + true)
