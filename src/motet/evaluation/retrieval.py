"""Pictures and texts of a whole split ranked for each other: each side is encoded once, then pairs are scored."""

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
from motet.evaluation.two_stage_retrieval import Ranking, top_candidates, estimate_scores, merge_stages


@dataclass(frozen=True)
class Split:
    """The pictures of some rows and all their texts, each text once.

    Args:
        rows: ids, pictures' ids and texts, in order.
        places: of the rows in their reader.
        texts: different texts, as the task asks them.
        fits: for each row the places of its texts.
    """

    rows: tuple[EvaluationRow, ...]
    places: tuple[int, ...]
    texts: tuple[str, ...]
    fits: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, reader: Reader, task: Task, places: Sequence[int], source: str) -> Split:
        """Reads every row's texts, and no picture. Rows without the task's annotation are left out.

        Raises:
            DataError: a row without a text or with other than one picture (of a video: without a frame), or two rows
                with one id.
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
    """Judges a `Match` with pool "split" on all pairs of pictures and texts, by the system's `side` and `score`.

    A text that belongs to several pictures fits all of them. Each rank encodes its share of the pictures and every
    text; what is kept are the encoded sides and one number a pair (20 MB for 1,000 pictures x 5,000 texts).

    Args:
        system: in eval mode.
        source: the name the rows go by.
        reader: the rows: a picture each, the task's annotation its texts.
        task: what is ranked: "images" makes every text a query, "texts" every picture.
        rows: indices into the reader.
        batch_size: pictures or texts encoded at once; pairs are scored in blocks of so many by so many.
        workers: loader processes.
        keep_predictions: keep answers in words.
        ranking: in two stages, or all pairs at once; the latter by default.
        progress: told of every block of this rank.

    Raises:
        DataError: see `Split.of`.
        UnsupportedTask: a system that ranks nothing.
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
    for row, choice, right in _answers(split, scores, task):
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
    """The score of every picture with every text, the same on every rank; see `Ranking` for those of two stages.

    Texts are taken in order of length, so that a batch has little that fills up.
    """
    assert isinstance(task.target, Match)  # the caller asked for its pool
    assert task.target.among != "regions"  # no source has a pool of them
    order = sorted(range(len(split.texts)), key=lambda place: len(split.texts[place]))
    own = range(rank(), len(split.rows), world())
    pictures = _Images(reader, tuple(split.places[place] for place in own))
    images = list(_sides(system, task, "images", pictures, batch_size, workers))
    said = _Texts(tuple(split.texts[place] for place in order), source)
    texts = list(_sides(system, task, "texts", said, batch_size, 0))
    pairs = PairScorer(system, task.name, images, texts, f"{source}: {task.name}", progress)
    ranking, among = ranking or Ranking(), task.target.among
    if not ranking.is_cheaper(len(split.rows), len(order), among):
        found = _whole(pairs.score_all(), len(split.rows))
    else:
        first = _guess(pairs, ranking, own, len(split.rows), len(order))
        kept = top_candidates(first, ranking.rerank_top_k or len(order), among)
        found = merge_stages(_whole(pairs.score_selected(kept[list(own)]), len(split.rows)), first, kept, among)
    scores = np.empty_like(found)
    scores[:, order] = found
    return scores


def _guess(
    pairs: PairScorer, ranking: Ranking, own: Sequence[int], num_images: int, num_texts: int
) -> Float[np.ndarray, "i t"]:
    """The first stage, the same on every rank."""
    images, texts = ranking.anchors("images", num_images), ranking.anchors("texts", num_texts)
    by_texts = _whole(pairs.score_texts(texts), num_images)
    parts = gather((here := [place for place in images if place in own], pairs.score_images([own.index(p) for p in here])))
    rows = {place: row for places, part in parts for place, row in zip(places, part, strict=True)}
    return estimate_scores(by_texts, np.stack([rows[place] for place in images]), images, texts)


def _whole(own: Float[np.ndarray, "o t"], count: int) -> Float[np.ndarray, "i t"]:
    """The pictures of all ranks, in order."""
    whole = np.zeros((count, own.shape[1]), dtype=np.float32)
    for number, part in enumerate(gather(own)):
        whole[number :: world()] = part
    return whole


def _answers(
    split: Split, scores: Float[np.ndarray, "i t"], task: Task
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    """Each query with its ranked answer and what is right."""
    assert isinstance(task.target, Match)  # the caller asked for its pool
    return _images_asked(split, scores) if task.target.among == "texts" else _texts_asked(split, scores)


def _images_asked(
    split: Split, scores: Float[np.ndarray, "i t"]
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    for row, row_scores, right in zip(split.rows, scores, split.fits, strict=True):
        best = int(row_scores.argmax())
        yield row, ClassPrediction(best, split.texts[best], tuple(row_scores.tolist())), frozenset(right)


def _texts_asked(
    split: Split, scores: Float[np.ndarray, "i t"]
) -> Iterator[tuple[EvaluationRow, ClassPrediction, frozenset[int]]]:
    """A query is called by the first row that it fits and its place there."""
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
    """The pictures of some rows, without a word."""

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
    """Texts, without a picture."""

    texts: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self, index: int) -> tuple[str, ...]:
        del index
        return ()

    def __getitem__(self, index: int) -> Example:
        return Example(id=f"{self.source}/text/{index}", text=self.texts[index])


def is_ranked(task: Task) -> bool:
    """Whether a task is judged over all pairs of a split."""
    return isinstance(task.target, Match) and task.target.pool == "split"


def chance_baseline(task: Task, split: Split, *, draws: int = 3, seed: int = 0) -> dict[str, float]:
    """The main metric of a ranking by lot, over all rows: ``{"chance": x}``, the mean of some draws."""
    values = []
    for draw in range(draws):
        metric = task.metrics[0]()
        scores = rng_for("chance ranking", seed, draw).random((len(split.rows), len(split.texts)), dtype=np.float32)
        for row, choice, right in _answers(split, scores, task):
            metric.update(row.id, choice, right, task.target)
        values.append(metric.compute())
    return {"chance": float(np.mean(values))}
