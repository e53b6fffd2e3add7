"""Detection of boxes as XML in the form of Pascal VOC: its own folders, and any others with images beside the XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import ImagesAt, find_annotated_images, needed_prefix
from motet.data.detect.survey import Survey, split_of, without_splits
from motet.data.formats.deferred import capture
from motet.data.formats.paths import file_names
from motet.data.formats.voc_xml import VocAnnotation, read_voc_xml, voc_names

_VOC_FOLDERS = ("Annotations", "JPEGImages", "ImageSets", "SegmentationClass", "SegmentationObject")
_LIST_FOLDERS = ("ImageSets/Main", "ImageSets", "splits", "")
_ROOT = re.compile(r"<annotation[\s>/]")
_NUM_SAMPLED = 5  # files of a folder
_NUM_LINES = 5  # of a file, in which its root element begins


@dataclass(frozen=True)
class _XmlFolder:
    """A folder of XML files with boxes, and the folder of their images."""

    folder: Path
    images: ImagesAt


def find_voc(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `Annotations/*.xml` with `JPEGImages/`, in the splits that are listed, and other folders of such XML."""
    for root in list(survey.listings):
        annotations, images = root / "Annotations", root / "JPEGImages"
        if annotations not in survey.listings or images not in survey.listings or survey.is_claimed(annotations):
            continue
        if not _has_voc_xml(survey, annotations):
            continue
        survey.claimed.update(root / name for name in _VOC_FOLDERS)
        for split in _listed_splits(survey, root / "ImageSets" / "Main") or (None,):
            arguments: dict[str, object] = {"root": root, "split": split, "clip": True}
            yield from try_read(
                "PascalVoc", arguments, kind="detection", labels={"boxes": "en"},
                evidence=f"Pascal VOC boxes ({root.name}{', ' + split if split else ''})",
                split=split_of(Path(split or ""), Path()),
            )  # fmt: skip
    folders = [
        _XmlFolder(folder, _images_of(survey, folder))
        for folder in list(survey.listings)
        if not survey.is_claimed(folder) and _has_voc_xml(survey, folder)
    ]
    for one in folders:
        files = (name for name in survey.listings[one.folder].files if name.endswith(".xml"))
        survey.claim(one.folder, one.images.folder, *(one.folder / name for name in files))
    for one in folders:
        place = without_splits(one.folder, survey.root)
        alike = [other.folder for other in folders if without_splits(other.folder, survey.root) == place]
        yield from _xml_folder(survey, one, _common_names(alike) if len(alike) > 1 else ())


def _has_voc_xml(survey: Survey, folder: Path) -> bool:
    names = [name for name in survey.listings[folder].files if name.endswith(".xml")]
    beginnings = (" ".join(first_lines(folder / name, _NUM_LINES)) for name in names[:_NUM_SAMPLED])
    return any(_ROOT.search(beginning) for beginning in beginnings)


def _listed_splits(survey: Survey, folder: Path) -> list[str]:
    """Returns train, val and test where they are listed, trainval where train is not; none without training rows."""
    listing = survey.listings.get(folder)
    listed = [name.removesuffix(".txt") for name in listing.files if name.endswith(".txt")] if listing else []
    first = "train" if "train" in listed else "trainval"
    splits = [name for name in (first, "val", "test") if name in listed and not (first == "trainval" and name == "val")]
    return splits if first in splits else []


def _images_of(survey: Survey, folder: Path) -> ImagesAt:
    stems = [PurePosixPath(name).stem for name in survey.listings[folder].files if name.endswith(".xml")]
    read = (capture(read_voc_xml, folder / f"{stem}.xml") for stem in stems[:_NUM_SAMPLED])
    named = [one.file for one in read if isinstance(one, VocAnnotation)]
    return find_annotated_images(survey, folder, stems, named)


def _common_names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Returns the classes of several splits, so that an index means the same in all; none where there is no object."""
    files = (folder / name for folder in folders for name in file_names(folder) if name.endswith(".xml"))
    try:
        return voc_names((capture(read_voc_xml, file) for file in files), folders[0])
    except DataError:
        return ()


def _xml_folder(survey: Survey, one: _XmlFolder, names: tuple[str, ...]) -> Iterator[DetectedDataset]:
    images, problems = one.images
    arguments: dict[str, object] = {"annotations": one.folder, "images": images or one.folder, "clip": True}
    arguments |= {"names": names} if names else {}
    arguments |= {} if images is None else needed_prefix(survey, images)
    split = split_of(one.folder, survey.root)
    for listed in (_lists_for(survey, one.folder) if not split else ()) or (None,):
        yield from try_read(
            "VocXml", arguments if listed is None else {**arguments, "listed": listed}, kind="detection",
            labels={"boxes": "en"}, evidence=f"boxes as XML of Pascal VOC ({(listed or one.folder).name})",
            split=split if listed is None else split_of(listed, survey.root), problems=problems,
        )  # fmt: skip


def _lists_for(survey: Survey, folder: Path) -> list[Path]:
    """Returns the lists of the splits of a folder of XML, whose lines are the names of its files without ending."""
    for place in _LIST_FOLDERS:
        lists = [folder.parent / place / f"{split}.txt" for split in _listed_splits(survey, folder.parent / place)]
        if lists and all(_names_files(path, folder) for path in lists):
            return lists
    return []


def _names_files(path: Path, folder: Path) -> bool:
    lines = [line.split() for line in first_lines(path, _NUM_LINES)]
    return bool(lines) and all(len(cells) == 1 and (folder / f"{cells[0]}.xml").is_file() for cells in lines)
