"""Pictures with maps of one's own: `images/` beside `masks/`, `depth/`, `normals/` or `edges/`."""

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
from motet.data.formats.class_list import names_in
from motet.data.formats.paths import file_names, is_image
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
_MAX_SAMPLED = 200  # label pictures, of all parts
_MAX_CLASSES = 256
_MIN_MATCHING = 0.5  # of the maps' names, at least
_VOID, _VOC_BORDER = 255, (224, 224, 192)

Classes: TypeAlias = dict[str, object]
"""The arguments of `MapFolders` that say what its classes are."""


@dataclass(frozen=True)
class _Pair:
    """Pictures and their maps, of one part.

    Args:
        images: the folder of pictures.
        maps: annotation -> folder.
        endings: annotation -> what names of maps have behind those of pictures.
        part: which part it is.
    """

    images: Path
    maps: Mapping[str, Path]
    endings: Mapping[str, str]
    part: Split


@dataclass
class _PixelValues:
    """The numbers or colours of some label pictures.

    Args:
        numbers: of pictures with one channel, or with three alike.
        greys: those of three alike.
        colours: of pictures with three channels, some of which differ.
        files: how many were looked at.
    """

    numbers: set[int] = field(default_factory=set)
    greys: set[int] = field(default_factory=set)
    colours: set[Colour] = field(default_factory=set)
    files: int = 0

    def add(self, path: Path) -> None:
        """One more of them; a broken one is passed over, for `motet data check` to tell.

        Raises:
            DataError: there are too many numbers or colours.
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
                self.colours |= {(one >> 16, one >> 8 & 255, one & 255) for one in np.unique(packed).tolist()}
            else:
                self.greys |= set(np.unique(flat[:, 0]).tolist())
                self.numbers |= self.greys
        else:
            self.numbers |= set(np.unique(values if values.ndim == 2 else values[..., 0]).tolist())
        if max(len(self.numbers), len(self.colours)) > _MAX_CLASSES:
            raise DataError(
                f"label pictures: got more than {_MAX_CLASSES} numbers or colours; want one for each class, and PNGs "
                "(JPEG changes them)",
                path=path,
            )


def find_map_folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Folders called so side by side, whose files are called alike; parts share their classes."""
    groups: dict[Path, list[_Pair]] = {}
    for root in list(survey.listings):
        for pair in _pairs(survey, root):
            if not survey.is_claimed(pair.images):
                survey.claimed.update((pair.images, *pair.maps.values()))
                split = pair.images.parent == root != survey.root and split_of(root, root.parent)
                groups.setdefault(root.parent if split else root, []).append(pair)
    for root, pairs in groups.items():
        yield from _entries(root, pairs)


def _pairs(survey: Survey, root: Path) -> Iterator[_Pair]:
    """`root/images` and `root/masks`, or `root/images/train` and `root/masks/train`."""
    folders = {name: root / name for name in survey.listings[root].folders}
    maps = {
        annotation: next((path for name, path in folders.items() if name.lower() in names), None)
        for annotation, names in _MAPS.items()
    }
    there = {annotation: path for annotation, path in maps.items() if path is not None}
    images = next((path for name, path in folders.items() if name.lower() in _IMAGES), None)
    if images is None or not there:
        return
    splits = survey.listings[images].folders if images in survey.listings else ()
    for below in ("", *splits):
        pictures = images / below
        beside = {annotation: path / below for annotation, path in there.items() if path / below in survey.listings}
        endings = {annotation: _ending(pictures, path) for annotation, path in beside.items()}
        found = {annotation: ending for annotation, ending in endings.items() if ending is not None}
        if found:
            alike = {annotation: ending for annotation, ending in found.items() if ending}
            yield _Pair(pictures, {one: beside[one] for one in found}, alike, split_of(pictures, survey.root))


def _ending(images: Path, maps: Path) -> str | None:
    """What maps are called behind their pictures; None where they are not called like them."""
    pictures = {Path(name).stem for name in file_names(images) if is_image(name)}
    stems = [Path(name).stem for name in file_names(maps) if is_image(name)]
    if not pictures or not stems:
        return None
    if sum(stem in pictures for stem in stems) >= _MIN_MATCHING * len(stems):
        return ""
    whole = max((one for one in pictures if stems[0].startswith(one)), key=len, default=None)
    ending = None if whole is None else stems[0].removeprefix(whole)
    if ending and sum(stem.removesuffix(ending) in pictures for stem in stems) >= _MIN_MATCHING * len(stems):
        return ending
    return None


def _entries(root: Path, pairs: Sequence[_Pair]) -> Iterator[DetectedDataset]:
    """An entry for each annotation of each part."""
    labels = [path for pair in pairs for one, path in pair.maps.items() if one == "segmentation"]
    classes: Classes = {}
    problems: tuple[str, ...] = ()
    seen = ""
    try:
        if labels:
            classes, seen = _classes(root, labels)
    except DataError as error:
        problems = (str(error),)
    for pair in pairs:
        arguments: dict[str, object] = {"images": pair.images, "maps": dict(pair.maps), **classes}
        if pair.endings:
            arguments["endings"] = dict(pair.endings)
        yield from _pair_entries(pair, arguments, seen, problems)


def _pair_entries(
    pair: _Pair, arguments: dict[str, object], seen: str, problems: tuple[str, ...]
) -> Iterator[DetectedDataset]:
    rows = 0
    try:
        if not problems:
            built = READERS["MapFolders"](**arguments)
            rows = len(built)
            dict(built[0].labels)  # decoded, so that a broken file is told here
    except MotetError as error:
        problems = (str(error),)
    for annotation, path in pair.maps.items():
        more = {"segmentation": seen, "depth": ", taken as millimetres"}.get(annotation, "")
        yield DetectedDataset(
            reader="MapFolders", arguments=arguments, kind=_KINDS[annotation], label=annotation, rows=rows,
            evidence=f"{pair.images.name} beside {path.name}{more}", split=pair.part, problems=problems,
        )  # fmt: skip


def _classes(root: Path, folders: Sequence[Path]) -> tuple[Classes, str]:
    """What the label pictures hold, and that in words.

    Raises:
        DataError: more numbers than there can be classes, or no file that can be read.
    """
    files = [folder / name for folder in folders for name in file_names(folder) if is_image(name)]
    seen = _PixelValues()
    for path in islice(files, 0, None, -(-len(files) // _MAX_SAMPLED)):
        seen.add(path)
    if not seen.files:
        raise DataError("label pictures: got none that can be read; want PNGs", path=folders[0])
    greys = {(grey, grey, grey) for grey in seen.greys}
    found = _of_colours(root, seen.colours | greys) if seen.colours else _of_numbers(root, seen.numbers)
    names = found["names"]
    assert isinstance(names, tuple)
    whole = "all" if seen.files == len(files) else f"{seen.files} of"
    return found, f", {len(names)} classes in {whole} {len(files):,} label pictures"


def _of_numbers(root: Path, numbers: set[int]) -> Classes:
    if numbers == {0, _VOID}:
        return {"names": ("background", "foreground"), "stored": (0, _VOID)}
    numbers = numbers - {_VOID} or {0}
    top = max(numbers)
    for path in _beside(root, _NAME_FILES):
        names = names_in(path)
        if top < len(names):
            return {"names": names}
        if top == len(names):  # 0 is none
            return {"names": names, "first_class": 1}
    if top < 2 * len(numbers):
        return {"names": tuple(f"class {number}" for number in range(top + 1))}
    stored = tuple(sorted(numbers))
    return {"names": tuple(f"class {number}" for number in stored), "stored": stored}


def _of_colours(root: Path, colours: set[Colour]) -> Classes:
    for path in _beside(root, _COLOUR_FILES):
        named = _colour_names(path)
        if colours <= set(named):
            return {"names": tuple(named.values()), "stored": tuple(named), "no_class": ()}
    stored = tuple(sorted(colours - {_VOC_BORDER}))
    names = tuple(f"colour #{red:02x}{green:02x}{blue:02x}" for red, green, blue in stored)
    return {"names": names, "stored": stored, "no_class": (_VOC_BORDER,)}


def _colour_names(path: Path) -> dict[Colour, str]:
    """Lines of a name and its red, green and blue, behind a header."""
    found: dict[Colour, str] = {}
    for line, row in enumerate(csv.reader(read_lines(path)[1:]), 2):
        try:
            name, red, green, blue = (cell.strip() for cell in row[:4])
            found[(int(red), int(green), int(blue))] = name
        except ValueError as error:
            raise DataError(f"line {line}: got {row}; want a name, red, green and blue", path=path) from error
    return found


def _beside(root: Path, names: Sequence[str]) -> Iterator[Path]:
    """Files of these names in the folder or the one above it."""
    for folder in (root, root.parent):
        for name in names:
            if (folder / name).is_file():
                yield folder / name
