"""Detection of Pascal VOC's segmentation, PASCAL-Context, and the user's own data in their form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset
from motet.data.detect.label_classes import LabelClasses, label_classes
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import is_image
from motet.data.readers import READERS
from motet.data.readers.voc_segmentation import PASCAL_CONTEXT_NAMES, VOC_SEGMENTATION_NAMES

_FOLDERS = {"SegmentationClass": "Segmentation", "SegmentationClassContext": "SegmentationContext"}
_SPLITS = ("train", "val", "test", "trainval")
_PUBLISHED = re.compile(r"(2007|2008|2009|2010|2011|2012)_\d{6}")


def find_voc_maps(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `JPEGImages` beside `SegmentationClass` or `SegmentationClassContext`, with or without `ImageSets`."""
    for root, listing in list(survey.listings.items()):
        for labels, lists in _FOLDERS.items():
            if {"JPEGImages", labels} <= set(listing.folders) and not survey.is_claimed(root / labels):
                survey.claimed.update((root / labels, root / "SegmentationObject"))
                yield from _entries(survey, root, labels, lists)


def _entries(survey: Survey, root: Path, labels: str, lists: str) -> Iterator[DetectedDataset]:
    files = [root / labels / name for name in survey.listings[root / labels].files if is_image(name)]
    listed = survey.listings.get(root / "ImageSets" / lists)
    splits = [split for split in _SPLITS if listed is not None and f"{split}.txt" in listed.files]
    if "train" in splits and "trainval" in splits:
        splits.remove("trainval")
    classes, problems = LabelClasses({}), tuple[str, ...]()
    try:
        classes = _classes(root, labels, files)
    except DataError as error:
        problems = (str(error),)
    survey.claimed.update([] if classes.table is None else [classes.table])
    layout = "PASCAL-Context" if labels.endswith("Context") else "Pascal VOC segmentation"
    for split in (*splits,) or (None,):
        arguments: dict[str, object] = {"root": root, "split": split, **classes.arguments}
        if labels != "SegmentationClass":
            arguments |= {"labels": labels, "lists": lists}
        rows, wrong = 0, problems
        try:
            if not problems:
                dataset = READERS["VocSegmentation"](**arguments)
                rows = len(dataset)
                dict(dataset[0].labels)
        except MotetError as error:
            wrong = (str(error),)
        yield DetectedDataset(
            reader="VocSegmentation", arguments=arguments, kind="segmentation", label="segmentation", rows=rows,
            evidence=f"{layout} ({split or 'all'}){classes.summary}",
            split="train" if split == "trainval" else split_of(Path(split or ""), Path()), problems=wrong,
        )  # fmt: skip


def _classes(root: Path, labels: str, files: list[Path]) -> LabelClasses:
    """Returns the arguments for the classes: the published ones of published images, else those that are found.

    Raises:
        DataError: label images that are none.
    """
    if not files:
        raise DataError("label images: got none; want PNG files", path=root / labels)
    published = all(_PUBLISHED.fullmatch(file.stem) for file in files[:20])
    if published and labels == "SegmentationClass":
        return LabelClasses({}, f", {len(VOC_SEGMENTATION_NAMES)} classes")
    if published:
        return LabelClasses({"names": PASCAL_CONTEXT_NAMES}, f", {len(PASCAL_CONTEXT_NAMES)} classes")
    found = label_classes((root, root / labels, root.parent), files)
    names, stored = found.arguments["names"], found.arguments.get("stored", ())
    assert isinstance(names, tuple)
    assert isinstance(stored, tuple)
    if stored and not isinstance(stored[0], int):
        return found._replace(arguments={"names": names, "colours": stored})
    if "first_class" in found.arguments:
        names, stored = ("background", *names), ()
    if stored and stored != tuple(range(len(stored))):
        table = dict(zip(stored, names, strict=True))
        names = tuple(str(table.get(number, f"class {number}")) for number in range(max(table) + 1))
    return found._replace(arguments={"names": names})
