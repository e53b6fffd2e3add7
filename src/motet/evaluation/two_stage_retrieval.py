"""Ranking in two stages: cheap estimates of all pairs' scores, then the system's own scores of the best candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from motet.core import ConfigError, rng_for

Among: TypeAlias = Literal["images", "texts"]
_RCOND = 1e-2  # singular values below this share of the largest are mostly noise


@dataclass(frozen=True)
class Ranking:
    """Options for ranking the pairs of a split: by the scores of all pairs, or in two stages.

    A system that reads image and text together has no vector for either. So the first stage scores some images with all
    texts and some texts with all images (the anchors), and estimates all other scores from these; it needs no training,
    and only `side` and `score` of a system. The second stage scores the best `rerank_top_k` candidates of each query.
    For 1,000 images x 5,000 texts the default scores 384,000 pairs in the first stage, and 5,000 x `rerank_top_k` in
    the second, in place of 5,000,000. If two stages would score no fewer pairs, all are scored.

    The loss by the first stage depends on the system and the data; `first_stage_recall` measures it.

    Source: Yadav et al. 2022 (EMNLP), "Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix
    Factorization", section 2.

    Args:
        rerank_top_k: candidates of a query that the second stage scores; None for all.
        first_stage_size: number of anchor images, and of anchor texts.
        seed: of the choice of anchors.

    Raises:
        ConfigError: less than one candidate or one anchor.
    """

    rerank_top_k: int | None = None
    first_stage_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rerank_top_k is not None and self.rerank_top_k < 1:
            raise ConfigError(f"Ranking.rerank_top_k: got {self.rerank_top_k}; want 1 or more, or None")
        if self.first_stage_size < 1:
            raise ConfigError(f"Ranking.first_stage_size: got {self.first_stage_size}; want 1 or more")

    def is_cheaper(self, num_images: int, num_texts: int, among: Among) -> bool:
        """Returns True if two stages score fewer pairs than there are."""
        return self.rerank_top_k is not None and self.num_pairs(num_images, num_texts, among) < num_images * num_texts

    def num_pairs(self, num_images: int, num_texts: int, among: Among) -> int:
        """Returns the number of pairs that both stages score.

        Examples:
            >>> Ranking(rerank_top_k=50).num_pairs(1000, 5000, "images"), Ranking().num_pairs(1000, 5000, "images")
            (634000, 5000000)
        """
        if self.rerank_top_k is None:
            return num_images * num_texts
        queries, candidates = (num_texts, num_images) if among == "images" else (num_images, num_texts)
        anchors = (
            min(self.first_stage_size, num_images) * num_texts + min(self.first_stage_size, num_texts) * num_images
        )
        return anchors + queries * min(self.rerank_top_k, candidates)

    def anchors(self, what: Among, count: int) -> list[int]:
        """Returns the indices of the anchors among `count` images or texts, ascending."""
        if count <= self.first_stage_size:
            return list(range(count))
        return sorted(rng_for("anchors", what, self.seed).choice(count, self.first_stage_size, replace=False).tolist())


def estimate_scores(
    by_texts: Float[np.ndarray, "i a"], by_images: Float[np.ndarray, "b t"], images: Sequence[int], texts: Sequence[int]
) -> Float[np.ndarray, "i t"]:
    """Estimates all scores from those of the anchor images and texts, which stay unchanged.

        S = C U+ R,   U = C's rows of the anchor images = R's columns of the anchor texts

    Args:
        by_texts: scores of all images with the anchor texts, C.
        by_images: scores of the anchor images with all texts, R.
        images: indices of the anchor images.
        texts: indices of the anchor texts.

    Examples:
        >>> scores = np.add.outer([1.0, 2.0, 3.0], [1.0, 0.0, 2.0, 5.0])
        >>> np.allclose(estimate_scores(scores[:, [2]], scores[[1]], [1], [2]), scores)
        True
    """
    # Row and column means are removed first, so that the few factors need not represent them.
    base = float(by_texts[list(images)].mean())
    high, low = by_texts.mean(1, keepdims=True) - base, by_images.mean(0, keepdims=True) - base
    common = base + high + low
    c, r = by_texts - common[:, list(texts)], by_images - common[list(images)]
    scores: np.ndarray = common + c @ np.linalg.pinv(c[list(images)], rcond=_RCOND) @ r
    scores[:, list(texts)], scores[list(images)] = by_texts, by_images
    return scores


def top_candidates(scores: Float[np.ndarray, "i t"], count: int, among: Among) -> Bool[np.ndarray, "i t"]:
    """Returns a mask of the best candidates of each query; in a tie the first.

    Examples:
        >>> top_candidates(np.array([[0.1, 0.9, 0.5], [0.2, 0.1, 0.3]]), 1, "texts").astype(int).tolist()
        [[0, 1, 0], [0, 0, 1]]
    """
    axis = 1 if among == "texts" else 0
    order = np.argsort(-scores, axis=axis, kind="stable")
    kept = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(kept, np.take(order, range(min(count, scores.shape[axis])), axis=axis), True, axis=axis)
    return kept


def merge_stages(
    exact: Float[np.ndarray, "i t"],
    estimate: Float[np.ndarray, "i t"],
    kept: Bool[np.ndarray, "i t"],
    among: Among,
) -> Float[np.ndarray, "i t"]:
    """Returns the exact scores of the second stage and, below all of a query's, the others in estimated order."""
    axis = 1 if among == "texts" else 0
    lowest = np.where(kept, exact, np.inf).min(axis=axis, keepdims=True)
    highest = np.where(kept, -np.inf, estimate).max(axis=axis, keepdims=True)
    found: np.ndarray = np.where(kept, exact, estimate - highest + lowest - 1.0).astype(np.float32)
    return found


def first_stage_recall(kept: Bool[np.ndarray, "i t"], fits: Sequence[Sequence[int]], among: Among) -> float:
    """Returns the recall of the first stage: the share of queries, in percent, with a right candidate in the mask.

    Args:
        kept: see `top_candidates`.
        fits: for each image the indices of its texts.
        among: the kind of candidates.

    Examples:
        >>> first_stage_recall(np.array([[True, False], [False, False]]), [(0,), (1,)], "texts")
        50.0
    """
    right = np.zeros(kept.shape, dtype=bool)
    for place, texts in enumerate(fits):
        right[place, list(texts)] = True
    return 100.0 * float((kept & right).any(axis=1 if among == "texts" else 0).mean())
