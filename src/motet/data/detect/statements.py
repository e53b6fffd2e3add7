"""Detection of statements that are true or false of images: NLVR2, NLVR and VSR, by the keys of their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from motet.core.plain_json import parse_json
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import ImagesAt, find_images
from motet.data.detect.survey import Survey, split_of

_NLVR2 = re.compile(r"(.+-\d+-\d+)-\d+")
_NLVR = re.compile(r"\d+-\d+")


def find_statements(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds JSON lines of statements, in files with either ending: NLVR's have `.json`."""
    for path in list(survey.files(".json", ".jsonl")):
        lines = objects_in(first_lines(path, 3))
        if not lines:
            continue
        if all({"sentence", "label", "identifier"} <= line.keys() for line in lines):
            yield from _nlvr(survey, path, lines[0])
        elif all({"image", "caption", "label", "relation"} <= line.keys() for line in lines):
            yield from _vsr(survey, path, lines[0])


def objects_in(lines: Sequence[str]) -> list[Mapping[str, Any]]:
    """Parses JSON lines as objects; returns none where one of them is something else."""
    try:
        values = [parse_json(line) for line in lines]
    except ValueError:
        return []
    return values if all(isinstance(value, dict) for value in values) else []


def _nlvr(survey: Survey, path: Path, line: Mapping[str, Any]) -> Iterator[DetectedDataset]:
    key, directory = str(line["identifier"]), str(line.get("directory", ""))
    two, one = _NLVR2.fullmatch(key), _NLVR.fullmatch(key)
    if two is None and one is None:
        return
    name = f"{two[1]}-img0.png" if two else f"{path.name.partition('.')[0]}-{key}-0.png"
    images, missing = _image_folder(survey, path, directory, name)
    survey.claimed.update({path} if images is None else {path, images})
    arguments: dict[str, object] = {"sentences": path, "images": images or path.parent}
    yield from try_read(
        "Nlvr2" if two else "Nlvr", arguments, kind="pairs" if two else "verification", labels={"class": "en"},
        evidence=f"{'NLVR2 sentences on two photos' if two else 'NLVR sentences on drawings'} ({path.name})",
        split=split_of(path, survey.root), problems=missing,
    )  # fmt: skip


def _image_folder(survey: Survey, path: Path, directory: str, name: str) -> ImagesAt:
    """Returns the folder of the images; they may be in numbered subfolders, with or without the number in the line."""
    numbered = find_images(survey, [f"{directory}/{name}"] if directory else [], path)
    if numbered.folder is not None:
        return numbered
    at = find_images(survey, [name], path)
    return ImagesAt(at.folder.parent) if at.folder is not None and at.folder.name.isdigit() else at


def _vsr(survey: Survey, path: Path, line: Mapping[str, Any]) -> Iterator[DetectedDataset]:
    name = PurePosixPath(str(line["image"])).name
    link = str(line.get("image_link", "")).split("/")
    images, missing = find_images(survey, [name], path)
    if images is not None and len(link) > 1 and images.name == link[-2]:
        images = images.parent  # a sibling folder may have the other images: the reader searches both
    survey.claimed.add(path)
    yield from try_read(
        "Vsr", {"sentences": path, "images": images or path.parent}, kind="verification", labels={"class": "en"},
        evidence=f"VSR sentences ({path.name})", split=split_of(path, survey.root),
        problems=missing,
    )  # fmt: skip
