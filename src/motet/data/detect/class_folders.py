"""Detection of images in class folders, in one split or several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import SPLIT_NAMES


def find_class_folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders with at least two folders of images in them. Other splits get the classes of the training split."""
    roots = [
        folder for folder in survey.listings if not survey.is_claimed(folder) and len(_classes(survey, folder)) >= 2
    ]
    for root in roots:
        if survey.is_claimed(root):
            continue  # it is inside the one before
        classes = tuple(_classes(survey, root))
        survey.claimed.add(root)
        training = _training_classes(survey, root, roots)
        arguments: dict[str, object] = {"root": root}
        if training is not None and set(classes) <= set(training):
            arguments["classes"] = training
        first = f"{', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''}"
        yield from try_read(
            "ImageFolder", arguments, kind="classification", labels={"class": "en"},
            evidence=f"{len(classes)} class folders of images ({first})", split=split_of(root, survey.root),
        )  # fmt: skip


def _classes(survey: Survey, folder: Path) -> list[str]:
    """Returns the folders of images in a folder; none where most are named like splits (train_labels, val2017)."""
    names = [
        name
        for name in survey.listings[folder].folders
        if not survey.is_claimed(folder / name) and _has_images(survey, folder / name)
    ]
    splits = [name for name in names if name.lower().startswith(tuple(SPLIT_NAMES)) or split_of(Path(name), Path())]
    return names if 2 * len(splits) < len(names) else []


def _has_images(survey: Survey, folder: Path) -> bool:
    return folder in survey.listings and bool(survey.listings[folder].images)


def _training_classes(survey: Survey, root: Path, roots: list[Path]) -> tuple[str, ...] | None:
    """Returns the classes of the training split beside a folder of another split."""
    if split_of(root, survey.root) in ("train", ""):
        return None
    beside = (other for other in roots if other.parent == root.parent and split_of(other, survey.root) == "train")
    return next((survey.listings[other].folders for other in beside), None)
