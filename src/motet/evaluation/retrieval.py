"""Retrieval over a whole split: images and texts are encoded once per side, then pairs are scored and ranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from motet.core import ClassPrediction, DataError, Example, Match, Reader, Side, System, Task, rng_for
from motet.core.ranks import gather, rank, world
from motet.evaluation.batches import EvaluationRow, batches
from motet.evaluation.pair_scores import PairScorer
from motet.evaluation.task_evaluation import Progress, TaskEvaluation
from motet.evaluation.two_stage_retrieval import Ranking, estimate_scores, merge_stages, top_candidates


@dataclass(frozen=True)
class Split:
    """The images of some rows and all their texts, without duplicate texts.

    Args:
        rows: ids, image ids and texts, in order.
        places: indices of the rows in their reader.
        texts: the different texts.
        fits: for each row the indices of its texts.
    """

    rows: tuple[EvaluationRow, ...]
    places: tuple[int, ...]
    texts: tuple[str, ...]
    fits: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, reader: Reader, task: Task, places: Sequence[int], source: str) -> Split:
        """Reads the texts of every row, and no image. Rows without the task's annotation are left out.

        Raises:
            DataError: a row without a text or with other than one image (for a video: without a frame), or two rows
                with the same id.
        """
        video = "video" in task.inputs
        rows, kept, fits, known = list[EvaluationRow](), list[int](), list[tuple[int, ...]](), dict[str, int]()
        for place in places:
            example = reader[place]
            if task.label not in example.labels:
                continue
            texts = task.annotation_of(example)
            number = len(example.images)
            if isinstance(texts, str) or not texts or not (number if video else number == 1):
                want = "the frames of a video" if video else "one image"
                raise DataError(
                    f"{example.id}: task {task.name!r}: got {number} images and {texts!r}; want {want} and the texts "
                    "that fit it"
                )
            fits.append(tuple(dict.fromkeys(known.setdefault(text, len(known)) for text in texts)))
            rows.append(EvaluationRow.of(example))
            kept.append(place)
        if len({row.id for row in rows}) != len(rows):
            different = len({row.id for row in rows})
            raise DataError(f"source {source!r}: got {different} different ids in {len(rows)} rows; want every id once")
        return cls(tuple(rows), tuple(kept), tuple(known), tuple(fits))


def rank_split(
    system: System,
    source: str,
    reader: Reader,
    task: Task,
    rows: Sequence[int],
    *,
    batch_size: int,
    workers: int = 0,
    keep_predictions: bool = False,
    ranking: Ranking | None = None,
    progress: Progress | None = None,
) -> TaskEvaluation:
    """Evaluates a `Match` with pool "split" on all pairs of images and texts, by the system's `side` and `score`.

    A text of several images matches all of them. Each rank encodes its share of the images and every text; it keeps the
    encoded sides and one number per pair (20 MB for 1,000 images x 5,000 texts).

    Args:
        system: in eval mode.
        source: name of the source.
        reader: rows of one image each, with the texts as the task's annotation.
        task: the ranking task; with "images" every text is a query, with "texts" every image.
        rows: indices into the reader.
        batch_size: images or texts per batch; pairs are scored in blocks of this size on both sides.
        workers: number of loader processes.
        keep_predictions: whether to keep predictions for predictions.jsonl.
        ranking: ranking in two stages; by default all pairs are scored.
        progress: called after every block of this rank.

    Raises:
        DataError: see `Split.of`.
        UnsupportedTask: a system that scores no pairs.
    """
    split = Split.of(reader, task, rows, source)
    scores = score_split(
        system,
        source,
        reader,
        task,
        split,
        batch_size=batch_size,
        workers=workers,
        ranking=ranking,
        progress=progress,
    )
    evaluated = TaskEvaluation.empty(task, source)
    for row, choice, right in _predictions(split, scores, task):
        evaluated.add(row, choice, right, keep_predictions=keep_predictions)
    return evaluated


def score_split(
    system: System,
    source: str,
    reader: Reader,
    task: Task,
    split: Split,
    *,
    batch_size: int,
    workers: int = 0,
    ranking: Ranking | None = None,
    progress: Progress | None = None,
) -> Float[np.ndarray, "i t"]:
    """Returns the score of every image with every text, the same on every rank; for two stages see `Ranking`.

    Texts are encoded in order of length, so that batches need little padding.
    """
    assert isinstance(task.target, Match)  # callers check its pool
    assert task.target.among != "regions"  # no source has a pool of regions
    order = sorted(range(len(split.texts)), key=lambda place: len(split.texts[place]))
    own = range(rank(), len(split.rows), world())
    images_reader = _Images(reader, tuple(split.places[place] for place in own))
    images = list(_sides(system, task, "images", images_reader, batch_size, workers))
    texts_reader = _Texts(tuple(split.texts[place] for place in order), source)
    texts = list(_sides(system, task, "texts", texts_reader, batch_size, 0))
    pairs = PairScorer(system, task.name, images, texts, f"{source}: {task.name}", progress)
    ranking, among = ranking or Ranking(), task.target.among
    if not ranking.is_cheaper(len(split.rows), len(order), among):
        found = _gather_images(pairs.score_all(), len(split.rows))
    else:
        first = _first_stage(pairs, ranking, own, len(split.rows), len(order))
        kept = top_candidates(first, ranking.rerank_top_k or len(order), among)
        found = merge_stages(_gather_images(pairs.score_selected(kept[list(own)]), len(split.rows)), first, kept, among)
    scores = np.empty_like(found)
    scores[:, order] = found
    return scores


def _first_stage(
    pairs: PairScorer, ranking: Ranking, own: Sequence[int], num_images: int, num_texts: int
) -> Float[np.ndarray, "i t"]:
    """Returns the estimated scores of the first stage, the same on every rank."""
    images, texts = ranking.anchors("images", num_images), ranking.anchors("texts", num_texts)
    by_texts = _gather_images(pairs.score_texts(texts), num_images)
    parts = gather(
        (here := [place for place in images if place in own], pairs.score_images([own.index(p) for p in here]))
    )
    rows = {place: row for places, part in parts for place, row in zip(places, part, strict=True)}
    return estimate_scores(by_texts, np.stack([rows[place] for place in images]), images, texts)


def _gather_images(own: Float[np.ndarray, "o t"], count: int) -> Float[np.ndarray, "i t"]:
    """Gathers the rows of the images of all ranks, in order."""
    whole = np.zeros((count, own.shape[1]), dtype=np.float32)
    for number, part in enumerate(gather(own)):
        whole[number :: world()] = part
    return whole


def _predictions(
    split: Split, scores: Float[np.ndarray, "i t"], task: Task
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    """Yields each query with its ranked candidates and the right ones."""
    assert isinstance(task.target, Match)  # callers check its pool
    return _rank_texts(split, scores) if task.target.among == "texts" else _rank_images(split, scores)


def _rank_texts(
    split: Split, scores: Float[np.ndarray, "i t"]
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    for row, row_scores, right in zip(split.rows, scores, split.fits, strict=True):
        best = int(row_scores.argmax())
        yield row, ClassPrediction(best, split.texts[best], tuple(row_scores.tolist())), frozenset(right)


def _rank_images(
    split: Split, scores: Float[np.ndarray, "i t"]
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    """Yields the texts as queries; a query's id is that of its first row and the text's index there."""
    fitting: dict[int, list[int]] = {}
    for place, texts in enumerate(split.fits):
        for number in texts:
            fitting.setdefault(number, []).append(place)
    for number, words in enumerate(split.texts):
        first = fitting[number][0]
        best = int(scores[:, number].argmax())
        name = " ".join(split.rows[best].images) or split.rows[best].id
        query = replace(split.rows[first], id=f"{split.rows[first].id}#{split.fits[first].index(number)}", text=words)
        yield query, ClassPrediction(best, name, tuple(scores[:, number].tolist())), frozenset(fitting[number])


def _sides(
    system: System, task: Task, of: Side, reader: Reader, batch_size: int, workers: int
) -> Iterator[Mapping[str, Tensor]]:
    device = next(system.parameters()).device
    rows = range(len(reader))
    for batch, _ in batches(
        reader, system.processor, (task,), rows, size=batch_size, workers=workers, keep_annotations=False
    ):
        yield system.side(batch.to(device), task.name, of)


@dataclass(frozen=True)
class _Images:
    """A reader of the images of some rows, without their texts."""

    reader: Reader
    places: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.places)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.reader.keys(self.places[index])

    def __getitem__(self, index: int) -> Example:
        example = self.reader[self.places[index]]
        return Example(id=example.id, images=example.images, image_ids=example.image_ids)


@dataclass(frozen=True)
class _Texts:
    """A reader of texts, without images."""

    texts: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self, index: int) -> tuple[str, ...]:
        del index
        return ()

    def __getitem__(self, index: int) -> Example:
        return Example(id=f"{self.source}/text/{index}", text=self.texts[index])


def is_over_split(task: Task) -> bool:
    """Returns True for a `Match` among all images or texts of a split."""
    return isinstance(task.target, Match) and task.target.pool == "split"


def is_ranked(task: Task, reader: Reader) -> bool:
    """Returns True if a task is evaluated over all pairs of a split.

    It is not where the rows have candidates of their own (see `data.composed_rows`): those are ranked row by row.
    """
    return is_over_split(task) and not (len(reader) and reader[0].candidates)


def chance_baseline(task: Task, split: Split, *, draws: int = 3, seed: int = 0) -> dict[str, float]:
    """Returns the main metric of random rankings over all rows, ``{"chance": x}``, the mean of some draws."""
    values = []
    for draw in range(draws):
        metric = task.metrics[0]()
        scores = rng_for("chance ranking", seed, draw).random((len(split.rows), len(split.texts)), dtype=np.float32)
        for row, choice, right in _predictions(split, scores, task):
            metric.update(row.id, choice, right, task.target)
        values.append(metric.compute())
    return {"chance": float(np.mean(values))}
