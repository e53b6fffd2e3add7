"""Files of boxes that are not read: text files in the manner of YOLO, and XML."""

from __future__ import annotations

import re
from pathlib import Path

from motet.data.detect.first_lines import first_lines
from motet.data.detect.near_miss import NearMiss
from motet.data.detect.survey import Survey, is_file

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_BOX_CELLS = 5
_HEAD_LINES = 30


def yolo_miss(survey: Survey, path: Path) -> NearMiss | None:
    """Returns the near miss of a text file whose lines are nearly YOLO's; None where an image must have its name."""
    lines = [line.split() for line in first_lines(path, _HEAD_LINES)]
    numeric = [all(map(_NUMBER.fullmatch, cells[1:])) and len(cells) >= _BOX_CELLS - 1 for cells in lines]
    if not lines or not all(numeric) or not _has_image(survey, path.stem):
        return None
    line = " ".join(lines[0])[:60]
    if any(not _NUMBER.fullmatch(cells[0]) for cells in lines):
        got, want = f"the name of a class first ({line!r})", "its number in data.yaml or classes.txt"
    elif any(len(cells) != _BOX_CELLS for cells in lines):
        cells = next(cells for cells in lines if len(cells) != _BOX_CELLS)
        got, want = f"{len(cells)} numbers per line ({' '.join(cells)[:60]!r})", "a class number and four shares"
    elif not all(cells[0].isdecimal() for cells in lines):
        got, want = f"5 numbers per line, but no class first ({line!r})", "a class number and four shares"
    elif any(float(cell) > 1 for cells in lines for cell in cells[1:]):
        got = f"boxes in pixels ({line!r})"
        want = "shares of the image's width and height from 0 to 1: class, centre x, centre y, width, height"
    else:
        got, want = f"boxes ({line!r}) among files that have none", "only YOLO labels in the folder"
    return NearMiss(path, got, want, "YOLO boxes")


def xml_miss(survey: Survey, path: Path) -> NearMiss:
    """Returns the near miss of an XML file, by its root element and what is in it."""
    del survey
    text = "\n".join(first_lines(path, _HEAD_LINES))
    names = [name for name in _ROOT.findall(text) if not name.lower().startswith("xml")]
    root = names[0] if names else ""
    if root == "annotation":
        want = "the files in Annotations/ beside the images in JPEGImages/"
        return NearMiss(path, "its XML in another layout of folders", want, "Pascal VOC boxes")
    return NearMiss(path, f"XML of <{root}>" if root else "no XML element", "Pascal VOC's XML, if it is about images")


def _has_image(survey: Survey, stem: str) -> bool:
    return any(
        is_file(folder / f"{stem}{ending}")
        for folder, listing in survey.listings.items()
        if listing.num_images
        for ending in listing.image_endings
    )
