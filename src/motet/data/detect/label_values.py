"""The numbers or colours in a sample of label images, and the signs that they are no classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motet.core import DataError
from motet.data.formats.label_palette import Colour, label_palette, with_palette
from motet.data.formats.png_values import png_values

_MAX_CLASSES = 256
_CHECKED = 40  # label images whose values are counted per pixel
_FEW = 0.001  # of the pixels
_SPECKS = 4  # values that occur only in specks; a single one may be a rare class
_MIN_INSTANCES = 6


@dataclass
class LabelValues:
    """The numbers or colours in a sample of label images.

    Args:
        numbers: in images with one channel, or with three equal ones.
        greys: in images with three equal channels.
        colours: in images with three channels that differ.
        palette: the colours of the numbers, of images with a palette; None where two images disagree.
        files: number of images in the sample.
    """

    numbers: set[int] = field(default_factory=set)
    greys: set[int] = field(default_factory=set)
    colours: set[Colour] = field(default_factory=set)
    palette: dict[int, Colour] | None = field(default_factory=dict)
    files: int = 0
    _specks: set[int] = field(default_factory=set)
    _solid: set[int] = field(default_factory=set)
    _counts: dict[int, int] = field(default_factory=dict)
    _instances: list[int] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Adds one label image; ignores a broken one, which `motet data check` reports.

        Raises:
            DataError: too many different numbers or colours.
        """
        try:
            values = png_values(path)
            colours = label_palette(path)
        except DataError:
            return
        self.files += 1
        flat = values[..., :3] if values.ndim == 3 and values.shape[2] >= 3 else None
        if flat is not None and not (flat == flat[..., :1]).all():
            values = flat.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
            present = np.unique(values).tolist()
            self.colours |= {(rgb >> 16, rgb >> 8 & 255, rgb & 255) for rgb in present}
        else:
            values = values if values.ndim == 2 else values[..., 0]
            present = np.unique(values).tolist()
            self.greys |= set(present) if flat is not None else set()
            self.numbers |= set(present)
            self._instances += [_gapless(present)] if len(present) > 2 else []
        self._add_palette(colours, present)
        if max(len(self.numbers), len(self.colours)) > _MAX_CLASSES:
            self._check_instances(path)
            raise DataError(
                f"label images: got more than {_MAX_CLASSES} numbers or colours; want one per class, in PNG files "
                "(JPEG changes the values)",
                path=path,
            )
        if self.files <= _CHECKED and len(present) > 2:
            self._count(values, present)

    @property
    def strays(self) -> str:
        """The values that occur in lines and specks only, in a few words; "" where there are none."""
        specks = sorted(self._specks - self._solid)
        if not specks:
            return ""
        named = [f"#{value:06x}" if self.colours else str(value) for value in specks]
        pixels = sum(self._counts[value] for value in specks)
        what = f"{'colour' if self.colours else 'number'}{'s' * (len(specks) > 1)} {' and '.join(named)}"
        return f"the {what} in {pixels:,} stray pixel{'s' * (pixels > 1)} only"

    def check(self, folder: Path, suffixes: Sequence[str]) -> None:
        """Checks that the values are classes.

        Args:
            folder: of the label images, for the error.
            suffixes: of their files.

        Raises:
            DataError: values of images that JPEG or a change of size has blurred, or numbers of instances.
        """
        specks = self._specks - self._solid
        total = sum(self._counts.values())
        values = len(self.colours | {(n, n, n) for n in self.greys}) if self.colours else len(self.numbers)
        if len(specks) >= _SPECKS and len(specks) > len(self._solid):
            few = sum(count < _FEW * total for count in self._counts.values())
            borders = f"{len(specks)} occur only along borders"
            rare = f"{few} hold under 0.1 % of pixels" if 2 * few > values else borders
            jpeg = any(suffix.lower() in (".jpg", ".jpeg") for suffix in suffixes)
            cause = "saved as JPEG" if jpeg else "saved as JPEG once, smoothed, or resized with interpolation"
            what = "colours" if self.colours else "numbers"
            raise DataError(
                f"label images: got {values} {what}, of which {rare}: {cause}; want PNG masks with one number or "
                "colour per class",
                path=folder,
            )
        self._check_instances(folder)

    def _count(self, values: np.ndarray, present: Sequence[int]) -> None:
        """Finds the values that some pixel shares with its four neighbours, and those of lines and specks alone."""
        same = (values[1:, :] == values[:-1, :])[:, 1:-1]
        middle = values[1:-1, 1:-1]
        across = (values[:, 1:] == values[:, :-1])[1:-1]
        solid = same[:-1] & same[1:] & across[:, :-1] & across[:, 1:] if middle.size else np.zeros((0, 0), bool)
        found = set(np.unique(middle[solid]).tolist())
        self._solid |= found
        self._specks |= set(present) - found
        numbers, counts = np.unique(values, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._counts[number] = self._counts.get(number, 0) + count

    def _check_instances(self, path: Path) -> None:
        """Checks that the images do not number the things in them: 1 to 5 in one, 1 to 9 in the next."""
        tops = [top for top in self._instances if top]
        if len(tops) == len(self._instances) and len(set(tops)) >= 3 and max(tops) >= _MIN_INSTANCES:
            raise DataError(
                f"label images: got the numbers 1 to {min(tops)} in one and 1 to {max(tops)} in another, without gaps: "
                "instance masks, which number the things of each image; want a number per class, or boxes",
                path=path,
            )

    def _add_palette(self, colours: dict[int, Colour], present: Sequence[int]) -> None:
        used = {number: colours[number] for number in present if number in colours}
        if self.palette is not None and any(
            self.palette.get(number, colour) != colour for number, colour in used.items()
        ):
            self.palette = None
        if self.palette is not None:
            self.palette |= used


def _gapless(present: Sequence[int]) -> int:
    """Returns the largest number where all from 1 to it are there, with or without 0; else 0."""
    numbers = [number for number in present if number]
    return numbers[-1] if numbers == list(range(1, len(numbers) + 1)) else 0


def palette_colours(path: Path) -> set[Colour]:
    """Returns the colours that a label image with a palette shows."""
    stored = with_palette(path)
    return {(int(red), int(green), int(blue)) for red, green, blue in np.unique(stored.reshape(-1, 3), axis=0)}
