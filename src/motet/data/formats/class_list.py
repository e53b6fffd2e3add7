"""Class names from the files that accompany YOLO labels: `data.yaml`, `classes.txt`, `coco.names`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from motet.core import DataError
from motet.core.errors import repeated
from motet.data.formats.json_file import short_repr
from motet.data.formats.number_text import is_number
from motet.data.formats.text_file import read_text

# YAML parses slowly, and every byte may open an alias: a hundred times the largest published list is enough.
_LARGEST_YAML = 1024**2


def read_class_names(path: Path) -> tuple[str, ...]:
    """Returns the classes of a file, in order: one per line, or the value of `names:` in a `.yaml`.

    In YAML the names are a list, or a mapping from the numbers 0, 1, 2, ... to names.

    Raises:
        DataError: no such file, no names, a name that occurs twice, numbers that do not count from 0, or a file that
            is not YAML or is over 1 MiB.
    """
    text = read_text(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        names = _from_yaml(text, path)
    else:
        names = tuple(line.strip() for line in text.split("\n") if line.strip())
    if not names:
        raise DataError("names: got none; want at least one class", path=path)
    if len(set(names)) != len(names):
        twice = repeated(names)
        raise DataError(f"names: got {twice} more than once; want every class once", path=path)
    return names


def read_keypoint_values(path: Path) -> int:
    """Returns the numbers of keypoints in a line of YOLO's pose labels: 51 for `kpt_shape: [17, 3]`; 0 without it.

    Raises:
        DataError: as `read_class_names`.
    """
    content = _parse(read_text(path), path) if path.suffix.lower() in (".yaml", ".yml") else None
    match content:
        case {"kpt_shape": [str() as points, str() as numbers]} if points.isdecimal() and numbers.isdecimal():
            return int(points) * int(numbers)
    return 0


def _from_yaml(text: str, path: Path) -> tuple[str, ...]:
    content = _parse(text, path)
    if not isinstance(content, Mapping) or "names" not in content:
        raise DataError("key 'names': got a file without it; want the classes under it", path=path)
    match content["names"]:
        case list() as names:
            return tuple(_name(name, path) for name in names)
        case dict() as numbered:
            return tuple(_name(numbered[number], path) for number in _numbers_in_order(list(numbered), path))
        case "":
            return ()
        case _:
            raise DataError("names: got a single text; want a list of classes", path=path)


def _parse(text: str, path: Path) -> object:
    if len(text) > _LARGEST_YAML:
        raise DataError(f"YAML: got {len(text):,} characters; want at most {_LARGEST_YAML:,}", path=path)
    try:
        # Not `safe_load`, which is as safe but makes False of a class "no" and 1 of a class "01": this keeps texts.
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        place = f" at column {mark.column + 1}" if mark else ""
        raise DataError(
            f"YAML: got {problem[:120]}{place}; want a whole YAML file", path=path, row=mark.line if mark else None
        ) from error
    except RecursionError as error:
        raise DataError("YAML: got lists nested too deeply; want a list of classes", path=path) from error


def _numbers_in_order(keys: list[object], path: Path) -> list[object]:
    """Returns the keys of a mapping sorted by their numbers."""
    for place, key in enumerate(sorted(keys, key=_number)):
        if _number(key) != place:
            got = short_repr(key) if isinstance(key, str) and _number(key) < 0 else f"the number {key}"
            raise DataError(f"names: got {got}; want {place}, since numbers count from 0", path=path)
    return sorted(keys, key=_number)


def _number(key: object) -> int:
    return int(key) if isinstance(key, str) and is_number(key) else -1


def _name(value: object, path: Path) -> str:
    # Aliases can make a list whose printed form is endless, so the error tells only the type.
    if not isinstance(value, str):
        raise DataError(f"names: got a {type(value).__name__} as a class; want a text", path=path)
    if not value.strip():
        raise DataError("names: got an empty text as a class; want the name of a class", path=path)
    return value
