"""Ranking in two stages: a cheap guess at every pair's score, and the system's own scores for the best of them only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from motet.core import ConfigError, rng_for

Among: TypeAlias = Literal["images", "texts"]
_RANK_AT = 1e-2  # singular values below this share of the largest say nothing that could be relied on


@dataclass(frozen=True)
class Ranking:
    """How the pairs of a split are ranked: all of them scored, or in two stages.

    A system that reads picture and text together has no vector for either. So the first stage scores some pictures
    with all texts and some texts with all pictures, and guesses all other scores from these; it needs no training, and
    no more of a system than `side` and `score`. The second stage scores the best `first` candidates of each query. Of
    1,000 pictures x 5,000 texts the default reads 384,000 pairs for the first stage, and 5,000 x `first` for the
    second, instead of 5,000,000. Where two stages would read no fewer pairs, all are scored.

    How much the first stage loses hangs on the system and the data; `first_stage_recall` says it.

    Source: Yadav et al. 2022 (EMNLP), "Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix
    Factorization", section 2.

    Args:
        rerank_top_k: candidates of a query that are scored; None for all.
        first_stage_size: pictures, and as many texts, that the first stage scores with all others.
        seed: of their choice.

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
        """Whether two stages score fewer pairs than there are."""
        return self.rerank_top_k is not None and self.num_pairs(num_images, num_texts, among) < num_images * num_texts

    def num_pairs(self, num_images: int, num_texts: int, among: Among) -> int:
        """How many pairs both stages score.

        Examples:
            >>> Ranking(rerank_top_k=50).pairs(1000, 5000, "images"), Ranking().pairs(1000, 5000, "images")
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
        """The anchors among so many, in order."""
        if count <= self.first_stage_size:
            return list(range(count))
        return sorted(rng_for("anchors", what, self.seed).choice(count, self.first_stage_size, replace=False).tolist())


def estimate_scores(
    by_texts: Float[np.ndarray, "i a"], by_images: Float[np.ndarray, "b t"], images: Sequence[int], texts: Sequence[int]
) -> Float[np.ndarray, "i t"]:
    """All scores from those of some pictures and of some texts, which stay as they are.

        S = C U+ R,   U = C's rows of the anchor pictures = R's columns of the anchor texts

    Args:
        by_texts: of all pictures with the anchor texts, C.
        by_images: of the anchor pictures with all texts, R.
        images: places of the anchor pictures.
        texts: places of the anchor texts.

    Examples:
        >>> scores = np.add.outer([1.0, 2.0, 3.0], [1.0, 0.0, 2.0, 5.0])
        >>> np.allclose(guessed(scores[:, [2]], scores[[1]], [1], [2]), scores)
        True
    """
    # What all pictures have in common, and all texts, is not left to the factors, whose number is small.
    base = float(by_texts[list(images)].mean())
    high, low = by_texts.mean(1, keepdims=True) - base, by_images.mean(0, keepdims=True) - base
    common = base + high + low
    c, r = by_texts - common[:, list(texts)], by_images - common[list(images)]
    scores: np.ndarray = common + c @ np.linalg.pinv(c[list(images)], rcond=_RANK_AT) @ r
    scores[:, list(texts)], scores[list(images)] = by_texts, by_images
    return scores


def top_candidates(scores: Float[np.ndarray, "i t"], count: int, among: Among) -> Bool[np.ndarray, "i t"]:
    """True on the best candidates of each query; of a draw the first.

    Examples:
        >>> best(np.array([[0.1, 0.9, 0.5], [0.2, 0.1, 0.3]]), 1, "texts").astype(int).tolist()
        [[0, 1, 0], [0, 0, 1]]
    """
    axis = 1 if among == "texts" else 0
    order = np.argsort(-scores, axis=axis, kind="stable")
    kept = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(kept, np.take(order, range(min(count, scores.shape[axis])), axis=axis), True, axis=axis)
    return kept


def merge_stages(
    exact: Float[np.ndarray, "i t"],
    guess: Float[np.ndarray, "i t"],
    kept: Bool[np.ndarray, "i t"],
    among: Among,
) -> Float[np.ndarray, "i t"]:
    """The system's scores where there are some; behind all of a query's, the others in the order of the guess."""
    axis = 1 if among == "texts" else 0
    lowest = np.where(kept, exact, np.inf).min(axis=axis, keepdims=True)
    highest = np.where(kept, -np.inf, guess).max(axis=axis, keepdims=True)
    found: np.ndarray = np.where(kept, exact, guess - highest + lowest - 1.0).astype(np.float32)
    return found


def first_stage_recall(kept: Bool[np.ndarray, "i t"], fits: Sequence[Sequence[int]], among: Among) -> float:
    """The recall of the first stage: the share, in percent, of queries with a right candidate among those kept.

    Args:
        kept: see `best`.
        fits: of each picture the places of its texts.
        among: what is ranked.

    Examples:
        >>> first_stage_recall(np.array([[True, False], [False, False]]), [(0,), (1,)], "texts")
        50.0
    """
    right = np.zeros(kept.shape, dtype=bool)
    for place, texts in enumerate(fits):
        right[place, list(texts)] = True
    return 100.0 * float((kept & right).any(axis=1 if among == "texts" else 0).mean())
