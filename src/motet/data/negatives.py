"""Training rows of retrieval: an image and its caption among negative pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from motet.core import ConfigError, DataError, Example, ImageFile, Pair, Reader
from motet.core.whole_files import whole_file
from motet.data.caption_rows import CaptionRows
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.npz_file import load_own_npz
from motet.data.image_index import ImageIndex, image_index
from motet.preprocess.open_image import open_image

GlobalFeature: TypeAlias = Callable[[ImageFile], np.ndarray]
"""Computes one vector per image."""

_MAX_DRAWS = 100
_BLOCK_ROWS = 512


def thumbnail_feature(image: ImageFile, *, side: int = 8) -> np.ndarray:
    """Returns the colours of an image on a small grid, less their mean: images of similar layout and light are near.

    Raises:
        DataError: no image, or a broken one.
    """
    with open_image(image.read(), name=image.name) as opened:
        opened.draft("RGB", (4 * side, 4 * side))
        small = np.asarray(opened.convert("RGB").resize((side, side)), dtype=np.float32)
    flat: np.ndarray = small.reshape(-1) - small.mean()
    return flat


@dataclass(frozen=True)
class HardNegativePool:
    """The pool of hard negatives: for each row of a reader the rows with the most similar images.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2, "hard-negatives selected off-line"; the authors' code draws
    from the 100 nearest images of a pool and skips the first, which is the image itself. Departure: the features of
    their pool were not released; here any `GlobalFeature` can be used.

    Args:
        reader: the rows; each image is decoded once.
        global_feature: such as the mean of stored features or of the features of an image's regions; by default it
            needs no network.
        nearest: number of images in the pool of a row: one row of each.
        file: an .npz file that holds the pool, since building takes minutes; it is built and written where the file is
            of other images or does not exist. It is found by the image ids, not by the feature: delete it after a
            change of `global_feature`.
        on_bad_row: "skip" leaves images that cannot be read out of every pool; theirs is empty.

    Attributes:
        rows: (n, k) row indices of the reader, nearest first, padded with -1.

    Raises:
        ConfigError: the file cannot be read or written.
    """

    reader: Reader = field(repr=False)
    global_feature: GlobalFeature = thumbnail_feature
    nearest: int = 100
    # A run does not store it: whoever reads the run of another must not write where that run says.
    file: Path | None = field(default=None, compare=False, metadata={"saved": False})
    on_bad_row: Literal["stop", "skip"] = "stop"
    rows: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        images = image_index(self.reader)
        object.__setattr__(self, "rows", self._built(images) if self.file is None else self._stored(images, self.file))

    def _built(self, images: ImageIndex) -> np.ndarray:
        first_rows = [int(images.rows_of(image)[0]) for image in range(len(images))]
        found = {image: capture(self._feature, row) for image, row in enumerate(first_rows)}
        features = {image: one for image, one in found.items() if not isinstance(one, DataError)}
        if len(features) < (len(found) if self.on_bad_row == "stop" else 1):
            unwrap(next(one for one in found.values() if isinstance(one, DataError)))
        neighbours = nearest_vectors(np.stack(list(features.values())).astype(np.float32), self.nearest)
        readable_rows = np.asarray([first_rows[image] for image in features])
        rows = np.full((len(self.reader), neighbours.shape[1]), -1, dtype=np.int64)
        for image, nearest in zip(features, neighbours, strict=True):
            rows[np.asarray(images.rows_of(image))] = np.where(nearest >= 0, readable_rows[nearest], -1)
        return rows

    def _feature(self, row: int) -> np.ndarray:
        return self.global_feature(_only_image(self.reader[row]))

    def _stored(self, images: ImageIndex, file: Path) -> np.ndarray:
        image_ids = [self.reader.keys(int(images.rows_of(image)[0])) for image in range(len(images))]
        content = repr((self.nearest, len(self.reader), image_ids, self.on_bad_row))
        key = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
        try:
            if file.is_file():
                saved = load_own_npz(file)
                if str(saved["key"]) == key:
                    return self._checked(saved["rows"])
            rows = self._built(images)
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as opened:
                np.savez(opened, key=key, rows=rows)
        except (OSError, ValueError, KeyError) as error:
            got = str(error).partition(";")[0]
            raise ConfigError(
                f"hard negatives: got {got}; want a file that motet wrote, in a folder with write permission ({file})"
            ) from error
        return rows

    def _checked(self, rows: np.ndarray) -> np.ndarray:
        """Returns stored rows of neighbours. Raises ValueError where they are not as `_built` makes them."""
        count = len(self.reader)
        if rows.dtype != np.int64 or rows.ndim != 2 or len(rows) != count or rows.shape[1] > self.nearest:
            raise ValueError(f"{rows.dtype} of the shape {rows.shape}")
        if not ((rows >= -1) & (rows < count)).all():
            raise ValueError(f"rows outside 0 to {count - 1}")
        return rows


@dataclass(frozen=True)
class FourWay:
    """Makes a retrieval row of four pairs, for `Source.compose`: the positive pair and three negative ones.

    The candidates are, in this order: (image, caption), (image, a random other caption), (a random other image,
    caption), (image, hard caption); the first is the positive one. The hard caption belongs to an image of the pool of
    hard negatives. No negative caption is one of the image's own, and the other image never has the caption.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2, equation 2; `retreival_dataset.py`.

    Args:
        hard: the pool; None: the hard caption is a random one too, as in the authors' validation.
        label: the annotation with the captions of an image.

    Raises:
        ConfigError: when called with the pool of another reader.
        DataError: when called for a row without an image or captions, or where no negative caption can be found.
    """

    hard: HardNegativePool | None = None
    label: str = "captions"

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        # Of rows per caption the negatives, and the pool, are those of the images.
        images, place = (reader.reader, reader.image_row(index)) if isinstance(reader, CaptionRows) else (reader, index)
        if self.hard is not None and len(self.hard.rows) != len(images):
            raise ConfigError(
                f"FourWay.hard: got a pool of {len(self.hard.rows)} rows; want {len(images)}, the reader's"
            )
        row = reader[index]
        captions = _captions(row, self.label)
        caption = row.text if row.text in captions else _draw(captions, rng)
        rows = range(len(images))
        _, other_caption = draw_negative(images, row, rows, self.label, rng)
        other, _ = draw_negative(images, row, rows, self.label, rng, without=caption)
        pool = rows if self.hard is None else self.hard.rows[place][self.hard.rows[place] >= 0]
        _, hard_caption = draw_negative(images, row, pool, self.label, rng)
        image, other_image = _only_image(row), _only_image(other)
        pairs = (Pair(0, caption), Pair(0, other_caption), Pair(1, caption), Pair(0, hard_caption))
        return replace(
            row,
            images=(image, other_image),
            image_ids=(row.image_ids[0], other.image_ids[0]),
            text=caption,
            candidates=pairs,
            labels={self.label: captions, "match": frozenset({0})},
        )

    def for_reader(self, reader: Reader) -> FourWay:
        """Returns the same for other rows: the pool is made anew of their images."""
        images = reader.reader if isinstance(reader, CaptionRows) else reader
        return self if self.hard is None else replace(self, hard=replace(self.hard, reader=images))


@dataclass(frozen=True)
class RandomCaptions:
    """Makes a retrieval row of one image with its caption and random captions of others, for `Source.compose`.

    Args:
        count: number of captions of other images.
        label: the annotation with the captions of an image.

    Raises:
        ConfigError: a count below 1.
        DataError: as `FourWay`.
    """

    count: int = 3
    label: str = "captions"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"RandomCaptions.count: got {self.count}; want 1 or more")

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        row = reader[index]
        captions = _captions(row, self.label)
        caption = _draw(captions, rng)
        rows = range(len(reader))
        others = [draw_negative(reader, row, rows, self.label, rng)[1] for _ in range(self.count)]
        return replace(
            row,
            text=caption,
            candidates=(Pair(0, caption), *(Pair(0, text) for text in others)),
            labels={self.label: captions, "match": frozenset({0})},
        )


def draw_negative(
    reader: Reader,
    row: Example,
    rows: Sequence[int] | np.ndarray,
    label: str,
    rng: np.random.Generator,
    without: str = "",
) -> tuple[Example, str]:
    """Draws a row of another image, and a caption of it that is none of this row's.

    Args:
        reader: all rows.
        row: the row of the positive pair.
        rows: the indices to draw from.
        label: the annotation with the captions of an image.
        rng: of the draws.
        without: a caption that the other image must not have.

    Raises:
        DataError: no such row in a hundred draws.
    """
    own = set(_captions(row, label))
    for _ in range(_MAX_DRAWS if len(rows) else 0):
        index = int(rows[int(rng.integers(len(rows)))])
        if reader.keys(index) == row.image_ids:
            continue
        other = reader[index]
        captions = _captions(other, label)
        negatives = [caption for caption in captions if caption not in own]
        if negatives and without not in captions:
            return other, _draw(negatives, rng)
    raise DataError(f"{row.id}: other captions: got none in {_MAX_DRAWS} draws; want other images with other captions")


def nearest_vectors(vectors: Float[np.ndarray, "n d"], count: int) -> np.ndarray:
    """Returns for each vector the indices of the nearest others by cosine, nearest first: (n, min(count, n - 1)).

    Examples:
        >>> nearest_vectors(np.array([[1, 0], [0, 1], [1, 0.1]]), 2).tolist()
        [[2, 1], [2, 0], [0, 1]]
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(count, len(unit) - 1)
    found = np.empty((len(unit), count), dtype=np.int64)
    for start in range(0, len(unit), _BLOCK_ROWS):
        cosines = unit[start : start + _BLOCK_ROWS] @ unit.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = -np.inf  # a vector is not its own neighbour
        first = (
            np.argpartition(-cosines, min(count, len(unit) - 1) - 1, axis=1)[:, :count]
            if count
            else rows[:, None][:, :0]
        )
        order = np.argsort(-np.take_along_axis(cosines, first, axis=1), axis=1, kind="stable")
        found[start : start + _BLOCK_ROWS] = np.take_along_axis(first, order, axis=1)
    return found


def _captions(row: Example, label: str) -> tuple[str, ...]:
    texts = row.labels.get(label, ())
    if isinstance(texts, str) or not texts:
        raise DataError(f"{row.id}: annotation {label!r}: got {texts!r}; want a list of captions, at least one")
    return tuple(texts)


def _only_image(row: Example) -> ImageFile:
    if len(row.images) != 1:
        raise DataError(f"{row.id}: images: got {len(row.images)}; want exactly one")
    return row.images[0]


def _draw(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
