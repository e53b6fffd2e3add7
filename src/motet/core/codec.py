"""Serialises frozen dataclasses to JSON values and back, for `config.json`, `tasks.json` and `run.json`.

It uses no pickle, and imports no package that the user did not allow.
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
    """Returns dataclasses, tuples, sets, mappings, paths, classes and functions as values that JSON can hold.

    A dataclass becomes ``{"class": "module:Name", field: ...}``; a class or function ``{"reference": "module:name"}``.

    Raises:
        ConfigError: a value that cannot be imported by name (a lambda, a local class) or that has no JSON form.

    Examples:
        >>> from motet.core.target import Text
        >>> to_json(Text(max_words=12))
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
            # A mapping that has a reserved key itself, as labels={"class": ...}, must not be decoded as a dataclass.
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
        f"to save {value!r}: got a {type(value).__name__}; want a number, a string, a collection, a dataclass or a "
        "function of a module"
    )


def from_json(data: Any, *, trust: Sequence[str] = ()) -> Any:
    """Returns the value that `to_json` was called on; lists come back as tuples.

    Args:
        data: JSON values.
        trust: further packages whose classes and functions may be imported; those of motet always may.

    Raises:
        CheckpointError: a class of a package that is not trusted, that does not exist, or whose fields differ.
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
            f"to save {thing!r}: got a local or nameless function; want a function defined at the top level of a module"
        )
    return name


def _load(name: str, trust: Sequence[str]) -> Any:
    module, _, path = name.partition(":")
    if not any(module == package or module.startswith(package + ".") for package in ("motet", *trust)):
        raise CheckpointError(
            f"saved name {name!r}: got a package other than motet; "
            f"want it in `trust` (--trust {module.split('.')[0]}) if you know and trust its code"
        )
    try:
        thing: Any = importlib.import_module(module)
        for part in path.split("."):
            thing = getattr(thing, part)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(f"saved name {name!r}: got {error}; want a name that can be imported here") from error
    return thing
