"""Images in class folders, in one part or several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import PARTS


def find_class_folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Folders with at least two folders of images in them. The other parts get the training part's classes."""
    roots = [folder for folder in survey.listings if not survey.is_claimed(folder) and len(_classes(survey, folder)) >= 2]
    for root in roots:
        if survey.is_claimed(root):
            continue  # it lies within the one before
        classes = tuple(_classes(survey, root))
        survey.claimed.add(root)
        training = _training_classes(survey, root, roots)
        arguments: dict[str, object] = {"root": root}
        if training is not None and set(classes) <= set(training):
            arguments["classes"] = training
        why = f"{len(classes)} class folders of images ({', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''})"
        part = split_of(root, survey.root)
        yield from try_read("ImageFolder", arguments, kind="classification", labels={"class": "en"}, evidence=why, split=part)


def _classes(survey: Survey, folder: Path) -> list[str]:
    """The folders of images in a folder; none where most are parts or kinds of file (train, train_labels, val2017)."""
    names = [
        name
        for name in survey.listings[folder].folders
        if not survey.is_claimed(folder / name) and _has_images(survey, folder / name)
    ]
    parts = [name for name in names if name.lower().startswith(tuple(PARTS)) or split_of(Path(name), Path())]
    return names if 2 * len(parts) < len(names) else []


def _has_images(survey: Survey, folder: Path) -> bool:
    return folder in survey.listings and bool(survey.listings[folder].images)


def _training_classes(survey: Survey, root: Path, roots: list[Path]) -> tuple[str, ...] | None:
    """The classes of the training part beside a folder of another part."""
    if split_of(root, survey.root) in ("train", ""):
        return None
    beside = (other for other in roots if other.parent == root.parent and split_of(other, survey.root) == "train")
    return next((survey.listings[other].folders for other in beside), None)
