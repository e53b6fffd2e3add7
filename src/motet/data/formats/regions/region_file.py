"""The base of all files of regions: the lookup of an image, and the checks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal, Self, assert_never, get_args
from urllib.parse import quote

import numpy as np
from jaxtyping import Float

from motet.core import ConfigError, DataError, ImageFile
from motet.data.formats.error_text import first_line
from motet.preprocess.regions import ImageRegions, box_iou, check_regions, fit_to_image, image_size_hw

Keys = Literal["id", "number", "file", "file_number"]

_SAME = 0.9  # least IoU of a candidate with its stored box: a difference by rounding, not another box


@dataclass(frozen=True, kw_only=True)
class RegionFiles(ABC):
    """A `RegionSource` over files.

    Numbers of images repeat between data sets: 285579 is an image of COCO and another one of Visual Genome. So an image
    is looked up by one kind of key, and a file whose keys are bare numbers is read with `keys` and `dataset`.

    Args:
        path: the file, or the folder.
        keys: of the file: the "id" of an image ("coco/391895", percent-encoded where it is a file's name), what motet
            writes; its "number" in `dataset` (391895); the name of its "file" without the ending
            ("COCO_train2014_000000391895"); or the number at the end of that name ("file_number", 391895), as in the
            published files of Visual Genome, some of whose images have ids of COCO.
        dataset: whose numbers the keys are, by the ids' prefix ("coco"); only with ``keys="number"``.
        candidates: files with the features of candidate boxes, computed separately as in the official 12-in-1; without
            them a candidate gets the features of the region that overlaps it most.
        width: length of a feature; 0 for that of the first image. An image with another length is an error.
        num_classes: number of class probabilities per region; taken from the first image together with `width`.

    Raises:
        ConfigError: an unknown kind of key, or a data set without numbers.
        DataError: no such file, or one without images.
    """

    path: Path | str
    keys: Keys = "id"
    dataset: str = ""
    candidates: RegionFiles | None = None
    width: int = 0
    num_classes: int = 0

    def __post_init__(self) -> None:
        if self.keys not in get_args(Keys):
            raise ConfigError(f"regions: keys: got {self.keys!r}; want one of {list(get_args(Keys))}")
        if (self.keys == "number") != bool(self.dataset):
            wanted = "the data set that the numbers are of, such as 'coco'" if not self.dataset else "keys='number'"
            raise ConfigError(f"regions: keys: got {self.keys!r} with dataset={self.dataset!r}; want {wanted}")
        if not self.width:
            key, first = self._first()
            sound = check_regions(first.regions((1, 1)), path=self.path, row=key)
            object.__setattr__(self, "width", int(sound.features.shape[1]))
            object.__setattr__(self, "num_classes", 0 if sound.classes is None else int(sound.classes.shape[1]))

    @abstractmethod
    def _first(self) -> tuple[str, StoredRegions]:
        """Returns the key and the regions of the first image."""

    @abstractmethod
    def _read(self, key: str) -> StoredRegions | None:
        """Returns the stored regions of an image; None where there are none."""

    def regions(self, image: ImageFile, image_id: str) -> ImageRegions:
        """See `RegionSource.regions`."""
        for key in lookup_keys(image, image_id, self.keys, self.dataset):
            stored = self._read(key)
            if stored is not None:
                return self._validate(stored, image, key)
        example, _ = self._first()
        raise DataError(
            f"regions of {image_id!r}: got none; want those of this image, or the kind of key that this file has (its "
            f"first is {example!r}, keys={self.keys!r})",
            path=self.path,
        )

    def at(self, image: ImageFile, image_id: str, boxes_xyxy: Float[np.ndarray, "m 4"]) -> ImageRegions:
        """See `RegionSource.at`."""
        source = self if self.candidates is None else self.candidates
        found = source.regions(image, image_id)
        shared = box_iou(boxes_xyxy, found.boxes_xyxy)
        nearest = shared.argmax(axis=1)
        if self.candidates is not None and (shared.max(axis=1) < _SAME).any():
            missing = np.asarray(boxes_xyxy)[int(np.argmax(shared.max(axis=1) < _SAME))]
            corners = ", ".join(f"{value:g}" for value in missing)
            raise DataError(
                f"regions of {image_id!r}: candidates: got none at ({corners}); want the features of this box",
                path=source.path,
            )
        classes = None if found.classes is None else found.classes[nearest]
        return ImageRegions(found.features[nearest], np.asarray(boxes_xyxy, dtype=np.float32), found.size_hw, classes)

    def _validate(self, stored: StoredRegions, image: ImageFile, key: str) -> ImageRegions:
        raw = stored.regions(stored.size_hw or image_size_hw(image))
        found = fit_to_image(check_regions(raw, path=self.path, row=key), image, path=self.path, row=key)
        if found.features.shape[1] != self.width:
            raise DataError(
                f"regions: features: got {found.features.shape[1]} numbers each; want {self.width}",
                path=self.path,
                row=key,
            )
        if self.num_classes and (found.classes is None or found.classes.shape[1] != self.num_classes):
            got = "none" if found.classes is None else f"{found.classes.shape[1]}"
            raise DataError(f"regions: classes: got {got}; want {self.num_classes}", path=self.path, row=key)
        return found


@dataclass(frozen=True)
class StoredRegions:
    """The regions of one image in the form in which files store them.

    Args:
        features: (n, d).
        boxes_xyxy: (n, 4) in pixels, or in fractions of the image where no size is stored.
        size_hw: size of the image that the detector used; None if boxes are fractions of it, 0 to 1.
        classes: (n, k) or None.
    """

    features: np.ndarray
    boxes_xyxy: np.ndarray
    size_hw: tuple[int, int] | None
    classes: np.ndarray | None = None

    def regions(self, size_hw: tuple[int, int]) -> ImageRegions:
        """Returns regions with boxes in pixels, of the stored size, or of this one if they are fractions."""
        if self.size_hw is not None:
            return ImageRegions(self.features, self.boxes_xyxy, self.size_hw, self.classes)
        height, width = size_hw
        boxes = np.asarray(self.boxes_xyxy, dtype=np.float64) * np.array([width, height, width, height])
        return ImageRegions(self.features, boxes, size_hw, self.classes)

    @classmethod
    def from_arrays(cls, values: Mapping[str, Any], path: Path | str, key: str) -> Self:
        """Builds regions from arrays under any of the names that published files use.

        Raises:
            DataError: features, boxes or size are missing.
        """
        features, boxes = (_numbers(_first_named(values, names, path, key), path, key) for names in (_FEATURES, _BOXES))
        name = next((name for name in _CLASSES if name in values), None)
        classes = None if name is None else _numbers((name, values[name]), path, key)
        return cls(features, boxes, _size_hw(values, path, key), classes)


_FEATURES = ("features", "x")
_BOXES = ("boxes_xyxy", "boxes", "bbox")
_SIZES = (("image_h", "image_height", "img_h"), ("image_w", "image_width", "img_w"))
_CLASSES = ("classes", "cls_prob")
_MAX_SIDE = 2**31
ARRAYS = (*_FEATURES, *_BOXES, *_CLASSES, "size_hw", *_SIZES[0], *_SIZES[1])
"""Every name that is read of an image's arrays and numbers."""


def _first_named(values: Mapping[str, Any], names: tuple[str, ...], path: Path | str, key: str) -> tuple[str, Any]:
    for name in names:
        if name in values:
            return name, values[name]
    raise DataError(
        f"regions: got {sorted(map(str, values))}; want {' or '.join(names)} among them", path=path, row=key
    )


def _numbers(named: tuple[str, Any], path: Path | str, key: str) -> np.ndarray:
    """Returns a value as an array of numbers."""
    name, value = named
    try:
        found = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"regions: {name}: got {first_line(error)}; want an array", path=path, row=key) from error
    if found.dtype.kind not in "biuf":
        raise DataError(f"regions: {name}: got values of {found.dtype}; want numbers", path=path, row=key)
    return found


def _size_hw(values: Mapping[str, Any], path: Path | str, key: str) -> tuple[int, int]:
    if "size_hw" in values:
        sides = _numbers(("size_hw", values["size_hw"]), path, key).reshape(-1)
    else:
        stated = [_numbers(_first_named(values, names, path, key), path, key).reshape(-1) for names in _SIZES]
        sides = np.concatenate([one[:1] for one in stated])
    if len(sides) != 2 or not all(1 <= side < _MAX_SIDE for side in sides.tolist()):
        got = " x ".join(str(side) for side in sides[:3].tolist())
        raise DataError(f"regions: size: got {got or 'none'}; want height and width in pixels", path=path, row=key)
    return int(sides[0]), int(sides[1])


def lookup_keys(image: ImageFile, image_id: str, keys: Keys = "id", dataset: str = "") -> tuple[str, ...]:
    """Returns the possible keys of an image; none where its data set is not that of the numbers.

    Examples:
        >>> from motet.core import MemoryImage
        >>> photo = MemoryImage("train2014/COCO_train2014_000000000009.jpg", b"")
        >>> lookup_keys(photo, "coco/9")
        ('coco%2F9', 'coco/9')
        >>> lookup_keys(photo, "coco/9", "number", "coco"), lookup_keys(photo, "vg/9", "number", "coco")
        (('9',), ())
        >>> lookup_keys(photo, "coco/9", "file_number")
        ('9',)
    """
    stem = PurePath(image.name).stem
    match keys:
        case "id":
            return tuple(dict.fromkeys(name for name in (quote(image_id, safe=""), image_id) if name))
        case "number":
            prefix, _, number = image_id.rpartition("/")
            return (number,) if prefix == dataset else ()
        case "file":
            return (stem,) if stem else ()
        case "file_number":
            digits = re.search(r"[0-9]+$", stem)
            return () if digits is None else (str(int(digits[0])),)
        case other:
            assert_never(other)
