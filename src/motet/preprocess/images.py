"""Encoded pictures to arrays: decoding with one clear error, and what an encoder wants to be given."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from jaxtyping import Float
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from motet.core import DataError, ImageFile, rng_for
from motet.core.task import Invariance
from motet.preprocess.crops import Crop as Crop
from motet.preprocess.crops import InceptionCrop as InceptionCrop
from motet.preprocess.crops import RandomCrop as RandomCrop
from motet.preprocess.crops import Whole as Whole
from motet.preprocess.geometry import Geometry as Geometry

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
            # Asked first: `exif_transpose` copies a picture that stands upright, which takes as long as opening it.
            turned = opened.getexif().get(ExifTags.Base.Orientation, 1) != 1
            return _rgb(ImageOps.exif_transpose(opened) if turned else opened)
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
    crop: Crop = field(default_factory=InceptionCrop)
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

    def __call__(self, image: Image.Image, geometry: Geometry) -> Float[np.ndarray, "3 h w"]:
        """The pixels of a decoded picture under a geometry, normalised."""
        values = geometry.pixels(image, antialias=self.antialias).transpose(2, 0, 1)
        mean, std = (np.asarray(part, dtype=np.float32)[:, None, None] for part in (self.mean, self.std))
        out = np.empty(values.shape, dtype=np.float32)
        np.multiply(values, 1 / (255 * std), out=out)
        out -= mean / std
        return out

    def view(self, image: ImageFile, index: int) -> Float[np.ndarray, "3 h w"]:
        """View `index` of a picture: 0 the plain one; others drawn by its content and the index, see `view_changes`."""
        picture = self.load(image, cropped="crop" in self.view_changes(index))
        return self(picture, self.view_geometry(image, index, (picture.height, picture.width)))

    def view_geometry(self, image: ImageFile, index: int, source_hw: tuple[int, int]) -> Geometry:
        """What was done to view `index` of a picture of this size: where its boxes went."""
        changes, geometry = self.view_changes(index), self.plain(source_hw)
        if "crop" in changes:
            box = self.crop.box(source_hw, rng_for("view", image.fingerprint(), index))
            geometry = replace(geometry, crop_xyxy=box)
        return replace(geometry, hflip="hflip" in changes)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """What is done to view `index`: nothing to 0; a crop to the others, and every second one is mirrored too."""
        if index == 0:
            return frozenset()
        crop: set[Invariance] = set() if isinstance(self.crop, Whole) else {"crop"}
        flip: set[Invariance] = {"hflip"} if self.hflip and index % 2 == 0 else set()
        return frozenset(crop | flip)
