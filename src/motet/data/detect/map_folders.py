"""Detection of the user's own maps: `images/` beside `masks/`, `depth/`, `normals/` or `edges/`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset, Kind, Split
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.class_list import read_class_names
from motet.data.formats.paths import file_names, is_file, is_image
from motet.data.formats.png_values import png_values
from motet.data.formats.text_file import read_lines
from motet.data.readers import READERS
from motet.data.readers.map_folders import Colour

_IMAGES = frozenset(
    {"images", "image", "imgs", "img", "rgb", "pictures", "photos", "color", "colour", "inputs", "jpegimages"}
)
_MAPS: Mapping[str, frozenset[str]] = {
    "segmentation": frozenset(
        {
            "masks", "mask", "labels", "label", "segmentation", "segmentations", "seg", "annotations", "annotation",
            "gt", "groundtruth", "ground_truth", "semantic", "segmentationclass", "targets",
        }
    ),
    "depth": frozenset({"depth", "depths", "depth_maps"}),
    "normals": frozenset({"normals", "normal", "surface_normals"}),
    "edges": frozenset({"edges", "edge", "boundaries", "contours"}),
}  # fmt: skip
_KINDS: Mapping[str, Kind] = {
    "segmentation": "segmentation", "depth": "depth", "normals": "surface normals", "edges": "edges",
}  # fmt: skip
_NAME_FILES = ("classes.txt", "class_names.txt", "names.txt", "labels.txt", "codes.txt", "data.yaml")
_COLOUR_FILES = ("class_dict.csv", "class_dict_seg.csv")
_MAX_SAMPLED = 200  # label images, over all splits
_MAX_CLASSES = 256
_MIN_MATCHING = 0.5  # the share of map names that must be names of images
_VOID, _VOC_BORDER = 255, (224, 224, 192)

Classes: TypeAlias = dict[str, object]
"""The arguments of `MapFolders` that define its classes."""


@dataclass(frozen=True)
class _Pair:
    """The images and maps of one split.

    Args:
        images: the folder of images.
        maps: annotation -> folder.
        endings: annotation -> the ending that map names have after the image name.
        split: of the images.
    """

    images: Path
    maps: Mapping[str, Path]
    endings: Mapping[str, str]
    split: Split


@dataclass
class _PixelValues:
    """The numbers or colours in a sample of label images.

    Args:
        numbers: in images with one channel, or with three equal ones.
        greys: in images with three equal channels.
        colours: in images with three channels that differ.
        files: number of images in the sample.
    """

    numbers: set[int] = field(default_factory=set)
    greys: set[int] = field(default_factory=set)
    colours: set[Colour] = field(default_factory=set)
    files: int = 0

    def add(self, path: Path) -> None:
        """Adds one label image; ignores a broken one, which `motet data check` reports.

        Raises:
            DataError: too many different numbers or colours.
        """
        try:
            values = png_values(path)
        except DataError:
            return
        self.files += 1
        if values.ndim == 3 and values.shape[2] >= 3:
            flat = values[..., :3].reshape(-1, 3)
            if not (flat == flat[:, :1]).all():
                packed = flat.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
                self.colours |= {(rgb >> 16, rgb >> 8 & 255, rgb & 255) for rgb in np.unique(packed).tolist()}
            else:
                self.greys |= set(np.unique(flat[:, 0]).tolist())
                self.numbers |= self.greys
        else:
            self.numbers |= set(np.unique(values if values.ndim == 2 else values[..., 0]).tolist())
        if max(len(self.numbers), len(self.colours)) > _MAX_CLASSES:
            raise DataError(
                f"label images: got more than {_MAX_CLASSES} numbers or colours; want one per class, in PNG files "
                "(JPEG changes the values)",
                path=path,
            )


def find_map_folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders with these names side by side whose files have equal names; the splits share their classes."""
    groups: dict[Path, list[_Pair]] = {}
    for root in list(survey.listings):
        for pair in _pairs(survey, root):
            if not survey.is_claimed(pair.images):
                survey.claimed.update((pair.images, *pair.maps.values()))
                is_split = pair.images.parent == root != survey.root and split_of(root, root.parent)
                groups.setdefault(root.parent if is_split else root, []).append(pair)
    for root, pairs in groups.items():
        yield from _entries(root, pairs)


def _pairs(survey: Survey, root: Path) -> Iterator[_Pair]:
    """Yields `root/images` and `root/masks`, or `root/images/train` and `root/masks/train`."""
    folders = {name: root / name for name in survey.listings[root].folders}
    maps = {
        annotation: next((path for name, path in folders.items() if name.lower() in names), None)
        for annotation, names in _MAPS.items()
    }
    present = {annotation: path for annotation, path in maps.items() if path is not None}
    images = next((path for name, path in folders.items() if name.lower() in _IMAGES), None)
    if images is None or not present:
        return
    splits = survey.listings[images].folders if images in survey.listings else ()
    for below in ("", *splits):
        split_images = images / below
        beside = {annotation: path / below for annotation, path in present.items() if path / below in survey.listings}
        endings = {annotation: _ending(split_images, path) for annotation, path in beside.items()}
        matching = {annotation: ending for annotation, ending in endings.items() if ending is not None}
        if matching:
            split_maps = {annotation: beside[annotation] for annotation in matching}
            added = {annotation: ending for annotation, ending in matching.items() if ending}
            yield _Pair(split_images, split_maps, added, split_of(split_images, survey.root))


def _ending(images: Path, maps: Path) -> str | None:
    """Returns the ending that map names have after the image name; None where the names do not match."""
    image_stems = {Path(name).stem for name in file_names(images) if is_image(name)}
    stems = [Path(name).stem for name in file_names(maps) if is_image(name)]
    if not image_stems or not stems:
        return None
    if sum(stem in image_stems for stem in stems) >= _MIN_MATCHING * len(stems):
        return ""
    prefix = max((stem for stem in image_stems if stems[0].startswith(stem)), key=len, default=None)
    ending = None if prefix is None else stems[0].removeprefix(prefix)
    if ending and sum(stem.removesuffix(ending) in image_stems for stem in stems) >= _MIN_MATCHING * len(stems):
        return ending
    return None


def _entries(root: Path, pairs: Sequence[_Pair]) -> Iterator[DetectedDataset]:
    """Yields an entry per annotation and split."""
    labels = [path for pair in pairs for annotation, path in pair.maps.items() if annotation == "segmentation"]
    classes: Classes = {}
    problems: tuple[str, ...] = ()
    summary = ""
    try:
        if labels:
            classes, summary = _classes(root, labels)
    except DataError as error:
        problems = (str(error),)
    for pair in pairs:
        arguments: dict[str, object] = {"images": pair.images, "maps": dict(pair.maps), **classes}
        if pair.endings:
            arguments["endings"] = dict(pair.endings)
        yield from _pair_entries(pair, arguments, summary, problems)


def _pair_entries(
    pair: _Pair, arguments: dict[str, object], class_summary: str, problems: tuple[str, ...]
) -> Iterator[DetectedDataset]:
    rows = 0
    try:
        if not problems:
            dataset = READERS["MapFolders"](**arguments)
            rows = len(dataset)
            dict(dataset[0].labels)  # decodes the maps, so that a broken file is a problem here
    except MotetError as error:
        problems = (str(error),)
    for annotation, path in pair.maps.items():
        more = {"segmentation": class_summary, "depth": ", read as millimetres"}.get(annotation, "")
        yield DetectedDataset(
            reader="MapFolders", arguments=arguments, kind=_KINDS[annotation], label=annotation, rows=rows,
            evidence=f"{pair.images.name} beside {path.name}{more}", split=pair.split, problems=problems,
        )  # fmt: skip


def _classes(root: Path, folders: Sequence[Path]) -> tuple[Classes, str]:
    """Returns the classes of a sample of the label images, and a summary of them.

    Raises:
        DataError: more numbers than there can be classes, or no file that can be read.
    """
    files = [folder / name for folder in folders for name in file_names(folder) if is_image(name)]
    values = _PixelValues()
    for path in islice(files, 0, None, -(-len(files) // _MAX_SAMPLED)):
        values.add(path)
    if not values.files:
        raise DataError("label images: got none that can be read; want PNG files", path=folders[0])
    greys = {(grey, grey, grey) for grey in values.greys}
    classes = _of_colours(root, values.colours | greys) if values.colours else _of_numbers(root, values.numbers)
    names = classes["names"]
    assert isinstance(names, tuple)
    sampled = "all" if values.files == len(files) else f"{values.files} of"
    return classes, f", {len(names)} classes in {sampled} {len(files):,} label images"


def _of_numbers(root: Path, numbers: set[int]) -> Classes:
    if numbers == {0, _VOID}:
        return {"names": ("background", "foreground"), "stored": (0, _VOID)}
    numbers = numbers - {_VOID} or {0}
    top = max(numbers)
    for path in _beside(root, _NAME_FILES):
        names = read_class_names(path)
        if top < len(names):
            return {"names": names}
        if top == len(names):  # 0 is no class
            return {"names": names, "first_class": 1}
    if top < 2 * len(numbers):
        return {"names": tuple(f"class {number}" for number in range(top + 1))}
    stored = tuple(sorted(numbers))
    return {"names": tuple(f"class {number}" for number in stored), "stored": stored}


def _of_colours(root: Path, colours: set[Colour]) -> Classes:
    for path in _beside(root, _COLOUR_FILES):
        names_of = _colour_names(path)
        if colours <= set(names_of):
            return {"names": tuple(names_of.values()), "stored": tuple(names_of), "no_class": ()}
    stored = tuple(sorted(colours - {_VOC_BORDER}))
    names = tuple(f"colour #{red:02x}{green:02x}{blue:02x}" for red, green, blue in stored)
    return {"names": names, "stored": stored, "no_class": (_VOC_BORDER,)}


def _colour_names(path: Path) -> dict[Colour, str]:
    """Reads a CSV file with a header and lines of a name, red, green and blue."""
    names_of: dict[Colour, str] = {}
    for line, row in enumerate(csv.reader(read_lines(path)[1:]), 2):
        try:
            name, red, green, blue = (cell.strip() for cell in row[:4])
            names_of[(int(red), int(green), int(blue))] = name
        except ValueError as error:
            raise DataError(f"line {line}: got {row}; want a name, red, green and blue", path=path) from error
    return names_of


def _beside(root: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yields the files of these names in the folder and in the one above it."""
    for folder in (root, root.parent):
        for name in names:
            if is_file(folder / name):
                yield folder / name
