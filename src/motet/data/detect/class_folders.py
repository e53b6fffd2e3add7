"""Images in class folders, in one part or several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.survey import Survey, part_of
from motet.data.formats.paths import SPLIT_NAMES


def find_class_folders(land: Survey) -> Iterator[DetectedDataset]:
    """Folders with at least two folders of images in them. The other parts get the training part's classes."""
    roots = [folder for folder in land.listings if not land.is_taken(folder) and len(_classes(land, folder)) >= 2]
    for root in roots:
        if land.is_taken(root):
            continue  # it lies within the one before
        classes = tuple(_classes(land, root))
        land.taken.add(root)
        training = _training_classes(land, root, roots)
        arguments: dict[str, object] = {"root": root}
        if training is not None and set(classes) <= set(training):
            arguments["classes"] = training
        why = f"{len(classes)} class folders of images ({', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''})"
        part = part_of(root, land.root)
        yield from try_read("ImageFolder", arguments, kind="classification", labels={"class": "en"}, why=why, part=part)


def _classes(land: Survey, folder: Path) -> list[str]:
    """The folders of images in a folder; none where most are parts or kinds of file (train, train_labels, val2017)."""
    names = [
        name
        for name in land.listings[folder].folders
        if not land.is_taken(folder / name) and _has_images(land, folder / name)
    ]
    parts = [name for name in names if name.lower().startswith(tuple(SPLIT_NAMES)) or part_of(Path(name), Path())]
    return names if 2 * len(parts) < len(names) else []


def _has_images(land: Survey, folder: Path) -> bool:
    return folder in land.listings and bool(land.listings[folder].images)


def _training_classes(land: Survey, root: Path, roots: list[Path]) -> tuple[str, ...] | None:
    """The classes of the training part beside a folder of another part."""
    if part_of(root, land.root) in ("train", ""):
        return None
    beside = (other for other in roots if other.parent == root.parent and part_of(other, land.root) == "train")
    return next((land.listings[other].folders for other in beside), None)
