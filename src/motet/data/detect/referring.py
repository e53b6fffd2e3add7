"""Detection of referring expressions and pointing: RefCOCO, RefCOCOs, Visual7W and GuessWhat, by names and keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from motet.core import DataError
from motet.core.plain_pickle import read_plain
from motet.data.detect.dataset import DetectedDataset, Split, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import find_images
from motet.data.detect.statements import objects_in
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.json_file import check_type, load_json
from motet.data.formats.text_file import read_bytes

_REFS = re.compile(r"refs\(\w+\)\.(p|json)")
_HEAD_CHARS = 4096  # of a JSON file, which must contain its first keys
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "test": "test", "testA": "test", "testB": "test"}


def find_referring(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds expressions, questions and dialogs that refer to one object."""
    for path in list(survey.files(".p", ".json")):
        if _REFS.fullmatch(path.name) and path.with_name("instances.json").is_file():
            yield from _refer(survey, path)
    for path in list(survey.files(".json")):
        beginning = "\n".join(first_lines(path, 50))[:_HEAD_CHARS]
        if '"normal_caption"' in beginning:
            yield from _refcocos(survey, path)
        elif '"qa_pairs"' in beginning or "pointing" in path.name:
            yield from _visual7w(survey, path)
    for path in list(survey.files(".jsonl", ".jsonl.gz")):
        games = objects_in(first_lines(path, 1))
        if games and {"qas", "objects", "object_id", "status", "image"} <= games[0].keys():
            yield from _guesswhat(survey, path, games[0])


def _refer(survey: Survey, path: Path) -> Iterator[DetectedDataset]:
    instances = path.with_name("instances.json")
    name, splits = "", ["train"]
    problems: tuple[str, ...] = ()
    try:
        entries = load_json(path) if path.suffix == ".json" else read_plain(read_bytes(path), path=path)
        known = check_type(entries, list, "refs", path=path)
        splits = _known_splits(entry.get("split") for entry in known if isinstance(entry, dict))
        name = _first_of(load_json(instances), "images", "file_name")
    except DataError as error:
        problems = (str(error),)
    images, missing = find_images(survey, [name], path)
    survey.claimed.update({path, instances})
    problems = problems or missing
    for split in splits:
        arguments: dict[str, object] = {
            "refs": path, "instances": instances, "images": images or path.parent, "split": split,
        }  # fmt: skip
        yield from try_read(
            "ReferCoco", arguments, kind="referring", labels={"region": "en"},
            evidence=f"referring expressions ({path.parent.name}/{path.name}, {split})", split=_SPLITS[split],
            problems=problems,
        )  # fmt: skip


def _refcocos(survey: Survey, path: Path) -> Iterator[DetectedDataset]:
    try:
        data = load_json(path)
        name = str(data[0]["image"]) if isinstance(data, list) and data and isinstance(data[0], dict) else ""
    except (DataError, KeyError):
        name = ""
    images, missing = find_images(survey, [name], path)
    survey.claimed.add(path)
    yield from try_read(
        "RefCocos", {"expressions": path, "images": images or path.parent}, kind="referring",
        labels={"region": "en"}, evidence=f"RefCOCOs expressions ({path.name})", split=split_of(path, survey.root),
        problems=missing,
    )  # fmt: skip


def _visual7w(survey: Survey, path: Path) -> Iterator[DetectedDataset]:
    try:
        data = load_json(path)
    except DataError:
        return
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list) or not isinstance(data.get("boxes"), list):
        return
    splits = _known_splits(entry.get("split") for entry in images if isinstance(entry, dict))
    name = _first_of(data, "images", "filename")
    folder, missing = find_images(survey, [name], path)
    survey.claimed.update({path} if folder is None else {path, folder})
    for split in splits:
        arguments: dict[str, object] = {"questions": path, "images": folder or path.parent, "split": split}
        beside = path.with_name("image_data.json")
        if beside.is_file():
            arguments["image_data"] = beside
            survey.claimed.add(beside)
        yield from try_read(
            "Visual7wPointing", arguments, kind="pointing", labels={"match": "en"},
            evidence=f"Visual7W pointing ({path.name}, {split})", split=_SPLITS[split],
            problems=missing,
        )  # fmt: skip


def _guesswhat(survey: Survey, path: Path, game: Any) -> Iterator[DetectedDataset]:
    image = game["image"] if isinstance(game["image"], dict) else {}
    name = str(image.get("file_name", ""))
    images, missing = find_images(survey, [name], path)
    if images is None:
        images, missing = find_images(survey, [PurePosixPath(name).name], path)
    if images is not None and images.name in ("train2014", "val2014"):
        images = images.parent  # games are played on photos of both
    survey.claimed.add(path)
    yield from try_read(
        "GuessWhat", {"games": path, "images": images or path.parent}, kind="pointing", labels={"match": "en"},
        evidence=f"GuessWhat dialogs ({path.name})", split=split_of(path, survey.root),
        problems=missing,
    )  # fmt: skip


def _known_splits(splits: Iterable[Any]) -> list[str]:
    """Returns the splits that occur, in the order of the table; unknown ones are left out."""
    present = {split for split in splits if isinstance(split, str)}
    return [name for name in _SPLITS if name in present]


def _first_of(data: Any, entries: str, key: str) -> str:
    values = data.get(entries) if isinstance(data, dict) else None
    first = values[0] if isinstance(values, list) and values else {}
    return str(first.get(key, "")) if isinstance(first, dict) else ""
