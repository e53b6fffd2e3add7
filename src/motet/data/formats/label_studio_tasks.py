"""The tasks of Label Studio's exports, JSON and JSON-MIN, in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from motet.core import DataError
from motet.data.formats.json_file import check_type, get_id, load_json
from motet.data.formats.label_studio_images import StudioTask, image_candidates, is_reference
from motet.data.formats.label_studio_shapes import SHAPE_TYPES, label_key

ControlKind = Literal["boxes", "class", "captions"]
_MIN_KEYS = frozenset({"annotation_id", "annotator", "lead_time", "created_at", "updated_at"})
_CLASS_WORDS = 3


@dataclass(frozen=True)
class StudioExport:
    """The annotated tasks of an export.

    Args:
        tasks: in the order of the file.
        controls: the kind of annotation of each labelling control, by its name.
    """

    tasks: tuple[StudioTask, ...]
    controls: Mapping[str, ControlKind]


def is_label_studio(data: object) -> bool:
    """Returns True for the content of an export in one of the two forms."""
    match data:
        case [{"data": dict(), "annotations": list()} | {"data": dict(), "completions": list()}, *_]:
            return True
        case [dict() as first, *_]:
            return len(_MIN_KEYS & first.keys()) >= 2 and any(map(is_reference, first.values()))
    return False


def read_studio_export(path: Path) -> StudioExport:
    """Reads the tasks that have an annotation: of several the one called ground truth, or else the first.

    Raises:
        DataError: no such file, not JSON, or no export of Label Studio with an annotation.
    """
    data = load_json(path)
    if not is_label_studio(data):
        raise DataError("file: got no export of Label Studio; want its JSON or JSON-MIN", path=path)
    tasks: dict[str, StudioTask] = {}
    types: dict[str, str] = {}
    for row, entry in enumerate(data):
        task = check_type(entry, dict, "task", path=path, row=row)
        results = _results(task) if "data" in task else _min_results(task)
        if results is None:
            continue
        values: dict[str, tuple[Any, ...]] = {}
        for control, kind, found in results:
            types[control] = types.get(control) or kind
            values[control] = (*values.get(control, ()), *found)
        key = get_id(task, "id", path=path, row=row) if "id" in task else str(row)
        # JSON-MIN has an entry for each annotation of a task.
        tasks.setdefault(key, StudioTask(key, image_candidates(task.get("data", task)), values, row))
    if not tasks:
        raise DataError("tasks: got none with an annotation; want at least one", path=path)
    found = tuple(tasks.values())
    return StudioExport(found, {control: _kind(control, kind, found) for control, kind in types.items()})


_Result = tuple[str, str, tuple[Any, ...]]


def _results(task: Mapping[str, Any]) -> list[_Result] | None:
    """Returns control, type and values of each result of a task in JSON; None for a task without an annotation."""
    annotations = task.get("annotations") or task.get("completions") or []
    done = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    if not done:
        return None
    chosen = next((one for one in done if one.get("ground_truth")), done[0])
    return [found for result in chosen.get("result") or [] if isinstance(result, dict) for found in _values(result)]


def _values(result: Mapping[str, Any]) -> Iterator[_Result]:
    control, kind, value = str(result.get("from_name", "")), str(result.get("type", "")), result.get("value")
    if not isinstance(value, dict):
        return
    if kind.removesuffix("labels") in SHAPE_TYPES:
        yield control, "shape", ({**result, **value},)
    elif kind in ("choices", "textarea") and "x" not in value:  # those with a place are about a region only
        texts = value.get("choices" if kind == "choices" else "text")
        yield control, kind, _texts(texts)


def _min_results(task: Mapping[str, Any]) -> list[_Result]:
    """Returns control, type and values of each key of a task in JSON-MIN."""
    found: list[_Result] = []
    for control, value in task.items():
        match value:
            case [dict() as first, *_] if "original_width" in first:
                found.append((control, "shape", tuple(one for one in value if label_key(one))))
            case {"choices": choices}:
                found.append((control, "choices", _texts(choices)))
            case str() | [str(), *_] if control not in _MIN_KEYS and not is_reference(value):
                found.append((control, "text", _texts(value)))
    return found


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    return tuple(text for text in texts if isinstance(text, str) and text.strip())


def _kind(control: str, kind: str, tasks: Sequence[StudioTask]) -> ControlKind:
    """Returns the kind of a control; texts of JSON-MIN are classes where they are few and short."""
    match kind:
        case "shape":
            return "boxes"
        case "choices":
            return "class"
        case "textarea":
            return "captions"
    texts = [text for task in tasks for text in task.values.get(control, ())]
    few = len(set(texts)) <= max(2, len(texts) // 2)
    return "class" if few and all(len(text.split()) <= _CLASS_WORDS for text in texts) else "captions"
