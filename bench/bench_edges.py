"""Boundary F of an edge filter on BSDS500's val images, and the time of the metric: what a trained model must beat.

    MOTET_DATA=... python bench/bench_edges.py 20

The filter is the size of the gradient (Sobel) of a blurred grey image, divided by its largest value.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy import ndimage

from motet.core import Dense, DenseMap
from motet.data.readers import Bsds500
from motet.metrics import EdgeF1, OdsF, OisF
from motet.preprocess.images import decode
from motet.recipes.data.photos import data_root

EDGES = Dense(1, "probability")


def filtered(pixels: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    """Returns the filter's probability of an edge at each pixel."""
    grey = ndimage.gaussian_filter(pixels.astype(np.float64).mean(axis=2), sigma)
    size = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    return np.asarray(size / max(float(size.max()), 1e-9))


def main(count: int) -> None:
    """Prints the scores of the filter, of edges everywhere and of the annotation itself."""
    reader = Bsds500(data_root() / "bsds500" / "data", "val", edges="majority")
    rows = [reader[index] for index in range(min(count, len(reader)))]
    for name in ("Sobel of a blurred image", "edges everywhere", "no edge", "the annotation"):
        metrics, begin = (OdsF(), OisF(), EdgeF1()), time.process_time()
        for row in rows:
            edges = row.labels["edges"]
            predicted = {
                "Sobel of a blurred image": filtered(np.asarray(decode(row.images[0]))),
                "edges everywhere": np.ones(edges.shape),
                "no edge": np.zeros(edges.shape),
                "the annotation": edges,
            }[name]
            for metric in metrics:
                metric.update(row.id, DenseMap(predicted), edges, EDGES)
        scores = "  ".join(f"{metric.name} {metric.compute():5.1f}" for metric in metrics)
        print(f"{name:28s} {scores}  {(time.process_time() - begin) / len(rows):.2f} s per image")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
