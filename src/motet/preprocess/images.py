"""Decodes images, with one clear error on broken ones, and transforms them into the input of an encoder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, UInt8
from PIL import ExifTags, Image, ImageOps

from motet.core import ImageFile, rng_for
from motet.core.task import Invariance
from motet.preprocess.augment import Augment as Augment
from motet.preprocess.augment import RandAugment as RandAugment
from motet.preprocess.crops import Crop as Crop
from motet.preprocess.crops import InceptionCrop as InceptionCrop
from motet.preprocess.crops import RandomCrop as RandomCrop
from motet.preprocess.crops import Whole as Whole
from motet.preprocess.geometry import Geometry as Geometry
from motet.preprocess.open_image import open_image

_BAND = 512  # rows at a time that lie over white: as a whole, three more copies would stand in memory


def decode(image: ImageFile, *, at_least_hw: tuple[int, int] | None = None) -> Image.Image:
    """Decodes an image to RGB, upright by its EXIF orientation; 16 bits as 8.

    What is transparent lies over white, in every mode alike: an alpha channel, a transparent colour of a palette, and
    the one transparent colour that a PNG without either may name.

    Args:
        image: an encoded image.
        at_least_hw: a JPEG may be decoded at a smaller size, by a power of two, but not below this one: faster, with
            slightly other pixels than a full decoding and a resize.

    Raises:
        DataError: no image, a broken or truncated one, or one of more than `MAX_PIXELS`; names the file.
    """
    with open_image(image.read(), name=image.name) as opened:
        if at_least_hw is not None and opened.format == "JPEG":
            # The long side for both, since the EXIF orientation may still rotate the image.
            opened.draft("RGB", (max(at_least_hw), max(at_least_hw)))
        opened.load()
        # Not always called, since `exif_transpose` copies an upright image, which takes as long as opening it.
        rotated = opened.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return _rgb(ImageOps.exif_transpose(opened) if rotated else opened)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):  # 16 bits, in one of several byte orders, or 32 that hold 16
        grey = np.asarray(image).astype(np.int64)
        if isinstance(transparent := image.info.get("transparency"), int):
            grey[grey == transparent] = 65535
        return Image.fromarray(_EIGHT_BITS[np.clip(grey, 0, 65535)]).convert("RGB")
    if image.mode == "F":
        raise ValueError("an image of floating-point values")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        return _over_white(image)
    return image.convert("RGB")


_EIGHT_BITS = (np.arange(65536) / 257.0).round().astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    found = Image.new("RGB", image.size)
    for top in range(0, image.height, _BAND):
        band = image.crop((0, top, image.width, min(top + _BAND, image.height)))
        if "transparency" in image.info:
            band.info["transparency"] = image.info["transparency"]
        whole = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band.convert("RGBA"))
        found.paste(whole.convert("RGB"), (0, top))
    return found


@dataclass(frozen=True)
class ImageTransform:
    """The input of an image encoder: resize and normalisation, with crops and flips in training where the task allows.

    Args:
        size_hw: height and width of the result.
        mean: per channel, of values from 0 to 1; subtracted. Mean 0.5 and std 0.5 give [-1, 1].
        std: per channel; the divisor.
        crop: the distribution of crops in training; evaluation uses the whole image.
        hflip: mirror half of the images in training.
        antialias: see `Geometry.pixels`.
        draft: decode JPEGs at a smaller size where that is enough; faster, with slightly other pixels.
        augment: further changes of training pixels; None for none.

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
    augment: Augment | None = None

    def plain(self, source_hw: tuple[int, int]) -> Geometry:
        """Returns the geometry of evaluation: the whole image."""
        height, width = source_hw
        return Geometry((0, 0, width, height), False, self.size_hw, source_hw)

    def draw(
        self, source_hw: tuple[int, int], invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> Geometry:
        """Draws a geometry of training, with the changes that the task allows.

        Args:
            source_hw: height and width of the image.
            invariant: the changes that the task is invariant to.
            rng: of crop and flip; None for `plain`.
        """
        plain = self.plain(source_hw)
        if rng is None:
            return plain
        crop = self.crop.box(source_hw, rng) if "crop" in invariant else plain.crop_xyxy
        flip = self.hflip and "hflip" in invariant and bool(rng.integers(2))
        return replace(plain, crop_xyxy=crop, hflip=flip)

    def load(self, image: ImageFile, *, cropped: bool) -> Image.Image:
        """Decodes an image, at a smaller size where `draft` allows it. Raises DataError, see `decode`.

        Args:
            image: an encoded image.
            cropped: a crop follows, so decode at twice the size.
        """
        if not self.draft:
            return decode(image)
        # A crop of half the area may have half of one side.
        height, width = (side * (2 if cropped else 1) for side in self.size_hw)
        return decode(image, at_least_hw=(height, width))

    def read(
        self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None
    ) -> Float[np.ndarray, "3 h w"]:
        """Returns the pixels of an image under a drawn geometry; `rng=None` for evaluation. Raises DataError."""
        decoded = self.load(image, cropped=rng is not None)
        geometry = self.draw((decoded.height, decoded.width), invariant, rng)
        if self.augment is None or rng is None:
            return self(decoded, geometry)
        pixels = geometry.pixels(decoded, antialias=self.antialias)
        shown = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
        changed = np.asarray(self.augment.image(shown, rng), dtype=np.float32)
        return self.augment.values(self.normalise(changed), rng)

    def __call__(self, image: Image.Image, geometry: Geometry) -> Float[np.ndarray, "3 h w"]:
        """Returns the normalised pixels of a decoded image under a geometry."""
        return self.normalise(geometry.pixels(image, antialias=self.antialias))

    def normalise(self, pixels: UInt8[np.ndarray, "h w 3"] | Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "3 h w"]:
        """Returns the input of the encoder from resized pixels."""
        values = pixels.transpose(2, 0, 1)
        mean, std = (np.asarray(part, dtype=np.float32)[:, None, None] for part in (self.mean, self.std))
        out = np.empty(values.shape, dtype=np.float32)
        np.multiply(values, 1 / (255 * std), out=out)
        out -= mean / std
        return out

    def keeps_whole(self, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> bool:
        """Returns whether `read` gives the whole image, mirrored or not, and its colours as they are."""
        if rng is None:
            return True
        return self.augment is None and ("crop" not in invariant or isinstance(self.crop, Whole))

    def view(self, image: ImageFile, index: int) -> Float[np.ndarray, "3 h w"]:
        """Returns view `index` of an image: 0 is plain; others are drawn by content and index, see `view_changes`."""
        decoded = self.load(image, cropped="crop" in self.view_changes(index))
        return self(decoded, self.view_geometry(image, index, (decoded.height, decoded.width)))

    def view_geometry(self, image: ImageFile, index: int, source_hw: tuple[int, int]) -> Geometry:
        """Returns the geometry of view `index` of an image of this size, which also moves its boxes."""
        changes, geometry = self.view_changes(index), self.plain(source_hw)
        if "crop" in changes:
            box = self.crop.box(source_hw, rng_for("view", image.fingerprint(), index))
            geometry = replace(geometry, crop_xyxy=box)
        return replace(geometry, hflip="hflip" in changes)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """Returns the changes of view `index`: none for 0; a crop for the others, and a flip for every second one."""
        if index == 0:
            return frozenset()
        crop: set[Invariance] = set() if isinstance(self.crop, Whole) else {"crop"}
        flip: set[Invariance] = {"hflip"} if self.hflip and index % 2 == 0 else set()
        return frozenset(crop | flip)
