"""Detection of captions and boxes in COCO's JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from motet.data.detect.coco_ids import ListedImages
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.image_folders import find_images, image_prefix
from motet.data.detect.survey import Survey, split_of


def listed_images(survey: Survey, path: Path, data: Any) -> ListedImages:
    """Returns the images of a file with COCO's key `images`, and claims them."""
    entries = [entry for entry in data["images"] if isinstance(entry, dict)]
    images = {str(entry.get("id")): str(entry.get("file_name", "")) for entry in entries}
    at = find_images(survey, images.values(), path)
    survey.claim(path, at.folder)
    return ListedImages(path, data, images, at)


def find_coco_captions(survey: Survey, file: ListedImages, coco: frozenset[Path]) -> Iterator[DetectedDataset]:
    """Yields the captions of a file.

    Args:
        survey: the folders.
        file: the file.
        coco: the files whose images are COCO's.
    """
    yield from try_read(
        "CocoCaptions", _arguments(survey, file, coco), kind="captioning", labels={"captions": "en"},
        evidence=f"COCO captions ({file.path.name})", split=split_of(file.path, survey.root), problems=file.at.problems,
    )  # fmt: skip


def find_coco_boxes(survey: Survey, file: ListedImages, coco: frozenset[Path]) -> Iterator[DetectedDataset]:
    """Yields the boxes of a file. See `find_coco_captions`."""
    # Boxes are clipped at the border: a run should not stop at the rounding error of a tool.
    arguments = _arguments(survey, file, coco) | {"clip": True}
    yield from try_read(
        "CocoInstances", arguments, kind="detection", labels={"boxes": "en"},
        evidence=f"COCO boxes ({file.path.name})", split=split_of(file.path, survey.root), problems=file.at.problems,
    )  # fmt: skip


def find_coco_images(survey: Survey, path: Path, data: Any) -> Iterator[DetectedDataset]:
    """Yields a file of images without boxes and captions, such as that of a test set, as one that cannot be read."""
    survey.claim(path)
    got = f"{len(data['images']):,} images and no annotation"
    match data.get("annotations"):
        case [dict() as first, *_]:
            got = f"annotations with the keys {', '.join(map(str, first))}"
    problem = f"{path}: got {got}; want a bbox or a caption in each"
    yield from try_read(
        "CocoInstances", {"annotations": path, "images": path.parent}, kind="detection", labels={"boxes": "en"},
        evidence=f"COCO images ({path.name})", split=split_of(path, survey.root), problems=(problem,),
    )  # fmt: skip


def _arguments(survey: Survey, file: ListedImages, coco: frozenset[Path]) -> dict[str, object]:
    arguments: dict[str, object] = {"annotations": file.path, "images": file.folder}
    if file.path not in coco and file.at.folder is not None:
        arguments["image_prefix"] = image_prefix(survey, file.at.folder)
    return arguments
