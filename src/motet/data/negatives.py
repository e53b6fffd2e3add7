"""Training rows of retrieval: a picture and its caption among pairs that do not belong together."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from motet.core import ConfigError, DataError, Example, ImageFile, Pair, Reader
from motet.data.image_index import image_index

GlobalFeature: TypeAlias = Callable[[ImageFile], np.ndarray]
"""A picture as one vector: what its global feature is."""

_TRIES = 100
_AT_ONCE = 512


@dataclass(frozen=True)
class LookAlikes:
    """For each row of a reader the rows whose pictures look most like its own: the pool of hard negatives.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2, "hard-negatives selected off-line"; the authors' code draws
    from the 100 nearest images of a pool and skips the first, which is the image itself. The pool's own features were
    not released; any `GlobalFeature` serves.

    Args:
        rows: (n, k) places in the reader, nearest first, -1 behind the last.
    """

    rows: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, reader: Reader, look: GlobalFeature | None = None, *, nearest: int = 100) -> LookAlikes:
        """The pool of a reader: for each row one row of each of the nearest other pictures.

        Args:
            reader: the rows; each picture is looked at once.
            look: the global feature, such as the mean of stored features or of a picture's regions; None for
                `thumbnail`, which needs no network.
            nearest: how many.
        """
        look = thumbnail if look is None else look
        units = image_index(reader)
        firsts = [int(units.rows_of(unit)[0]) for unit in range(len(units))]
        vectors = np.stack([look(_first_image(reader[row])) for row in firsts]).astype(np.float32)
        found = nearest_vectors(vectors, nearest)
        places = np.where(found >= 0, np.asarray(firsts)[found], -1)
        rows = np.empty((len(reader), found.shape[1]), dtype=np.int64)
        for unit in range(len(units)):
            rows[np.asarray(units.rows_of(unit))] = places[unit]
        return cls(rows)

    @classmethod
    def cached(cls, path: Path, reader: Reader, look: GlobalFeature | None = None, *, nearest: int = 100) -> LookAlikes:
        """The pool of a reader from a file, which is written where it is not there: looking takes minutes.

        Args:
            path: an .npz file; one of other pictures is written anew.
            reader: as in `of`.
            look: as in `of`.
            nearest: as in `of`.

        Raises:
            ConfigError: the file cannot be read or written.
        """
        units = image_index(reader)
        looked_at = [reader.keys(int(units.rows_of(unit)[0])) for unit in range(len(units))]
        key = hashlib.blake2b(repr((nearest, len(reader), looked_at)).encode(), digest_size=16).hexdigest()
        try:
            if path.is_file():
                with np.load(path, allow_pickle=False) as kept:
                    if str(kept["key"]) == key:
                        return cls(kept["rows"])
            made = cls.of(reader, look, nearest=nearest)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            with part.open("wb") as file:
                np.savez(file, key=key, rows=made.rows)
            part.replace(path)
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"{path}: got {error}; want a pool of look-alikes, or no file") from error
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LookAlikes) and np.array_equal(self.rows, other.rows)


@dataclass(frozen=True)
class FourWay:
    """Makes a retrieval row of four pairs, for `Source.compose`: the true one and three wrong ones.

    The candidates are, in this order: (picture, caption), (picture, a random other caption), (a random other picture,
    caption), (picture, hard caption); the first is right. The hard caption is one of a picture drawn from those that
    look like this one. No wrong caption is one of the picture's own, and the other picture never has the caption.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2, equation 2; `retreival_dataset.py`.

    Args:
        hard: the pool; None: the hard caption is a random one too, as in the authors' validation.
        label: the annotation that holds a picture's captions.

    Raises:
        ConfigError: when called with a pool of another reader.
        DataError: when called for a row without a picture or captions, or where no other caption can be found.
    """

    hard: LookAlikes | None = None
    label: str = "captions"

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        if self.hard is not None and len(self.hard.rows) != len(reader):
            raise ConfigError(
                f"FourWay.hard: got a pool of {len(self.hard.rows)} rows; want {len(reader)}, the reader's"
            )
        row = reader[index]
        own = _captions(row, self.label)
        caption = _one_of(own, rng)
        _, other_caption = self._other(reader, row, range(len(reader)), rng)
        other, _ = self._other(reader, row, range(len(reader)), rng, without=caption)
        pool = range(len(reader)) if self.hard is None else self.hard.rows[index][self.hard.rows[index] >= 0]
        _, hard_caption = self._other(reader, row, pool, rng)
        image, instead = _first_image(row), _first_image(other)
        pairs = (Pair(0, caption), Pair(0, other_caption), Pair(1, caption), Pair(0, hard_caption))
        return replace(
            row,
            images=(image, instead),
            image_ids=(row.image_ids[0], other.image_ids[0]),
            text=caption,
            candidates=pairs,
            labels={self.label: own, "match": frozenset({0})},
        )

    def _other(
        self,
        reader: Reader,
        row: Example,
        places: Sequence[int] | np.ndarray,
        rng: np.random.Generator,
        without: str = "",
    ) -> tuple[Example, str]:
        """Another picture's row, and a caption of it that is none of this row's."""
        own = set(_captions(row, self.label))
        for _ in range(_TRIES if len(places) else 0):
            place = int(places[int(rng.integers(len(places)))])
            if reader.keys(place) == row.image_ids:
                continue
            other = reader[place]
            texts = _captions(other, self.label)
            wrong = [text for text in texts if text not in own]
            if wrong and without not in texts:
                return other, _one_of(wrong, rng)
        raise DataError(
            f"{row.id}: other captions: got none in {_TRIES} draws; want pictures with captions of their own"
        )


@dataclass(frozen=True)
class WrongTexts:
    """Makes a retrieval row of one picture with its caption and random captions of others, for `Source.compose`.

    Args:
        wrong: how many of the others'.
        label: the annotation that holds a picture's captions.

    Raises:
        ConfigError: no wrong caption is asked for.
        DataError: as `FourWay`.
    """

    wrong: int = 3
    label: str = "captions"

    def __post_init__(self) -> None:
        if self.wrong < 1:
            raise ConfigError(f"WrongTexts.wrong: got {self.wrong}; want one or more")

    def __call__(self, reader: Reader, index: int, rng: np.random.Generator) -> Example:
        row, draw = reader[index], FourWay(label=self.label)
        own = _captions(row, self.label)
        caption = _one_of(own, rng)
        others = [draw._other(reader, row, range(len(reader)), rng)[1] for _ in range(self.wrong)]
        return replace(
            row,
            text=caption,
            candidates=(Pair(0, caption), *(Pair(0, text) for text in others)),
            labels={self.label: own, "match": frozenset({0})},
        )


def nearest_vectors(vectors: Float[np.ndarray, "n d"], count: int) -> np.ndarray:
    """For each vector the places of the nearest others by cosine, nearest first: (n, count), or all where fewer.

    Examples:
        >>> nearest_vectors(np.array([[1, 0], [0, 1], [1, 0.1]]), 2).tolist()
        [[2, 1], [2, 0], [0, 1]]
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    count = min(count, len(unit) - 1)
    found = np.empty((len(unit), count), dtype=np.int64)
    for start in range(0, len(unit), _AT_ONCE):
        likeness = unit[start : start + _AT_ONCE] @ unit.T
        own = np.arange(len(likeness))
        likeness[own, own + start] = -np.inf
        first = (
            np.argpartition(-likeness, min(count, len(unit) - 1) - 1, axis=1)[:, :count]
            if count
            else own[:, None][:, :0]
        )
        order = np.argsort(-np.take_along_axis(likeness, first, axis=1), axis=1, kind="stable")
        found[start : start + _AT_ONCE] = np.take_along_axis(first, order, axis=1)
    return found


def thumbnail(image: ImageFile, *, side: int = 8) -> np.ndarray:
    """A picture's colours on a small grid, less their mean: pictures of like layout and light are near.

    Raises:
        DataError: no picture, or a broken one.
    """
    try:
        with Image.open(io.BytesIO(image.read())) as picture:
            picture.draft("RGB", (4 * side, 4 * side))
            small = np.asarray(picture.convert("RGB").resize((side, side)), dtype=np.float32)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"image: got {error or type(error).__name__}; want a picture", path=image.name) from error
    flat: np.ndarray = small.reshape(-1) - small.mean()
    return flat


def _captions(row: Example, label: str) -> tuple[str, ...]:
    texts = row.labels.get(label, ())
    if isinstance(texts, str) or not texts:
        raise DataError(f"{row.id}: annotation {label!r}: got {texts!r}; want the captions of its picture")
    return tuple(texts)


def _first_image(row: Example) -> ImageFile:
    if len(row.images) != 1:
        raise DataError(f"{row.id}: images: got {len(row.images)}; want exactly one")
    return row.images[0]


def _one_of(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
