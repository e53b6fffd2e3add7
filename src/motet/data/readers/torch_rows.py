"""Rows of a map-style torch `Dataset`: (image, target), or a mapping of names to values."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from motet.core import DataError, DiskImage, Example, ImageFile, MemoryImage
from motet.data.formats.columns import add_answer
from motet.data.formats.frames import plain_cell


@dataclass(frozen=True)
class TorchRows:
    """The rows of a torch `Dataset` with `__len__` and `__getitem__`, which are called each time a row is read.

    The data set gives the image as it is before any transform of a training loop: a PIL image, an array (h, w) or
    (h, w, 3) of uint8, a tensor (c, h, w) of uint8 or of floats from 0 to 1, a path, or encoded bytes. How it is
    cropped and normalised is up to the system.

    A data set is no plain data: a run with it is resumed and compared by its recipe, while its model is loaded as any
    other.

    Args:
        dataset: each row a tuple, a list or a mapping.
        image: place or key of the image; None for rows without one.
        text: place or key of the text; None for none.
        labels: annotation -> place or key. "class" is an index, or a name of `names`; "captions", "answers" and "text"
            are texts.
        names: the classes.
        name: prefix of the ids; the class of the data set by default.
        image_ids: the id of each row's image, where several rows share one; by default every row has its own.

    Raises:
        DataError: no row, or a row that is not as said; raised when the row is read.
    """

    dataset: Any
    image: int | str | None = 0
    text: int | str | None = None
    labels: Mapping[str, int | str] = field(default_factory=lambda: {"class": 1})
    names: tuple[str, ...] = ()
    name: str = ""
    image_ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        if len(self.dataset) == 0:
            raise DataError(f"{self._prefix}: got no rows; want at least one")
        if self.image_ids and len(self.image_ids) != len(self.dataset):
            got = f"{len(self.image_ids)} ids for {len(self.dataset)} rows"
            raise DataError(f"{self._prefix}: image_ids: got {got}; want one per row")

    def __len__(self) -> int:
        return len(self.dataset)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the id of the row's image, which is not read."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.image is None:
            return ()
        return (str(self.image_ids[index]) if self.image_ids else f"{self._prefix}/{index}",)

    def __getitem__(self, index: int) -> Example:
        keys = self.keys(index)
        row = self.dataset[index]
        images = () if self.image is None else (self._image(self._part(row, self.image, index), index),)
        text = "" if self.text is None else self._text(self._part(row, self.text, index), index)
        labels = {label: self._label(label, self._part(row, key, index), index) for label, key in self.labels.items()}
        return Example(
            id=f"{self._prefix}/{index}", images=images, image_ids=keys, text=text, labels=add_answer(labels)
        )

    @property
    def _prefix(self) -> str:
        return self.name or type(self.dataset).__name__

    def _part(self, row: Any, key: int | str, index: int) -> Any:
        try:
            return row[key]
        except (KeyError, IndexError, TypeError) as error:
            got = f"keys {sorted(map(str, row))}" if isinstance(row, Mapping) else _described(row)
            raise DataError(f"{self._prefix}: got {got}; want {key!r} in every row", row=index) from error

    def _image(self, value: Any, index: int) -> ImageFile:
        name = f"{self._prefix}, row {index}"
        match value:
            case str() | Path():
                return DiskImage(Path(value))
            case bytes():
                return MemoryImage(name, value)
            case Image.Image():
                return MemoryImage(name, _encoded(value))
        array = _array(value)
        if array is None:
            want = "want a PIL image, uint8 (h, w) or (h, w, 3), a tensor (c, h, w), a path or encoded bytes"
            raise DataError(f"{self._prefix}: image: got {_described(value)}; {want}", row=index)
        return MemoryImage(name, _encoded(Image.fromarray(array)))

    def _text(self, value: Any, index: int) -> str:
        if not isinstance(value, str):
            raise DataError(f"{self._prefix}: text: got {_described(value)}; want a text", row=index)
        return value

    def _label(self, label: str, value: Any, index: int) -> Any:
        value = plain_cell(value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value)
        if label == "class":
            return self._class(value, index)
        if label in ("captions", "answers", "text"):
            texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
            if not texts or not all(isinstance(text, str) for text in texts):
                raise DataError(f"{self._prefix}: {label}: got {_described(value)}; want a text or texts", row=index)
            return texts
        return value

    def _class(self, value: Any, index: int) -> int:
        if isinstance(value, str) and value in self.names:
            return self.names.index(value)
        if isinstance(value, int) and (not self.names or 0 <= value < len(self.names)):
            return int(value)
        want = f"one of {len(self.names)} names, or its index" if self.names else "an index"
        raise DataError(f"{self._prefix}: class: got {str(value)[:40]!r}; want {want}", row=index)


def _array(value: Any) -> np.ndarray | None:
    """Returns an array of uint8 (h, w) or (h, w, 3) of an array or a tensor; None for anything else."""
    tensor = hasattr(value, "detach")
    array = value.detach().cpu().numpy() if tensor else value
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3):
        return None
    if array.ndim == 3 and (tensor or array.shape[2] not in (1, 3)):
        array = array.transpose(1, 2, 0)
    if array.dtype.kind == "f":
        if array.size and (array.min() < 0 or array.max() > 1):
            return None
        array = np.round(array * 255).astype(np.uint8)
    if array.dtype != np.uint8 or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        return None
    return np.ascontiguousarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def _encoded(image: Image.Image) -> bytes:
    """Returns the pixels with the header of PNM, which is read fast; other modes than grey and RGB as PNG."""
    stream = io.BytesIO()
    image.save(stream, "PPM" if image.mode in ("L", "RGB") else "PNG")
    return stream.getvalue()


def _described(value: Any) -> str:
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    span = ""
    if shape is not None and getattr(value, "dtype", None) is not None and hasattr(value, "min") and value.ndim:
        span = f" of {str(value.dtype).removeprefix('torch.')}, {tuple(shape)}, from {value.min():g} to {value.max():g}"
    return f"a {kind}{span}"
