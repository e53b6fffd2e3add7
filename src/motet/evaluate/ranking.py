"""Pictures and texts of a whole split ranked for each other: every pair is scored, each side is encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from motet.core import Choice, DataError, Example, Match, Reader, Side, System, Task, rng_for
from motet.core.ranks import gather, rank, world
from motet.evaluate.judging import Judged, Progress
from motet.evaluate.loading import Row, batches


@dataclass(frozen=True)
class Split:
    """The pictures of some rows and all their texts, each text once.

    Args:
        rows: ids, pictures' ids and texts, in order.
        places: of the rows in their reader.
        texts: different texts, as the task asks them.
        fits: for each row the places of its texts.
    """

    rows: tuple[Row, ...]
    places: tuple[int, ...]
    texts: tuple[str, ...]
    fits: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, reader: Reader, task: Task, places: Sequence[int], source: str) -> Split:
        """Reads every row's texts, and no picture. Rows without the task's annotation are left out.

        Raises:
            DataError: a row without a text or with other than one picture, or two rows with one id.
        """
        rows, kept, fits, known = list[Row](), list[int](), list[tuple[int, ...]](), dict[str, int]()
        for place in places:
            example = reader[place]
            if task.label not in example.labels:
                continue
            texts = task.truth(example)
            if isinstance(texts, str) or not texts or len(example.images) != 1:
                got = f"{len(example.images)} images and {texts!r}"
                raise DataError(
                    f"{example.id}: task {task.name!r}: got {got}; want one image and the texts that fit it"
                )
            fits.append(tuple(dict.fromkeys(known.setdefault(text, len(known)) for text in texts)))
            rows.append(Row.of(example))
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
    keep_said: bool = False,
    progress: Progress | None = None,
) -> Judged:
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
        keep_said: keep answers in words.
        progress: told of every block of this rank.

    Raises:
        DataError: see `Split.of`.
        UnsupportedTask: a system that ranks nothing.
    """
    split = Split.of(reader, task, rows, source)
    scores = score_split(system, source, reader, task, split, batch_size=batch_size, workers=workers, progress=progress)
    judged = Judged.empty(task, source)
    for row, choice, right in _answers(split, scores, task):
        judged.add(row, choice, right, keep_said=keep_said)
    return judged


def score_split(
    system: System,
    source: str,
    reader: Reader,
    task: Task,
    split: Split,
    *,
    batch_size: int,
    workers: int = 0,
    progress: Progress | None = None,
) -> Float[np.ndarray, "i t"]:
    """The score of every picture with every text, the same on every rank."""
    own = range(rank(), len(split.rows), world())
    pictures = _Pictures(reader, tuple(split.places[place] for place in own))
    images = list(_sides(system, task, "images", pictures, batch_size, workers))
    texts = list(_sides(system, task, "texts", _Texts(split.texts, source), batch_size, 0)) if images else []
    found = np.zeros((len(own), len(split.texts)), dtype=np.float32)
    top, blocks = 0, len(images) * len(texts)
    for number, image_side in enumerate(images):
        left, high = 0, _length(image_side)
        for place, text_side in enumerate(texts):
            wide = _length(text_side)
            block = system.score(task.name, image_side, text_side)
            found[top : top + high, left : left + wide] = block.float().cpu().numpy()
            left += wide
            if progress is not None:
                progress(f"{source}: {task.name}", number * len(texts) + place + 1, blocks)
        top += high
    whole = np.zeros((len(split.rows), len(split.texts)), dtype=np.float32)
    for number, part in enumerate(gather(found)):
        whole[number :: world()] = part
    return whole


def _answers(
    split: Split, scores: Float[np.ndarray, "i t"], task: Task
) -> Iterator[tuple[Row, Choice, frozenset[int]]]:
    """Each query with its ranked answer and what is right."""
    assert isinstance(task.target, Match)  # the caller asked for its pool
    return _pictures_asked(split, scores) if task.target.among == "texts" else _texts_asked(split, scores)


def _pictures_asked(split: Split, scores: Float[np.ndarray, "i t"]) -> Iterator[tuple[Row, Choice, frozenset[int]]]:
    for row, row_scores, right in zip(split.rows, scores, split.fits, strict=True):
        best = int(row_scores.argmax())
        yield row, Choice(best, split.texts[best], tuple(row_scores.tolist())), frozenset(right)


def _texts_asked(split: Split, scores: Float[np.ndarray, "i t"]) -> Iterator[tuple[Row, Choice, frozenset[int]]]:
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
        yield query, Choice(best, name, tuple(scores[:, number].tolist())), frozenset(fitting[number])


def _sides(
    system: System, task: Task, of: Side, reader: Reader, batch_size: int, workers: int
) -> Iterator[Mapping[str, Tensor]]:
    device = next(system.parameters()).device
    rows = range(len(reader))
    for batch, _ in batches(
        reader, system.processor, (task,), rows, size=batch_size, workers=workers, keep_truth=False
    ):
        yield system.side(batch.to(device), task.name, of)


def _length(side: Mapping[str, Tensor]) -> int:
    return len(next(iter(side.values())))


@dataclass(frozen=True)
class _Pictures:
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


def chance_floor(task: Task, split: Split, *, draws: int = 3, seed: int = 0) -> dict[str, float]:
    """The main metric of a ranking by lot, over all rows: ``{"chance": x}``, the mean of some draws."""
    values = []
    for draw in range(draws):
        metric = task.metrics[0]()
        scores = rng_for("chance ranking", seed, draw).random((len(split.rows), len(split.texts)), dtype=np.float32)
        for row, choice, right in _answers(split, scores, task):
            metric.update(row.id, choice, right, task.target)
        values.append(metric.compute())
    return {"chance": float(np.mean(values))}
