"""Boundary F-measures with a tolerance, at the best threshold of the set (ODS) and of each image (OIS)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from motet.core import Dense, MetricError
from motet.metrics.dense import MapSums, ratio
from motet.metrics.dense_classes import EDGE_THRESHOLD
from motet.metrics.edge_matching import count_matches, thinned

THRESHOLDS = np.arange(1, 34) / 34
"""The probabilities from which a pixel is an edge; the official benchmark has 99 of them."""


class BoundaryF(MapSums):
    """The base class of boundary F-measures.

    Predicted edges from each of 33 thresholds on are thinned to one pixel and matched one to one to annotated ones
    within 0.0075 of the image's diagonal.

        F = 2 matched / (predicted + annotated) = 2 P R / (P + R),    P = matched / predicted,  R = matched / annotated

    The annotation is one map: an edge where at least half of the annotators drew one. The official benchmark matches
    each annotator's map on its own, so that its numbers are higher, since an edge that one of five drew is not wrong.

    Source: Martin et al. 2004; Arbelaez et al. 2011 ("Contour detection and hierarchical image segmentation").
    """

    def map_sums(
        self, predicted: np.ndarray, annotated: np.ndarray, valid: Bool[np.ndarray, "h w"], target: Dense
    ) -> np.ndarray:
        """Returns the matched and predicted pixels at each threshold, and the annotated ones."""
        if target.unit != "probability":
            raise MetricError(f"metric {self.name}: target: got a map in {target.unit!r}; want one in 'probability'")
        edges = thinned(valid & (np.where(valid, annotated, 0.0) >= EDGE_THRESHOLD))
        likely = np.where(valid, predicted, -1.0)
        counts: list[tuple[int, int]] = []
        drawn = -1
        for threshold in THRESHOLDS:
            chosen = likely >= threshold
            if int(chosen.sum()) != drawn:  # the same pixels as at the last threshold have the same counts
                drawn = int(chosen.sum())
                lines = thinned(chosen)
                counts.append((count_matches(lines, edges), int(lines.sum())))
            else:
                counts.append(counts[-1])
        return np.array([*np.transpose(counts).reshape(-1), edges.sum()], dtype=np.float64)

    def remarks(self) -> tuple[str, ...]:
        without = sum(not row[-1] for row in self.rows.values())
        return (f"{self.name}: {without} of {len(self.rows)} maps have no annotated edge",) if without else ()

    def f_measures(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d t"]:
        """Returns F at each threshold in percent; NaN where no edge is predicted or annotated."""
        matched, predicted = np.split(sums[:, :-1], 2, axis=1)
        return 100.0 * ratio(2 * matched, predicted + sums[:, -1:])


class OdsF(BoundaryF):
    """The F-measure at the one threshold that is best for the whole set; see `BoundaryF`.

    Examples:
        >>> from motet.core import DenseMap
        >>> ods, target = OdsF(), Dense(1, "probability")
        >>> line = np.zeros((200, 200)); line[100] = 1.0
        >>> ods.update("a", DenseMap(np.roll(line, 2, axis=0)), line, target)  # 2 pixels beside, 2.1 are allowed
        >>> ods.compute()
        100.0
    """

    name = "ods_f"

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return _largest(self.f_measures(sums))


class OisF(BoundaryF):
    """The F-measure over the set with the best threshold of each image; see `BoundaryF`."""

    name = "ois_f"

    def map_sums(
        self, predicted: np.ndarray, annotated: np.ndarray, valid: Bool[np.ndarray, "h w"], target: Dense
    ) -> np.ndarray:
        """Returns the matched, predicted and annotated pixels at the image's best threshold."""
        sums = super().map_sums(predicted, annotated, valid, target)
        matched, of_predicted = np.split(sums[:-1], 2)
        best = int(np.argmax(np.nan_to_num(self.f_measures(sums[None])[0], nan=-1.0)))
        return np.array([matched[best], of_predicted[best], sums[-1]])

    def of_sums(self, sums: Float[np.ndarray, "d s"]) -> Float[np.ndarray, "d"]:
        return _largest(self.f_measures(sums))


def _largest(scores: Float[np.ndarray, "d t"]) -> Float[np.ndarray, "d"]:
    """Returns the largest number of each row that is one; NaN for none."""
    largest = np.max(np.nan_to_num(scores, nan=-1.0), axis=1)
    return np.where(largest < 0, np.nan, largest)
