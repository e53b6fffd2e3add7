"""JSON files that are not read: of another tool, nearly of a known format, or of none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from motet.core import MotetError
from motet.data.detect.near_miss import NearMiss, few
from motet.data.detect.near_tables import error_miss, rows_miss
from motet.data.detect.survey import Survey
from motet.data.formats.json_file import load_json

_MAX_BYTES = 1024**3
_BOXES = "an export as COCO, YOLO or Pascal VOC"
_OTHER_TOOLS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("VGG Image Annotator", frozenset({"_via_settings"}), _BOXES),
    ("VGG Image Annotator", frozenset({"filename", "regions"}), _BOXES),
    ("Labelbox", frozenset({"data_row", "projects"}), _BOXES),
    ("Datumaro", frozenset({"infos", "categories", "items"}), _BOXES),
    ("Supervisely", frozenset({"size", "objects", "tags"}), _BOXES),
    ("BDD100K", frozenset({"name", "labels", "timestamp"}), _BOXES),
    ("CreateML", frozenset({"image", "annotations"}), _BOXES),
)  # tool, keys of its file or of its entries, what to do  # fmt: skip
_KNOWN: Mapping[str, frozenset[str]] = {
    "COCO boxes": frozenset({"images", "annotations", "categories", "file_name", "image_id", "category_id", "bbox"}),
    "COCO captions": frozenset({"images", "annotations", "file_name", "image_id", "caption"}),
    "VQA questions": frozenset({"questions", "question_id", "image_id", "question"}),
    "VQA answers": frozenset({"annotations", "question_id", "answers", "multiple_choice_answer"}),
    "GQA questions": frozenset({"imageId", "question", "answer"}),
    "Visual Genome questions": frozenset({"qas", "image_id", "qa_id", "question", "answer"}),
    "Visual Genome objects": frozenset({"objects", "image_id", "names", "x", "y", "w", "h"}),
    "RefCOCOs expressions": frozenset({"normal_caption", "solution", "image", "annotation_id"}),
    "Visual7W pointing": frozenset({"images", "boxes", "filename", "qa_pairs"}),
    "a table of questions": frozenset({"image", "question", "answer"}),
    "a table of captions": frozenset({"image", "caption"}),
    "a table of classes": frozenset({"image", "label"}),
}  # format -> keys of its file and entries
_TABLES = ("a table of questions", "a table of captions", "a table of classes")
_ROWS = 200
_COCO_LISTS = ("images", "annotations")


def json_miss(survey: Survey, path: Path) -> NearMiss:
    """Returns how near a JSON file comes to a known format, by its keys and those of its first entries."""
    if (size := path.stat().st_size) > _MAX_BYTES:
        return NearMiss(path, f"a JSON file of {size / _MAX_BYTES:.1f} GiB", "at most 1 GiB")
    try:
        data = load_json(path)
    except MotetError as error:
        return error_miss(path, error, "")
    keys = set(_keys(data))
    for tool, wanted, want in _OTHER_TOOLS:
        if wanted <= set(_own_keys(data)) | set(_own_keys(_first(data))):
            return NearMiss(path, f"annotations in its own format (keys {_shown(sorted(wanted))})", want, tool)
    if isinstance(data, dict) and all(isinstance(data.get(name), list) for name in _COCO_LISTS):
        return _coco_miss(path, data)
    nearest = max(_KNOWN, key=lambda name: len(_KNOWN[name] & keys) / len(_KNOWN[name]))
    shared, lacking = len(_KNOWN[nearest] & keys), sorted(_KNOWN[nearest] - keys)
    is_near = shared >= max(2, len(lacking))
    if (not is_near or nearest in _TABLES) and _is_table(data):
        near = rows_miss(survey, path, data[:_ROWS])
        if near.format:
            return near
    top = [str(key) for key in data] if isinstance(data, dict) else list(_own_keys(_first(data)))
    got = f"JSON with {f'keys {_shown(top)}' if top else f'a {type(data).__name__} without keys'}"
    if is_near:
        want = f"also {_shown(lacking)}" if lacking else f"the form of {nearest} (docs/DATA.md)"
        return NearMiss(path, got, want, nearest)
    if shared >= 2:
        return NearMiss(path, got, f"a known format; the nearest is {nearest}, which has also {_shown(lacking)}")
    return NearMiss(path, got, "a known format (docs/DATA.md), if it is about images")


def _is_table(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(entry, dict) for entry in data[:_ROWS])


def _coco_miss(path: Path, data: Mapping[str, Any]) -> NearMiss:
    for name in _COCO_LISTS:
        if not data[name]:
            others = [f"{len(value):,} in {key!r}" for key, value in data.items() if isinstance(value, list) and value]
            got = f"{few([*others, f'none in {name!r}'])}"
            return NearMiss(path, got, f"at least one in {name!r}: an export with its labels", "COCO")
    keys = list(_own_keys(data["annotations"][0]))
    if "segments_info" in keys:
        want = "boxes (instances_*.json) or captions: no reader is for it"
        return NearMiss(path, "COCO panoptic segments", want)
    return NearMiss(path, f"annotations with keys {_shown(keys)}", "'bbox' for boxes, or 'caption'", "COCO")


def _shown(names: list[str]) -> str:
    return few([repr(name) for name in names], 6)


def _first(data: Any) -> Any:
    values = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return next(iter(values), None)


def _own_keys(data: Any) -> Iterator[str]:
    yield from (str(key) for key in data) if isinstance(data, dict) else ()


def _keys(data: Any, depth: int = 3) -> Iterator[str]:
    """Yields the keys of an object, and of the first entries of what is in it."""
    if depth and isinstance(data, dict):
        for key, value in list(data.items())[:50]:
            yield str(key)
            yield from _keys(value, depth - 1)
    elif depth and isinstance(data, list):
        for value in data[:2]:
            yield from _keys(value, depth - 1)
