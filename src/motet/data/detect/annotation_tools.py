"""Detection of the files of annotation tools: LabelMe, CVAT and Label Studio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, Kind, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import (
    ImagesAt,
    find_annotated_images,
    find_images,
    find_images_by_names,
    needed_prefix,
)
from motet.data.detect.survey import Survey, split_of, without_splits
from motet.data.formats.columns import collect_class_names
from motet.data.formats.deferred import capture
from motet.data.formats.json_file import load_json
from motet.data.formats.label_studio_tasks import ControlKind, StudioExport, read_studio_export
from motet.data.formats.xml_file import load_xml
from motet.data.readers import READERS

_NUM_SAMPLED = 5  # files of a folder
_MAX_BYTES = 64 * 1024**2  # of JSON with one image in it
_MAX_XML_BYTES = 1024**3
_NUM_LINES = 400
_SHAPE_KEYS = ('"shapes"', '"imageData"')
_CVAT_TAGS = ("<image ", "<track ", "<meta>")
_KINDS: dict[ControlKind, Kind] = {"boxes": "detection", "class": "classification", "captions": "captioning"}


@dataclass(frozen=True)
class _Annotations:
    """Annotations that one reader reads, with the folder of their images.

    Args:
        place: the file, or the folder of files.
        images: the folder of their images.
        arguments: of the reader.
    """

    place: Path
    images: ImagesAt
    arguments: Mapping[str, object]


def find_labelme(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders of LabelMe's JSON, one file per image."""
    found: list[_Annotations] = []
    for folder, listing in survey.listings.items():
        names = [name for name in listing.files if name.endswith(".json")]
        sample = [_labelme_image(folder / name) for name in names[:_NUM_SAMPLED]]
        if survey.is_claimed(folder) or all(image is None for image in sample):
            continue
        stems = [PurePosixPath(name).stem for name in names]
        images = find_annotated_images(survey, folder, stems, [image for image in sample if image is not None])
        survey.claim(folder, images.folder, *(folder / name for name in names))
        found.append(_Annotations(folder, images, {"annotations": folder, "images": images.folder or folder}))
    for one in found:
        yield from try_read(
            "LabelMe", _arguments(survey, "LabelMe", one, found), kind="detection", labels={"boxes": "en"},
            evidence=f"LabelMe shapes ({one.place.name})", split=split_of(one.place, survey.root),
            problems=one.images.problems,
        )  # fmt: skip


def _labelme_image(path: Path) -> str | None:
    """Returns the image that a file of LabelMe names; None for another file."""
    if not any(key in line for line in first_lines(path, _NUM_LINES) for key in _SHAPE_KEYS):
        return None
    match capture(load_json, path) if path.stat().st_size <= _MAX_BYTES else None:
        case {"shapes": list(), "imagePath": str() as image}:
            return image
        case {"shapes": list()}:
            return ""
    return None


def find_cvat(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds CVAT's XML, in the subsets that it has."""
    found: list[_Annotations] = []
    subsets: dict[Path, list[str]] = {}
    for path in list(survey.files(".xml")):
        beginning = " ".join(first_lines(path, _NUM_LINES))
        if "<annotations" not in beginning or not any(tag in beginning for tag in _CVAT_TAGS):
            continue
        root = capture(load_xml, path, "annotations", max_bytes=_MAX_XML_BYTES)
        elements = [] if isinstance(root, DataError) else root.findall("image")
        images = find_images(survey, [element.get("name", "") for element in elements], path)
        survey.claim(path, images.folder)
        subsets[path] = sorted({element.get("subset", "") for element in elements} - {""})
        found.append(_Annotations(path, images, {"path": path, "images": images.folder or path.parent}))
    for one in found:
        arguments = _arguments(survey, "Cvat", one, found)
        for subset in subsets[one.place] if len(subsets[one.place]) > 1 else ("",):
            yield from try_read(
                "Cvat", {**arguments, "subset": subset} if subset else arguments, kind="detection",
                labels={"boxes": "en"}, evidence=f"CVAT shapes ({one.place.name}{f', {subset}' if subset else ''})",
                split=split_of(Path(subset), Path()) if subset else split_of(one.place, survey.root),
                problems=one.images.problems,
            )  # fmt: skip


def find_label_studio(survey: Survey, paths: Sequence[Path]) -> Iterator[DetectedDataset]:
    """Yields the annotations of exports of Label Studio, one entry per labelling control.

    Args:
        survey: the folders.
        paths: the exports.
    """
    found: list[tuple[_Annotations, ControlKind]] = []
    for path in paths:
        survey.claim(path)
        export = capture(read_studio_export, path)
        if isinstance(export, DataError) or not export.controls:
            problem = export if isinstance(export, DataError) else f"{path}: got no boxes, choices or texts; want some"
            yield from try_read(
                "LabelStudio", {"export": path, "images": path.parent}, kind="detection", labels={"boxes": "en"},
                evidence=f"Label Studio ({path.name})", split=split_of(path, survey.root), problems=(str(problem),),
            )  # fmt: skip
            continue
        images = _studio_images(survey, path, export)
        survey.claim(images.folder)
        for control, kind in export.controls.items():
            given: dict[str, object] = {"export": path, "images": images.folder or path.parent, "control": control}
            found.append((_Annotations(path, images, given), kind))
    for one, kind in found:
        same = [other for other, _ in found if other.arguments["control"] == one.arguments["control"]]
        arguments = _arguments(survey, "LabelStudio", one, same)
        if kind != "boxes":
            del arguments["clip"]
        yield from try_read(
            "LabelStudio", arguments, kind=_KINDS[kind], labels={kind: "en"},
            evidence=f"Label Studio ({one.place.name}, {one.arguments['control']})",
            split=split_of(one.place, survey.root), problems=one.images.problems,
        )  # fmt: skip


def _studio_images(survey: Survey, path: Path, export: StudioExport) -> ImagesAt:
    names = (tuple(reversed(task.image)) for task in export.tasks if task.image)
    return find_images_by_names(survey, names, path)


def _arguments(survey: Survey, reader: str, one: _Annotations, found: Sequence[_Annotations]) -> dict[str, object]:
    """Returns the arguments of a reader; the splits of one data set get the classes of all."""
    arguments: dict[str, object] = {**one.arguments, "clip": True}
    arguments |= {} if one.images.folder is None else needed_prefix(survey, one.images.folder)
    place = without_splits(one.place, survey.root)
    alike = [other for other in found if without_splits(other.place, survey.root) == place]
    if len(alike) > 1 and not any(other.images.problems for other in alike):
        read = [capture(READERS[reader], **other.arguments) for other in alike]
        names = collect_class_names(name for each in read for name in getattr(each, "names", ()))
        arguments |= {"names": names} if names else {}
    return arguments
