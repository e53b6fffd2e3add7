"""Serialises frozen dataclasses to JSON values and back, for `config.json`, `tasks.json` and `run.json`.

It uses no pickle, and imports no code that the user did not allow (`SavedNames`).
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from motet.core.errors import CheckpointError, ConfigError, MotetError
from motet.core.field_types import wrong_field
from motet.core.saved_names import SavedNames, is_own, module_of, saved_name

_CLASS, _REFERENCE, _PATH, _OUTSIDE = "class", "reference", "path", "outside"
_MARKS = frozenset({_CLASS, _REFERENCE, _PATH, _OUTSIDE, "set", "pairs"})
_MAX_DEPTH, _MAX_SHOWN = 50, 60


def to_json(value: Any, *, whole: bool = True, base: Path | None = None) -> Any:
    """Returns dataclasses, tuples, sets, mappings, paths, classes and functions as values that JSON can hold.

    A dataclass becomes ``{"class": "module:Name", field: ...}``; a class or function ``{"reference": "module:name"}``.

    Args:
        value: any value.
        whole: whether all of it must be data; otherwise an object without a JSON form becomes
            ``{"outside": "module:Name"}``, which cannot be read back.
        base: the folder that relative paths start from, to make them absolute; so it does with a text in a field for
            paths where such a file exists. None leaves paths as they are.

    Raises:
        ConfigError: a value that cannot be imported by name (a lambda, a local class) or that has no JSON form.

    Examples:
        >>> from motet.core.target import Text
        >>> to_json(Text(max_words=12))
        {'class': 'motet.core.target:Text', 'max_words': 12}
    """
    try:
        return _encoded(value, whole, base)
    except ConfigError:
        if whole:
            raise
        return {_OUTSIDE: _kind_name(value)}


def _encoded(value: Any, whole: bool, base: Path | None) -> Any:
    def inside(part: Any) -> Any:
        return to_json(part, whole=whole, base=base)

    match value:
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return {_PATH: str(value if base is None else base / value)}
        case np.generic():
            return value.item()
        case type() | FunctionType():
            return {_REFERENCE: saved_name(value)}
    if dataclasses.is_dataclass(value):
        # Metadata "saved" is False for a field that belongs to one machine, such as where a cache is.
        taken = [field for field in dataclasses.fields(value) if field.init and field.metadata.get("saved", True)]
        fields = {field.name: inside(_as_path(field, getattr(value, field.name), base)) for field in taken}
        return {_CLASS: saved_name(type(value)), **fields}
    match value:
        case Mapping():
            # A mapping that has a reserved key itself, as labels={"class": ...}, must not be decoded as a dataclass.
            if all(isinstance(key, str) for key in value) and not _MARKS & set(value):
                return {key: inside(part) for key, part in value.items()}
            return {"pairs": [[inside(key), inside(part)] for key, part in value.items()]}
        case frozenset() | set():
            return {"set": sorted([inside(part) for part in value], key=str)}
        case list() | tuple() | range() if type(value) in (list, tuple, range):  # no reader that is a list too
            return [inside(part) for part in value]
    raise ConfigError(
        f"to save {value!r}: got a {type(value).__name__}; want a number, a string, a collection, a dataclass or a "
        "function of a module"
    )


def _as_path(field: dataclasses.Field[Any], value: Any, base: Path | None) -> Any:
    may_be = base is not None and isinstance(value, str) and value and "Path" in str(field.type)
    return Path(value) if base is not None and may_be and (base / value).exists() else value


def _kind_name(value: Any) -> str:
    thing = value if isinstance(value, type | FunctionType) else type(value)
    return f"{module_of(thing)}:{thing.__qualname__}"


def from_json(data: Any, names: SavedNames, *, made: dict[str, Any] | None = None) -> Any:
    """Returns the value that `to_json` was called on; lists come back as tuples.

    Args:
        data: JSON values.
        names: the classes and functions that may be named.
        made: dataclasses by their JSON, so that what is named several times is made once: a reader under its splits.

    Raises:
        CheckpointError: a class or function that may not be named, or a class whose fields differ.
    """
    return _decoded(data, names, made, 0)


def _decoded(data: Any, names: SavedNames, made: dict[str, Any] | None, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise CheckpointError(f"saved value: got more than {_MAX_DEPTH} values within values; want what motet saved")

    def inner(part: Any) -> Any:
        return _decoded(part, names, made, depth + 1)

    match data:
        case list():
            return tuple(map(inner, data))
        case {"set": list(parts), **rest} if not rest:
            return frozenset(_hashable(inner(part)) for part in parts)
        case {"pairs": list(pairs), **rest} if not rest:
            if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
                raise CheckpointError("saved mapping: got something else among its pairs; want lists of key and value")
            return {_hashable(inner(key)): inner(part) for key, part in pairs}
        case {"path": str(path), **rest} if not rest:
            return Path(path)
        case {"outside": str(name), **rest} if not rest:
            raise CheckpointError(f"got {name!r}, which is not stored as data; want the recipe that made the run")
        case {"reference": str(name), **rest} if not rest:
            return names.resolve(name)
        case {"class": str(name), **fields}:
            text = "" if made is None else json.dumps(data, sort_keys=True)
            if made is not None and text in made:
                return made[text]
            value = _made(name, names.resolve(name), {str(key): inner(part) for key, part in fields.items()})
            if made is not None:
                made[text] = value
            return value
        case dict():
            return {key: inner(part) for key, part in data.items()}
    return data


def _made(name: str, kind: Any, values: dict[str, Any]) -> Any:
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise CheckpointError(f"saved class {name}: got {kind!r}; want a dataclass")
    # Only of motet's own classes: what is declared elsewhere may be a habit and not a promise.
    field = wrong_field(kind, values) if is_own(kind.__module__) else None
    if field is not None:
        got = repr(values[field])[:_MAX_SHOWN]
        want = str(typing.get_type_hints(kind)[field]).replace("typing.", "")
        raise CheckpointError(f"saved class {name}: {field}: got {got}; want {want}")
    try:
        return kind(**values)
    except MotetError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        got = f"{sorted(values)}; {type(error).__name__}: {error}"
        raise CheckpointError(f"saved class {name}: got {got}") from error


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError as error:
        got = type(value).__name__
        raise CheckpointError(f"saved key: got a {got}; want a text, a number or a saved class") from error
    return value
