"""Detection of Pascal VOC and YOLO boxes: one file of boxes per image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import ImagesAt, find_images_by_stem, needed_prefix
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.class_list import read_class_names
from motet.data.formats.paths import is_image

_VOC_FOLDERS = ("Annotations", "JPEGImages", "ImageSets", "SegmentationClass", "SegmentationObject")
_OUTLINE_NUMBERS = 7  # in a line with an outline of three points: a class and six coordinates
_MAX_SAMPLED = 20  # text files per folder
_NAME_FILES = (".yaml", ".yml", ".names")


def find_voc(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders with `Annotations/*.xml` and `JPEGImages/`, in the splits that `ImageSets/Main/` lists."""
    for root in list(survey.listings):
        annotations, images = root / "Annotations", root / "JPEGImages"
        if annotations not in survey.listings or images not in survey.listings or survey.is_claimed(annotations):
            continue
        if not any(name.endswith(".xml") for name in survey.listings[annotations].files):
            continue
        survey.claimed.update(root / name for name in _VOC_FOLDERS)
        for split in _voc_splits(survey, root):
            arguments: dict[str, object] = {"root": root, "split": split, "clip": True}
            yield from try_read(
                "PascalVoc", arguments, kind="detection", labels={"boxes": "en"},
                evidence=f"Pascal VOC boxes ({root.name}{', ' + split if split else ''})",
                split=split_of(Path(split or ""), Path()),
            )  # fmt: skip


def _voc_splits(survey: Survey, root: Path) -> list[str | None]:
    """Returns train, val and test where they are listed, trainval where train is not; None for all files."""
    main = survey.listings.get(root / "ImageSets" / "Main")
    listed = [name.removesuffix(".txt") for name in main.files if name.endswith(".txt")] if main is not None else []
    first = "train" if "train" in listed else "trainval"
    found = [name for name in (first, "val", "test") if name in listed and not (first == "trainval" and name == "val")]
    return [*found] if first in found else [None]


def find_yolo(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders of text files whose lines are numbers, with images of the same names."""
    for folder in list(survey.listings):
        stems = _yolo_stems(survey, folder)
        if not stems or survey.is_claimed(folder):
            continue
        images, missing = _images_of(survey, folder, stems)
        survey.claimed.update({folder} if images is None else {folder, images})
        names_file = _names_file(survey, folder)
        if names_file is not None:
            survey.claimed.add(names_file)
        arguments: dict[str, object] = {
            "images": images or folder, "labels": folder, "names_file": names_file, "clip": True,
        }  # fmt: skip
        if images is not None:
            arguments |= needed_prefix(survey, images)
        yield from try_read(
            "YoloLabels", arguments, kind="detection", labels={"boxes": "en"}, evidence=f"YOLO boxes ({folder.name})",
            split=split_of(folder, survey.root), problems=missing or _yolo_problems(folder, names_file),
        )  # fmt: skip


def _yolo_problems(folder: Path, names_file: Path | None) -> tuple[str, ...]:
    if names_file is None:
        return (f"{folder}: got class numbers without names; want data.yaml or classes.txt in a folder above it",)
    return ()


def _yolo_stems(survey: Survey, folder: Path) -> list[str]:
    """Returns the stems of a folder's text files; none where a sampled one has a line that is no box."""
    names = [name for name in survey.listings[folder].files if name.endswith(".txt") and name != "classes.txt"]
    if any(survey.is_claimed(folder / name) for name in names):
        return []
    lines = {name: first_lines(folder / name, 5) for name in names[:_MAX_SAMPLED]}
    if not any(lines.values()) or not all(_is_box(line) for some in lines.values() for line in some):
        return []
    return [PurePosixPath(name).stem for name in names]


def _is_box(line: str) -> bool:
    cells = line.split()
    if not (len(cells) == 5 or (len(cells) >= _OUTLINE_NUMBERS and len(cells) % 2)) or not cells[0].isdigit():
        return False
    try:
        return all(-1 <= float(cell) <= 2 for cell in cells[1:])
    except ValueError:
        return False


def _images_of(survey: Survey, folder: Path, stems: list[str]) -> ImagesAt:
    """Returns the nearest folder whose images have the names of the text files; it may be the same folder."""
    # train/labels beside train/images; labels/train2017 beside train2017.
    beside = [folder.parent / folder.name.replace("labels", "images"), folder.parent.parent / folder.name]
    if "labels" in folder.parts:
        place = len(folder.parts) - 1 - folder.parts[::-1].index("labels")
        beside.insert(0, Path(*folder.parts[:place], "images", *folder.parts[place + 1 :]))
    label_stems = set(stems)
    for near in beside:
        if near in survey.listings and label_stems & _image_stems(survey, near):
            return ImagesAt(near)
    named = {PurePosixPath(name).stem for listing in survey.listings.values() for name in listing.images}
    return find_images_by_stem(survey, [stem for stem in stems if stem in named] or stems, folder)


def _image_stems(survey: Survey, folder: Path) -> set[str]:
    return {PurePosixPath(name).stem for name in survey.listings[folder].files if is_image(name)}


def _names_file(survey: Survey, folder: Path) -> Path | None:
    """Returns the file of class names among the labels or in a folder above them; a YAML file must have names."""
    for above in (folder, *folder.parents):
        if above not in survey.listings:
            return None
        files = survey.listings[above].files
        likely = [name for name in files if name == "classes.txt" or name.endswith(_NAME_FILES)]
        for name in sorted(likely, key=lambda name: (name != "data.yaml", name)):
            try:
                read_class_names(above / name)
            except DataError:
                continue
            return above / name
    return None
