"""Frozen dataclasses to plain data and back, for `config.json`, `tasks.json` and `run.json`.

No pickle, and no import that the user did not allow.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from motet.core.errors import CheckpointError, ConfigError

_CLASS, _REFERENCE = "class", "reference"
_MARKS = frozenset({_CLASS, _REFERENCE, "set", "pairs"})


def to_json(value: Any) -> Any:
    """Dataclasses, tuples, sets, mappings, paths, classes and functions as what JSON can hold.

    A dataclass becomes ``{"class": "module:Name", field: ...}``; a class or function ``{"reference": "module:name"}``.

    Raises:
        ConfigError: a value that cannot be found again by name (a lambda, a local class) or has no plain form.

    Examples:
        >>> from motet.core.target import Text
        >>> to_plain(Text(max_words=12))
        {'class': 'motet.core.target:Text', 'max_words': 12}
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return str(value)
        case type() | FunctionType():
            return {_REFERENCE: _name(value)}
        case Mapping():
            # A mapping with one of our marks as a key, as labels={"class": ...}, must not be read as what it marks.
            if all(isinstance(key, str) for key in value) and not _MARKS & set(value):
                return {key: to_json(part) for key, part in value.items()}
            return {"pairs": [[to_json(key), to_json(part)] for key, part in value.items()]}
        case frozenset() | set():
            return {"set": sorted([to_json(part) for part in value], key=str)}
        case Sequence():
            return [to_json(part) for part in value]
    if dataclasses.is_dataclass(value):
        fields = {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {_CLASS: _name(type(value)), **fields}
    raise ConfigError(
        f"to save {value!r}: got a {type(value).__name__}; want plain values, dataclasses or named functions"
    )


def from_json(data: Any, *, trust: Sequence[str] = ()) -> Any:
    """What `to_plain` was called on; lists come back as tuples.

    Args:
        data: plain data.
        trust: packages of one's own whose classes and functions may be imported; motet's own always may.

    Raises:
        CheckpointError: a class of a package that is not trusted, that is not there, or whose fields differ.
    """
    match data:
        case list():
            return tuple(from_json(part, trust=trust) for part in data)
        case {"set": list(parts), **rest} if not rest:
            return frozenset(from_json(part, trust=trust) for part in parts)
        case {"pairs": list(pairs), **rest} if not rest:
            return {from_json(key, trust=trust): from_json(part, trust=trust) for key, part in pairs}
        case {"reference": str(name), **rest} if not rest:
            return _load(name, trust)
        case {"class": str(name), **fields}:
            kind = _load(name, trust)
            if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
                raise CheckpointError(f"saved class {name}: got {kind!r}; want a dataclass")
            values = {str(key): from_json(part, trust=trust) for key, part in fields.items()}
            try:
                return kind(**values)
            except TypeError as error:
                raise CheckpointError(f"saved class {name}: got {sorted(values)}; {error}") from error
        case dict():
            return {key: from_json(part, trust=trust) for key, part in data.items()}
    return data


def _name(thing: Any) -> str:
    name = f"{thing.__module__}:{thing.__qualname__}"
    if "<" in name:
        raise ConfigError(
            f"to save {thing!r}: got a local or nameless function; want one defined at the top of a module"
        )
    return name


def _load(name: str, trust: Sequence[str]) -> Any:
    module, _, path = name.partition(":")
    if not any(module == package or module.startswith(package + ".") for package in ("motet", *trust)):
        raise CheckpointError(
            f"saved name {name!r}: got a package that is not motet's; "
            f"want it in `trust` (--trust {module.split('.')[0]}) if you know whose code it is"
        )
    try:
        thing: Any = importlib.import_module(module)
        for part in path.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(f"saved name {name!r}: got {error}; want it importable here") from error
    return thing
