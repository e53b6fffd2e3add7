"""Detection of the user's own maps: `images/` beside `masks/`, `depth/`, `normals/` or `edges/`, or in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset, Kind
from motet.data.detect.label_classes import LabelClasses, label_classes
from motet.data.detect.map_pairs import MapPair, folder_pairs, mixed_pairs
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.png_values import png_values
from motet.data.readers import READERS

_KINDS: Mapping[str, Kind] = {
    "segmentation": "segmentation", "depth": "depth", "normals": "surface normals", "edges": "edges",
}  # fmt: skip


def find_map_folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders with these names side by side whose files have equal names, and folders of both images and maps.

    The splits share their classes.
    """
    groups: dict[Path, list[MapPair]] = {}
    for root in list(survey.listings):
        for pair in folder_pairs(survey, root):
            if not survey.is_claimed(pair.images):
                survey.claimed.update((pair.images, *pair.maps.values()))
                is_split = pair.images.parent == root != survey.root and split_of(root, root.parent)
                groups.setdefault(root.parent if is_split else root, []).append(pair)
    for folder in list(survey.listings):
        for pair in mixed_pairs(survey, folder) if not survey.is_claimed(folder) else ():
            survey.claimed.update(folder / name for name in survey.listings[folder].images)
            is_split = folder != survey.root and split_of(folder, folder.parent)
            groups.setdefault(folder.parent if is_split else folder, []).append(pair)
    for root, pairs in groups.items():
        yield from _entries(survey, root, pairs)


def _entries(survey: Survey, root: Path, pairs: Sequence[MapPair]) -> Iterator[DetectedDataset]:
    """Yields an entry per annotation and split."""
    labels = [path for pair in pairs if "segmentation" in pair.maps for path in pair.files("segmentation")]
    classes = LabelClasses({})
    problems: tuple[str, ...] = ()
    try:
        if labels:
            places = (root, *(place for pair in pairs for place in (pair.images, *pair.maps.values())), root.parent)
            classes = label_classes(tuple(dict.fromkeys(places)), labels)
            survey.claimed.update([] if classes.table is None else [classes.table])
    except DataError as error:
        problems = (str(error),)
    for pair in pairs:
        yield from _pair_entries(pair, {**pair.arguments(), **classes.arguments}, classes.summary, problems)


def _pair_entries(
    pair: MapPair, arguments: dict[str, object], class_summary: str, problems: tuple[str, ...]
) -> Iterator[DetectedDataset]:
    rows, depths = 0, ""
    try:
        if not problems:
            dataset = READERS["MapFolders"](**arguments)
            rows = len(dataset)
            labels = dict(dataset[0].labels)  # decodes the maps, so that a broken file is a problem here
            depths = _depths(pair, labels)
    except MotetError as error:
        problems = (str(error),)
    for annotation, path in pair.maps.items():
        more = {"segmentation": class_summary, "depth": depths}.get(annotation, "")
        place = f"beside {path.name}" if path != pair.images else f"beside its {pair.map_names[annotation]}"
        yield DetectedDataset(
            reader="MapFolders", arguments=arguments, kind=_KINDS[annotation], label=annotation, rows=rows,
            evidence=f"{pair.images.name} {place}{more}{_missing(pair, annotation)}", split=pair.split,
            problems=problems,
        )  # fmt: skip


def _missing(pair: MapPair, annotation: str) -> str:
    """Returns the number of images that are left out since they have no map, with the first of them."""
    missing = pair.images_without(annotation)
    if not missing:
        return ""
    return f", {len(missing):,} image{'s' * (len(missing) > 1)} without one left out ({missing[0]})"


def _depths(pair: MapPair, labels: Mapping[str, np.ndarray]) -> str:
    """Returns the summary of the depths of the first image.

    Raises:
        DataError: depths of 8 bits, whose unit no one can tell.
    """
    if "depth" not in labels:
        return ""
    file = pair.files("depth")[0]
    if png_values(file).dtype.itemsize == 1:
        raise DataError("depth maps: got 8 bits per pixel; want PNGs of 16 bits in millimetres", path=file)
    known = labels["depth"][np.isfinite(labels["depth"])]
    span = f", {known.min():.2g} to {known.max():.2g} m in the first" if known.size else ""
    return f", read as millimetres{span} (depth_unit_m changes it)"
