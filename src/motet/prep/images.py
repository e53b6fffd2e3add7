"""Encoded pictures to arrays: decoding with one clear error, and one geometric transform for image, boxes and maps."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from motet.core import ConfigError, DataError, ImageFile, rng_for
from motet.core.task import Invariance

# A picture of more pixels is refused from its header, before anything is allocated: 512 MiB of RGB.
MAX_PIXELS = 178_956_970
# Formats that Pillow decodes by itself; others (EPS) start a program on the file's content.
_FORMATS = ("JPEG", "PNG", "PPM", "WEBP", "BMP", "GIF", "TIFF", "TGA", "AVIF", "JPEG2000")
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error)


def decode(image: ImageFile, *, at_least_hw: tuple[int, int] | None = None) -> Image.Image:
    """The picture in RGB, upright as its EXIF orientation says; transparent parts over white, 16 bits as 8.

    Args:
        image: an encoded picture.
        at_least_hw: a JPEG may come back smaller, by a power of two, as long as it is no smaller than this: faster, and
            not quite the pixels that a full decoding and a resize give.

    Raises:
        DataError: not a picture, a broken or cut one, or one of more than `MAX_PIXELS`; names the file.
    """
    data = image.read()
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes between half of the limit and the limit; odd EXIF and palettes are no news either.
            warnings.simplefilter("ignore")
            opened = Image.open(io.BytesIO(data), formats=_formats())
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            if at_least_hw is not None and opened.format == "JPEG":
                # The long side both ways, since the EXIF orientation may still turn the picture.
                opened.draft("RGB", (max(at_least_hw), max(at_least_hw)))
            opened.load()
            return _rgb(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError as error:
        size = _header_size(data)
        raise DataError(f"image: got {size}; want at most {MAX_PIXELS:,} pixels", path=image.name) from error
    except UnidentifiedImageError as error:
        got = f"{len(data)} bytes that start with {data[:12]!r}"
        raise DataError(f"image: got {got}; want a picture", path=image.name) from error
    except (*_BROKEN, zlib.error) as error:
        got = str(error) or type(error).__name__
        raise DataError(f"image: got {got}; want a whole picture", path=image.name) from error


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _header_size(data: bytes) -> str:
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        width, height = Image.open(io.BytesIO(data), formats=_formats()).size
    finally:
        Image.MAX_IMAGE_PIXELS = before
    return f"{width} x {height} pixels"


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16 bits, in one of several byte orders, or 32 that hold 16
        grey = np.asarray(image).astype(np.int64)
        return Image.fromarray((np.clip(grey, 0, 65535) / 257.0).round().astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("a picture of floating-point values")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), with_alpha).convert("RGB")
    return image.convert("RGB")


@dataclass(frozen=True)
class Geometry:
    """What was done to one picture: a crop, perhaps a flip, a size. The same for its pixels, its boxes and its maps.

    Args:
        crop_xyxy: the part that is kept, in whole pixels of the source.
        hflip: whether that part is mirrored, left to right.
        size_hw: height and width it is brought to.
        source_hw: height and width of the source.
    """

    crop_xyxy: tuple[int, int, int, int]
    hflip: bool
    size_hw: tuple[int, int]
    source_hw: tuple[int, int]

    def pixels(self, image: Image.Image, *, antialias: bool = False) -> UInt8[np.ndarray, "h w 3"]:
        """The picture, bilinear with half-pixel centres, in whole values of 0 to 255 as big_vision's are.

        Args:
            image: RGB, of the source's size.
            antialias: average over all pixels that fall into one; else only its two by two neighbours are read, as
                `tf.image.resize` does by default.
        """
        (height, width), (x0, y0, x1, y1) = self.size_hw, self.crop_xyxy
        part = image if (x0, y0, x1, y1) == (0, 0, *image.size) else image.crop(self.crop_xyxy)
        if antialias:
            part = part.resize((width, height), Image.Resampling.BILINEAR)
        else:
            everything = (0, 0, *part.size)
            part = part.transform((width, height), Image.Transform.EXTENT, everything, Image.Resampling.BILINEAR)
        return np.asarray(part)[:, ::-1] if self.hflip else np.asarray(part)

    def boxes(
        self, boxes_xyxy: Float[np.ndarray, "n 4"], *, min_visible: float = 0.0
    ) -> tuple[Float[np.ndarray, "m 4"], Shaped[np.ndarray, "m"]]:
        """The boxes in pixels of the result, cut at its border, and the indices of those still there.

        Args:
            boxes_xyxy: in pixels of the source.
            min_visible: a box stays when more than this part of its area does.
        """
        x0, y0, x1, y1 = self.crop_xyxy
        moved = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        area = np.prod(moved[:, 2:] - moved[:, :2], axis=1)
        cut = np.clip(moved, (x0, y0, x0, y0), (x1, y1, x1, y1))
        sides = cut[:, 2:] - cut[:, :2]
        kept = np.flatnonzero((sides > 0).all(axis=1) & (np.prod(sides, axis=1) > min_visible * area))
        out = (cut[kept] - (x0, y0, x0, y0)) * np.tile(self._scale_xy, 2)
        if self.hflip:
            out[:, [0, 2]] = self.size_hw[1] - out[:, [2, 0]]
        return out, kept

    def boxes_back(self, boxes_xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Boxes of the result in pixels of the source: how predictions get home."""
        boxes = np.array(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        if self.hflip:
            boxes[:, [0, 2]] = self.size_hw[1] - boxes[:, [2, 0]]
        out: np.ndarray = boxes / np.tile(self._scale_xy, 2) + np.tile(np.asarray(self.crop_xyxy[:2]), 2)
        return out

    def map(self, values: Shaped[np.ndarray, "h w *c"], *, unit_vectors: bool = False) -> Shaped[np.ndarray, "h w *c"]:
        """A map of the source's size brought along, each pixel the nearest one's value.

        Args:
            values: a value or a vector a pixel.
            unit_vectors: they point (x right, y down, z): a flip turns x round.
        """
        x0, y0, x1, y1 = self.crop_xyxy
        rows, columns = _nearest(y1 - y0, self.size_hw[0]) + y0, _nearest(x1 - x0, self.size_hw[1]) + x0
        out: np.ndarray = values[rows[:, None], columns[::-1] if self.hflip else columns]
        if self.hflip and unit_vectors:
            out = out * np.array([-1, 1, 1], dtype=out.dtype)
        return out

    @property
    def _scale_xy(self) -> Float[np.ndarray, "2"]:
        x0, y0, x1, y1 = self.crop_xyxy
        return np.array([self.size_hw[1] / (x1 - x0), self.size_hw[0] / (y1 - y0)])


def _nearest(source: int, size: int) -> np.ndarray:
    nearest: np.ndarray = np.minimum(((np.arange(size) + 0.5) * (source / size)).astype(np.int64), source - 1)
    return nearest


class Crop(Protocol):
    """Which part of a picture is kept in training."""

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        """The part, (x0, y0, x1, y1) in whole pixels."""
        ...


@dataclass(frozen=True)
class Whole:
    """All of it: resize only."""

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:  # noqa: ARG002
        height, width = source_hw
        return 0, 0, width, height


@dataclass(frozen=True)
class RandomCrop:
    """A place at random, of a fixed part of height and width.

    Source: LiT decoder, appendix B.2, "random crop"; big_vision's `resize(s)|random_crop(t)` keeps t / s of each side,
        7/8
    for the usual 256 and 224.

    Args:
        part: of each side that stays.
    """

    part: float = 0.875

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise ConfigError(f"RandomCrop.part: got {self.part}; want above 0 and at most 1")

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        height, width = (max(1, round(side * self.part)) for side in source_hw)
        y0, x0 = (int(rng.integers(side - kept + 1)) for side, kept in zip(source_hw, (height, width), strict=True))
        return x0, y0, x0 + width, y0 + height


@dataclass(frozen=True)
class InceptionCrop:
    """A part of random area and shape; all of it when a hundred tries find none that fits.

    Source: Szegedy et al., CVPR 2015; big_vision `pp/ops_image.py`, get_inception_crop, which is
    `tf.image.sample_distorted_bounding_box` with the whole picture as the object.

    Args:
        min_area: least part of the picture's area, 0.5 in the LiT decoder.
        max_area: largest part.
        aspect: least and largest width over height.
    """

    min_area: float = 0.5
    max_area: float = 1.0
    aspect: tuple[float, float] = (0.75, 1.33)

    def __post_init__(self) -> None:
        if not 0 < self.min_area <= self.max_area <= 1:
            raise ConfigError(
                f"InceptionCrop.min_area: got {self.min_area} to {self.max_area}; want 0 < min <= max <= 1"
            )

    def box(self, source_hw: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
        source_height, source_width = source_hw
        least, most = (part * source_height * source_width for part in (self.min_area, self.max_area))
        for _ in range(100):
            aspect = rng.uniform(*self.aspect)
            # TensorFlow draws the height evenly between those that the two areas allow, so areas are not even.
            low, high = round(math.sqrt(least / aspect)), round(math.sqrt(most / aspect))
            if round(high * aspect) > source_width:
                high = int((source_width + 0.5 - 1e-7) / aspect)
            high = min(high, source_height)
            low = min(low, high)
            height = low + int(rng.integers(high - low + 1))
            # Rounding may have left the area just outside.
            height += (height * round(height * aspect) < least) - (height * round(height * aspect) > most)
            width = round(height * aspect)
            if least <= height * width <= most and 0 < width <= source_width and 0 < height <= source_height:
                y0, x0 = int(rng.integers(source_height - height + 1)), int(rng.integers(source_width - width + 1))
                return x0, y0, x0 + width, y0 + height
        return 0, 0, source_width, source_height


@dataclass(frozen=True)
class ImageTransform:
    """Pictures as one encoder wants them, cropped and flipped in training where the task allows it.

    Args:
        size_hw: height and width of the result.
        mean: of each channel, of values from 0 to 1; subtracted. 0.5 and 0.5 give [-1, 1].
        std: of each channel; divided by.
        crop: which part is kept in training; evaluation keeps all.
        hflip: whether half of the pictures are mirrored in training.
        antialias: see `Geometry.pixels`.
        draft: let JPEGs come at a smaller size where that is enough; faster, not quite the same pixels.

    Examples:
        >>> transform = ImageTransform((4, 6))
        >>> transform(Image.new("RGB", (30, 20), "white"), transform.plain((20, 30)))[:, 0, 0]
        array([1., 1., 1.], dtype=float32)
    """

    size_hw: tuple[int, int]
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    crop: Crop = InceptionCrop()
    hflip: bool = True
    antialias: bool = False
    draft: bool = False

    def plain(self, source_hw: tuple[int, int]) -> Geometry:
        """The geometry of evaluation: all of the picture."""
        height, width = source_hw
        return Geometry((0, 0, width, height), False, self.size_hw, source_hw)

    def draw(
        self, source_hw: tuple[int, int], invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> Geometry:
        """A geometry of training. What the task is not invariant to is never done.

        Args:
            source_hw: height and width of the picture.
            invariant: what the task allows.
            rng: draws crop and flip; None for `plain`.
        """
        plain = self.plain(source_hw)
        if rng is None:
            return plain
        crop = self.crop.box(source_hw, rng) if "crop" in invariant else plain.crop_xyxy
        flip = self.hflip and "hflip" in invariant and bool(rng.integers(2))
        return replace(plain, crop_xyxy=crop, hflip=flip)

    def load(self, image: ImageFile, *, cropped: bool) -> Image.Image:
        """The picture decoded, at a smaller size where `draft` allows. Raises DataError, see `decode`.

        Args:
            image: an encoded picture.
            cropped: whether a crop will still make it smaller.
        """
        if not self.draft:
            return decode(image)
        # Each side of an Inception crop keeps at least half of the picture's when its area does.
        height, width = (side * (2 if cropped else 1) for side in self.size_hw)
        return decode(image, at_least_hw=(height, width))

    def read(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> Float[np.ndarray, "3 h w"]:
        """The pixels of a picture, as drawn; `rng=None` for evaluation. Raises DataError, see `decode`."""
        picture = self.load(image, cropped=rng is not None)
        return self(picture, self.draw((picture.height, picture.width), invariant, rng))

    def __call__(self, picture: Image.Image, geometry: Geometry) -> Float[np.ndarray, "3 h w"]:
        """The pixels of a decoded picture under a geometry, normalised."""
        values = geometry.pixels(picture, antialias=self.antialias).transpose(2, 0, 1)
        mean, std = (np.asarray(part, dtype=np.float32)[:, None, None] for part in (self.mean, self.std))
        out = np.empty(values.shape, dtype=np.float32)
        np.multiply(values, 1 / (255 * std), out=out)
        out -= mean / std
        return out

    def view(self, image: ImageFile, index: int) -> Float[np.ndarray, "3 h w"]:
        """View `index` of a picture: 0 the plain one; others drawn by its content and the index, see `view_changes`."""
        changes = self.view_changes(index)
        picture = self.load(image, cropped="crop" in changes)
        geometry = self.plain((picture.height, picture.width))
        if "crop" in changes:
            box = self.crop.box(geometry.source_hw, rng_for("view", image.fingerprint(), index))
            geometry = replace(geometry, crop_xyxy=box)
        return self(picture, replace(geometry, hflip="hflip" in changes))

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """What is done to view `index`: nothing to 0; a crop to the others, and every second one is mirrored too."""
        if index == 0:
            return frozenset()
        crop: set[Invariance] = set() if isinstance(self.crop, Whole) else {"crop"}
        flip: set[Invariance] = {"hflip"} if self.hflip and index % 2 == 0 else set()
        return frozenset(crop | flip)
