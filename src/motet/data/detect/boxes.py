"""Pascal VOC and YOLO labels: boxes in a file an image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.class_list import names_in
from motet.data.formats.paths import is_image

_VOC_FOLDERS = ("Annotations", "JPEGImages", "ImageSets", "SegmentationClass", "SegmentationObject")
_OUTLINE_NUMBERS = 7  # numbers of a line with three points
_MAX_SAMPLED = 20  # text files of a folder
_NAME_FILES = (".yaml", ".yml", ".names")


def find_voc(survey: Survey) -> Iterator[DetectedDataset]:
    """Folders with `Annotations/*.xml` and `JPEGImages/`, in the parts that `ImageSets/Main/` lists."""
    for root in list(survey.listings):
        annotations, images = root / "Annotations", root / "JPEGImages"
        if annotations not in survey.listings or images not in survey.listings or survey.is_claimed(annotations):
            continue
        if not any(name.endswith(".xml") for name in survey.listings[annotations].files):
            continue
        survey.claimed.update(root / name for name in _VOC_FOLDERS)
        for split in _voc_splits(survey, root):
            arguments: dict[str, object] = {"root": root, "split": split, "clip": True}
            why = f"Pascal VOC boxes ({root.name}{', ' + split if split else ''})"
            part = split_of(Path(split or ""), Path())
            yield from try_read("PascalVoc", arguments, kind="detection", labels={"boxes": "en"}, evidence=why, split=part)


def _voc_splits(survey: Survey, root: Path) -> list[str | None]:
    """Train, val and test where they are listed; trainval only where train is not; None for all that is there."""
    main = survey.listings.get(root / "ImageSets" / "Main")
    listed = [name.removesuffix(".txt") for name in main.files if name.endswith(".txt")] if main is not None else []
    first = "train" if "train" in listed else "trainval"
    found = [name for name in (first, "val", "test") if name in listed and not (first == "trainval" and name == "val")]
    return [*found] if first in found else [None]


def find_yolo(survey: Survey) -> Iterator[DetectedDataset]:
    """Folders of text files whose lines are numbers, with pictures that are called the same."""
    for folder in list(survey.listings):
        stems = _yolo_stems(survey, folder)
        if not stems or survey.is_claimed(folder):
            continue
        images = _images_of(survey, folder, stems)
        survey.claimed.update({folder} if images is None else {folder, images})
        names_file = _names_file(survey, folder)
        if names_file is not None:
            survey.claimed.add(names_file)
        arguments: dict[str, object] = {
            "images": images or folder, "labels": folder, "names_file": names_file, "clip": True,
        }  # fmt: skip
        yield from try_read(
            "YoloLabels", arguments, kind="detection", labels={"boxes": "en"}, evidence=f"YOLO boxes ({folder.name})",
            split=split_of(folder, survey.root), problems=_yolo_problems(folder, images, names_file, stems[0]),
        )  # fmt: skip


def _yolo_problems(folder: Path, images: Path | None, names_file: Path | None, stem: str) -> tuple[str, ...]:
    if images is None:
        return (f"{folder}: got no folder with a picture called {stem}; want it in this folder",)
    if names_file is None:
        return (f"{folder}: got numbers of classes without their names; want data.yaml or classes.txt above it",)
    return ()


def _yolo_stems(survey: Survey, folder: Path) -> list[str]:
    """The first text files of a folder of labels; none where one of them holds anything else than boxes."""
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


def _images_of(survey: Survey, folder: Path, stems: list[str]) -> Path | None:
    """The folder whose pictures have the names of the text files: the nearest, which may be the same one."""
    # train/labels beside train/images; labels/train2017 beside train2017.
    beside = [folder.parent / folder.name.replace("labels", "images"), folder.parent.parent / folder.name]
    if "labels" in folder.parts:
        place = len(folder.parts) - 1 - folder.parts[::-1].index("labels")
        beside.insert(0, Path(*folder.parts[:place], "images", *folder.parts[place + 1 :]))
    wanted = set(stems)
    for near in beside:
        if near in survey.listings and wanted & _image_stems(survey, near):
            return near
    names = {PurePosixPath(name).stem: name for listing in survey.listings.values() for name in listing.images}
    named = next((names[stem] for stem in stems if stem in names), None)
    return None if named is None else survey.image_folder([named], folder / "labels.txt")


def _image_stems(survey: Survey, folder: Path) -> set[str]:
    return {PurePosixPath(name).stem for name in survey.listings[folder].files if is_image(name)}


def _names_file(survey: Survey, folder: Path) -> Path | None:
    """The file of class names among the labels or in a folder above them; a YAML counts when it has names."""
    for above in (folder, *folder.parents):
        if above not in survey.listings:
            return None
        files = survey.listings[above].files
        likely = [name for name in files if name == "classes.txt" or name.endswith(_NAME_FILES)]
        for name in sorted(likely, key=lambda name: (name != "data.yaml", name)):
            try:
                names_in(above / name)
            except DataError:
                continue
            return above / name
    return None
