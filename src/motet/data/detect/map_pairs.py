"""Images and the maps that belong to them by their names: in folders side by side, or mixed in one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError
from motet.data.detect.dataset import Split
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.name_patterns import ANY, by_stem
from motet.data.formats.paths import file_names, is_image
from motet.data.formats.png_values import png_values

_IMAGES = frozenset(
    {
        "images", "image", "imgs", "img", "rgb", "pictures", "photos", "photo", "color", "colour", "colors", "colours",
        "inputs", "input", "jpegimages", "original", "originals", "bilder", "bild", "fotos", "im", "raw",
    }
)  # fmt: skip
_MAPS: Mapping[str, frozenset[str]] = {
    "segmentation": frozenset(
        {
            "masks", "mask", "labels", "label", "segmentation", "segmentations", "seg", "annotations", "annotation",
            "gt", "groundtruth", "ground_truth", "semantic", "segmentationclass", "targets",
            "target", "masken", "maske",
            "segmentation_masks", "labelids", "matte", "l",
        }
    ),
    "depth": frozenset({"depth", "depths", "depth_maps", "sync_depth", "depthmap", "depth_map", "tiefe"}),
    "normals": frozenset({"normals", "normal", "surface_normals"}),
    "edges": frozenset({"edges", "edge", "boundaries", "contours", "boundary"}),
}  # fmt: skip
_SHORT = frozenset({"l", "im"})  # words only where no other is in the name
_MIN_MATCHING = 0.5  # the share of map names that must be names of images
_MIN_MIXED = 0.9  # the same where only the endings of files differ
_SEPARATORS = "_-. "
_TOKENS = re.compile(r"[_\-. ]")
_MOST_VALUES = 64  # of an image with three channels that can be a label image


@dataclass(frozen=True)
class MapPair:
    """The images and maps of one split.

    Args:
        images: the folder of images.
        maps: annotation -> folder.
        split: of the images.
        image_name: the pattern of image names.
        map_names: annotation -> pattern of map names, where it is not "{}".
    """

    images: Path
    maps: Mapping[str, Path]
    split: Split
    image_name: str = ANY
    map_names: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> dict[str, object]:
        """Returns the arguments of `MapFolders`."""
        arguments: dict[str, object] = {"images": self.images, "maps": dict(self.maps)}
        if self.image_name != ANY:
            arguments["image_name"] = self.image_name
        if self.map_names:
            arguments["map_names"] = dict(self.map_names)
        return arguments

    def images_without(self, annotation: str) -> list[str]:
        """Returns the images that have no map of an annotation."""
        maps = {one: by_stem(_images_in(path), self.map_names.get(one, ANY)) for one, path in self.maps.items()}
        # Images and maps of one folder are told apart by their names only.
        taken = {name for one, found in maps.items() if self.maps[one] == self.images for name in found.values()}
        images = by_stem((name for name in _images_in(self.images) if name not in taken), self.image_name)
        return [name for stem, name in images.items() if stem not in maps[annotation]]

    def files(self, annotation: str) -> list[Path]:
        """Returns the maps of one annotation that have an image."""
        images = by_stem(_images_in(self.images), self.image_name)
        maps = by_stem(_images_in(self.maps[annotation]), self.map_names.get(annotation, ANY))
        return [self.maps[annotation] / name for stem, name in maps.items() if stem in images]


def folder_pairs(survey: Survey, root: Path) -> Iterator[MapPair]:
    """Yields folders of images and of their maps, each alone or with the same folders in it, such as splits.

    They are called `images` and `masks`, or alike but for such a word: `train` and `train_masks`, `images_a` and
    `masks_a`.
    """
    groups: dict[str, dict[str, list[Path]]] = {}
    for name in survey.listings[root].folders:
        if not survey.is_claimed(root / name):
            stem, holds = _role(name)
            groups.setdefault(stem, {}).setdefault(holds, []).append(root / name)
    for folders in groups.values():
        if "images" in folders and len(folders) > 1:
            images = next((path for path in folders["images"] if _role(path.name)[0] != path.name.lower()), None)
            maps = {annotation: folders[annotation] for annotation in _MAPS if annotation in folders}
            yield from _pairs_of(survey, images or folders["images"][0], maps)


def _role(name: str) -> tuple[str, str]:
    """Returns the rest of a folder's name without the word for what it holds, and that: "images" or an annotation.

    Examples:
        >>> _role("images"), _role("train"), _role("train_masks"), _role("Depth-01")
        (('', 'images'), ('train', 'images'), ('train', 'segmentation'), ('01', 'depth'))
    """
    words = {"images": _IMAGES, **_MAPS}
    tokens = _TOKENS.split(name.lower())
    for count in (len(tokens), 2, 1):
        for word, rest in (("_".join(tokens[-count:]), tokens[:-count]), ("_".join(tokens[:count]), tokens[count:])):
            holds = next((one for one, known in words.items() if word in known), "")
            if holds and len(tokens) >= count and (not rest or word not in _SHORT):
                return "_".join(rest), holds
    return name.lower(), "images"


def _pairs_of(survey: Survey, images: Path, present: Mapping[str, Sequence[Path]]) -> Iterator[MapPair]:
    """Yields the pairs of a folder of images, or of the folders in it, with those of its maps whose names fit."""
    splits = survey.listings[images].folders if images in survey.listings else ()
    for below in ("", *splits):
        names: dict[str, tuple[str, str]] = {}
        maps: dict[str, Path] = {}
        for annotation, paths in present.items():
            for path in paths:
                fitting = _patterns(images / below, path / below) if path / below in survey.listings else None
                if (
                    fitting is not None
                    and annotation not in maps
                    and fitting[0] == next(iter(names.values()), fitting)[0]
                ):
                    names[annotation], maps[annotation] = fitting, path / below
        if maps:
            map_names = {annotation: name for annotation, (_, name) in names.items() if name != ANY}
            image_name = next(iter(names.values()))[0]
            yield MapPair(images / below, maps, split_of(images / below, survey.root), image_name, map_names)


def mixed_pairs(survey: Survey, folder: Path) -> Iterator[MapPair]:
    """Yields the images and maps of one folder: `x.jpg` and `x_mask.png`, `x_rgb.png` and `x_depth.png`."""
    names = list(survey.listings[folder].images)
    groups = _groups(names)
    maps: dict[str, str] = {}
    for annotation, words in _MAPS.items():
        patterns = [pattern for pattern, word in groups.items() if word in words]
        if patterns:
            maps[annotation] = max(patterns, key=lambda pattern: len(by_stem(names, pattern)))
    image_patterns = [ANY, *(pattern for pattern, word in groups.items() if word in _IMAGES)]
    found = _best_images(names, image_patterns, maps) or _same_names(folder, names)
    if found is not None:
        image_name, maps = found
        folders = dict.fromkeys(maps, folder)
        yield MapPair(folder, folders, split_of(folder, survey.root), image_name, maps)


def _best_images(
    names: Sequence[str], image_patterns: Sequence[str], maps: Mapping[str, str]
) -> tuple[str, dict[str, str]] | None:
    """Returns the pattern of images that most maps fit, and the maps that fit it."""
    best: tuple[int, str, dict[str, str]] = (0, ANY, {})
    for image_name in image_patterns:
        images = by_stem(names, image_name)
        fitting = {one: pattern for one, pattern in maps.items() if _fits(images, by_stem(names, pattern))}
        count = sum(len(set(by_stem(names, pattern)) & set(images)) for pattern in fitting.values())
        if count > best[0]:
            best = (count, image_name, fitting)
    return best[1:] if best[0] else None


def _same_names(folder: Path, names: Sequence[str]) -> tuple[str, dict[str, str]] | None:
    """Returns the patterns of `x.jpg` beside `x.png`, where the PNGs are label images or depths."""
    suffixes = sorted({Path(name).suffix for name in names})
    for suffix in suffixes:
        images = by_stem(names, f"{ANY}{suffix}")
        maps = by_stem(names, f"{ANY}.png") if suffix.lower() in (".jpg", ".jpeg") else {}
        if len(maps) > 1 and sum(stem in images for stem in maps) >= _MIN_MIXED * len(maps):
            kinds = {_map_kind(folder / name) for name in list(maps.values())[:3]}
            if len(kinds) == 1 and (kind := kinds.pop()):
                return f"{ANY}{suffix}", {kind: f"{ANY}.png"}
    return None


def _map_kind(path: Path) -> str:
    try:
        values = png_values(path)
    except DataError:
        return ""
    if values.ndim == 2 and values.dtype.itemsize > 1:
        return "depth"
    flat = values.reshape(-1, values.shape[2])[:, :3] if values.ndim == 3 else values.reshape(-1, 1)
    return (
        "segmentation"
        if len({tuple(one) for one in flat[:: max(1, len(flat) // 4096)].tolist()}) <= _MOST_VALUES
        else ""
    )


def _groups(names: Sequence[str]) -> dict[str, str]:
    """Returns the patterns of names that begin or end with a word for images or maps, with the word."""
    words = frozenset().union(_IMAGES, *_MAPS.values()) - _SHORT
    found: dict[str, str] = {}
    for name in names:
        stem = Path(name).stem
        tokens = _TOKENS.split(stem)
        for count in (2, 1):  # "sync_depth" before "depth"
            first, last = "_".join(tokens[:count]).lower(), "_".join(tokens[-count:]).lower()
            if len(tokens) > count and last in words:
                found[f"{ANY}{stem[len(stem) - len(last) - 1 :]}"] = last
                break
            if len(tokens) > count and first in words:
                found[f"{stem[: len(first) + 1]}{ANY}"] = first
                break
    return found


def _patterns(images: Path, maps: Path) -> tuple[str, str] | None:
    """Returns the patterns of image and map names in two folders; None where the names do not match."""
    image_names, names = _images_in(images), _images_in(maps)
    if not image_names or not names:
        return None
    for image_name, map_name in ((ANY, ANY), _differing(image_names, names)):
        if _fits(by_stem(image_names, image_name), by_stem(names, map_name), len(names)):
            return image_name, map_name
    return None


def _differing(image_names: Sequence[str], names: Sequence[str]) -> tuple[str, str]:
    """Returns the patterns of the first map and the image whose name shares most with it."""
    stem = Path(names[0]).stem
    best = (0, ANY, ANY)
    for image_name in image_names:
        image = Path(image_name).stem
        start, end = _common(image, stem), _common(image[::-1], stem[::-1])[::-1]
        cut = len(start.rstrip(_SEPARATORS)) or len(start)
        if len(start) > best[0]:
            best = (len(start), f"{ANY}{image[cut:]}", f"{ANY}{stem[cut:]}")
        keep = len(end.lstrip(_SEPARATORS)) or len(end)
        if len(end) > best[0]:
            best = (len(end), f"{image[: len(image) - keep]}{ANY}", f"{stem[: len(stem) - keep]}{ANY}")
    return best[1:]


def _common(one: str, other: str) -> str:
    """Returns the characters that two texts begin with."""
    length = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return one[: min(len(one), len(other)) if length is None else length]


def _fits(images: Mapping[str, str], maps: Mapping[str, str], total: int = 0) -> bool:
    matching = sum(stem in images for stem in maps)
    return matching >= _MIN_MATCHING * max(total, len(maps)) and matching > 0


def _images_in(folder: Path) -> list[str]:
    return [name for name in file_names(folder) if is_image(name)]
