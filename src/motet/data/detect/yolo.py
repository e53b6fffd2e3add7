"""Detection of YOLO labels: a text file of numbers per image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, Split, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import ImagesAt, find_images_by_stem, needed_prefix
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.class_list import read_class_names, read_keypoint_values
from motet.data.formats.find_file import fold_name
from motet.data.formats.paths import is_image
from motet.data.readers.yolo_labels import are_shares

_BOX, _CORNERS = 5, 9  # numbers in a line with a box: class, centre, size; with an oriented box: class, four corners
_MAX_SAMPLED = 20  # text files per folder
_MOST = 0.9  # share of the lines that decides; the reader tells of the others
_NAME_FILES = (".yaml", ".yml", ".names", ".labels")


class _Line(NamedTuple):
    """A line of numbers, with its file and row."""

    file: str
    row: int
    numbers: tuple[float, ...]


@dataclass(frozen=True)
class _Form:
    """The meaning of the lines of a folder.

    Args:
        name: of the form, for people; "" where the lines are no labels.
        keypoint_values: numbers of keypoints after the box in each line.
        problem: why the lines cannot be read.
        is_certain: the numbers alone make it certain that these are labels.
    """

    name: str
    keypoint_values: int = 0
    problem: str = ""
    is_certain: bool = True


def find_yolo(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders of text files whose lines are numbers, with images of the same names."""
    for folder in list(survey.listings):
        stems = [] if survey.is_claimed(folder) else _label_stems(survey, folder)
        lines = _number_lines(folder, stems)
        if not lines:
            continue
        images, missing = _images_of(survey, folder, stems)
        names_file = _names_file(survey, folder)
        form = _form(folder, lines, 0 if names_file is None else read_keypoint_values(names_file))
        if not form.is_certain and (images is None or not (names_file or _is_called_labels(folder))):
            continue  # numbers of another meaning
        survey.claim(
            folder, images, names_file, _notes(survey, names_file), *(folder / f"{stem}.txt" for stem in stems)
        )
        arguments: dict[str, object] = {
            "images": images or folder, "labels": folder, "names_file": names_file, "clip": True,
        }  # fmt: skip
        arguments |= {"keypoint_values": form.keypoint_values} if form.keypoint_values else {}
        arguments |= {} if images is None else needed_prefix(survey, images)
        problems = (*missing, form.problem, "" if names_file else _no_names(folder))
        split = split_of(folder, survey.root)
        lists = [] if images is None else _lists(survey, folder, images)
        survey.claim(*lists)
        are_splits = any(split_of(Path(path.name), Path()) == "train" for path in lists)
        for listed in lists if are_splits else (None,):
            yield from try_read(
                "YoloLabels", arguments if listed is None else {**arguments, "listed": listed}, kind="detection",
                labels={"boxes": "en"}, split=split if listed is None else split_of(listed, survey.root),
                evidence=f"YOLO {form.name} ({(listed or folder).name})", problems=tuple(filter(None, problems))[:1],
            )  # fmt: skip


def _lists(survey: Survey, folder: Path, images: Path) -> list[Path]:
    """Returns the lists of the images of splits in a folder above, as Darknet has them."""
    for above in (folder.parent, folder.parent.parent):
        names = survey.listings[above].files if above in survey.listings else ()
        lists = [above / name for name in names if name.endswith(".txt") and split_of(Path(name), Path())]
        lists = [path for path in lists if _lists_images(path, images, split_of(images, survey.root))]
        if lists:
            return lists
    return []


def _lists_images(path: Path, images: Path, split: Split) -> bool:
    """Checks that the lines name images of a folder; another split may number its images alike."""
    places = [PurePosixPath(line.strip().lstrip("/")) for line in first_lines(path, 5)]
    return bool(places) and all(
        is_image(place.name) and (images / place.name).is_file() and split_of(Path(place.parent), Path()) == split
        for place in places
    )


def _no_names(folder: Path) -> str:
    return f"{folder}: got class numbers without names; want data.yaml or classes.txt in a folder above it"


def _is_called_labels(folder: Path) -> bool:
    return any(part.lower().startswith("label") for part in folder.parts)


def _label_stems(survey: Survey, folder: Path) -> list[str]:
    """Returns the stems of a folder's text files: of those called like an image, if there are any."""
    names = [name for name in survey.listings[folder].files if name.endswith(".txt") and name != "classes.txt"]
    if any(survey.is_claimed(folder / name) for name in names):
        return []
    stems = [PurePosixPath(name).stem for name in names]
    listings = survey.listings.values()
    images = {fold_name(PurePosixPath(name).stem) for listing in listings for name in listing.images}
    return [stem for stem in stems if fold_name(stem) in images] or stems


def _number_lines(folder: Path, stems: Sequence[str]) -> list[_Line]:
    """Returns the first lines of some files, without the few that are no numbers; none where many are not."""
    texts = [(f"{stem}.txt", first_lines(folder / f"{stem}.txt", 5)) for stem in stems[:_MAX_SAMPLED]]
    read = [(file, row, _numbers(line)) for file, lines in texts for row, line in enumerate(lines)]
    lines = [_Line(file, row, numbers) for file, row, numbers in read if numbers]
    return lines if len(lines) >= _MOST * len(read) else []


def _numbers(line: str) -> tuple[float, ...]:
    """Returns a class and its numbers; none for another line."""
    try:
        numbers = tuple(float(cell) for cell in line.split())
    except ValueError:
        return ()
    return numbers if numbers and numbers[0].is_integer() and numbers[0] >= 0 else ()


def _form(folder: Path, lines: Sequence[_Line], keypoint_values: int) -> _Form:
    times = Counter(len(line.numbers) for line in lines)
    usual = {count for count, number in times.items() if number >= (1 - _MOST) * len(lines)}
    pixels = [line for line in lines if not are_shares(line.numbers[1:_BOX])]
    if len(pixels) >= _MOST * len(lines):
        want = "want shares of the image's width and height from 0 to 1, not pixels"
        return _Form("boxes", problem=f"{_place(folder, pixels[0])}; {want}", is_certain=False)
    is_certain = not pixels
    triples = max(usual) - _BOX if len(usual) == 1 and _has_triples(max(usual)) else 0
    values = keypoint_values if usual == {_BOX + keypoint_values} else triples
    if values:
        return _Form("pose labels (boxes with keypoints), read as boxes", values, is_certain=is_certain)
    if usual == {_BOX}:
        return _Form("boxes", is_certain=is_certain)
    if usual == {_CORNERS}:
        return _Form("oriented boxes (OBB), read as the upright boxes around them", is_certain=is_certain)
    if all(map(_is_outline, usual)):
        return _Form("segmentation labels (polygons), read as the boxes around them", is_certain=is_certain)
    odd = next(line for line in lines if len(line.numbers) in usual and not _is_outline(len(line.numbers)))
    want = "want 5 (class, centre x, centre y, width, height), or a class and the points of a polygon"
    return _Form("labels", problem=f"{_place(folder, odd)}, {len(odd.numbers)} numbers; {want}", is_certain=False)


def _is_outline(count: int) -> bool:
    """Checks for a class and the points of a polygon, or a box."""
    return count >= _BOX and count % 2 == 1


def _has_triples(count: int) -> bool:
    """Checks for keypoints of three numbers each; an odd count of numbers is that of a polygon."""
    return count > _BOX and count % 2 == 0 and (count - _BOX) % 3 == 0


def _place(folder: Path, line: _Line) -> str:
    return f"{folder / line.file}, line {line.row}: got {' '.join(f'{number:g}' for number in line.numbers)[:60]}"


def _images_of(survey: Survey, folder: Path, stems: Sequence[str]) -> ImagesAt:
    """Returns the folder whose images have the names of the text files; it may be the same folder."""
    # train/labels beside train/images; labels/train2017 beside train2017.
    beside = [folder.parent / folder.name.replace("labels", "images"), folder.parent.parent / folder.name]
    if "labels" in folder.parts:
        place = len(folder.parts) - 1 - folder.parts[::-1].index("labels")
        beside.insert(0, Path(*folder.parts[:place], "images", *folder.parts[place + 1 :]))
    label_stems = set(stems)
    for near in beside:
        if near in survey.listings and label_stems & _image_stems(survey, near):
            return ImagesAt(near)
    return find_images_by_stem(survey, stems, folder)


def _image_stems(survey: Survey, folder: Path) -> set[str]:
    return {PurePosixPath(name).stem for name in survey.listings[folder].files if is_image(name)}


def _notes(survey: Survey, names_file: Path | None) -> Path | None:
    """Returns the file in which Label Studio repeats the names of classes.txt."""
    notes = None if names_file is None else names_file.with_name("notes.json")
    return notes if notes is not None and notes.name in survey.listings[notes.parent].files else None


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
