"""Serialises frozen dataclasses to JSON values and back, for `config.json`, `tasks.json` and `run.json`.

It uses no pickle, and imports no package that the user did not allow.
"""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from motet.core.errors import CheckpointError, ConfigError, MotetError
from motet.core.field_types import wrong_field

_CLASS, _REFERENCE = "class", "reference"
_MAX_DEPTH, _MAX_SHOWN = 50, 60
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
    return _decoded(data, trust, 0)


def _decoded(data: Any, trust: Sequence[str], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise CheckpointError(f"saved value: got more than {_MAX_DEPTH} values within values; want what motet saved")

    def inner(part: Any) -> Any:
        return _decoded(part, trust, depth + 1)

    match data:
        case list():
            return tuple(map(inner, data))
        case {"set": list(parts), **rest} if not rest:
            return frozenset(_hashable(inner(part)) for part in parts)
        case {"pairs": list(pairs), **rest} if not rest:
            if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
                raise CheckpointError("saved mapping: got something else among its pairs; want lists of key and value")
            return {_hashable(inner(key)): inner(part) for key, part in pairs}
        case {"reference": str(name), **rest} if not rest:
            return _load(name, trust)
        case {"class": str(name), **fields}:
            return _made(name, _load(name, trust), {str(key): inner(part) for key, part in fields.items()})
        case dict():
            return {key: inner(part) for key, part in data.items()}
    return data


def _made(name: str, kind: Any, values: dict[str, Any]) -> Any:
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise CheckpointError(f"saved class {name}: got {kind!r}; want a dataclass")
    # Only of motet's own classes: what is declared elsewhere may be a habit and not a promise.
    field = wrong_field(kind, values) if kind.__module__.partition(".")[0] == "motet" else None
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
            thing = vars(thing)[part]
    except (ImportError, AttributeError, LookupError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"saved name {name!r}: got {got}; want a name that can be imported here") from error
    thing = getattr(thing, "__func__", thing)
    # What a module has imported itself, `os` and all that is in it, is not its own and not what was saved.
    own = isinstance(thing, type | FunctionType) and (thing.__module__, thing.__qualname__) == (module, path)
    if not own:
        raise CheckpointError(f"saved name {name!r}: got something of another module; want what {module} defines")
    return thing
