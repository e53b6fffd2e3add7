"""Compares values that were read from a file with the declared types of a dataclass's fields."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from pathlib import Path
from typing import Any

_MANY = (tuple, list, frozenset, set, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPING = (dict, collections.abc.Mapping)
_PLAIN = (str, bytes, int, float, bool, tuple, list, dict, frozenset, set, type(None))


def wrong_field(kind: type, values: typing.Mapping[str, Any]) -> str | None:
    """Returns the name of the first value that has another type than its field declares; None where all fit.

    A value of a type that says nothing about its content (`Any`, a class that nobody can name here) fits always.

    Examples:
        >>> from motet.core.target import Dense
        >>> wrong_field(Dense, {"channels": 3, "unit": "metre", "names": ("a", 5)})
        'names'
    """
    try:
        hints = typing.get_type_hints(kind)
    except (NameError, TypeError, AttributeError):
        return None  # a type that is imported for type checkers only
    return next((name for name, value in values.items() if name in hints and not fits(value, hints[name])), None)


def fits(value: Any, hint: Any) -> bool:
    """Returns True for a value of a declared type; a whole number is also a number, and a text a path.

    Examples:
        >>> fits(1, float), fits(True, int), fits((1, "a"), tuple[int, ...]), fits(None, int | None)
        (True, False, False, True)
    """
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in arguments)
    if origin is typing.Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if origin is type:
        return isinstance(value, type)
    if origin is collections.abc.Callable:
        return callable(value)
    if (origin or hint) in _MANY:
        return _fits_many(value, origin or hint, arguments)
    if (origin or hint) in _MAPPING:
        key, part = arguments or (Any, Any)
        return isinstance(value, dict) and all(fits(k, key) and fits(v, part) for k, v in value.items())
    return _fits_class(value, origin or hint)


def _fits_many(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    of_set = origin in (frozenset, set)
    if not isinstance(value, frozenset if of_set else tuple):
        return False
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    return not arguments or all(fits(part, arguments[0]) for part in value)


def _fits_class(value: Any, hint: Any) -> bool:
    if hint is None or hint is type(None):
        return value is None
    if not isinstance(hint, type) or hint in (object, Any):
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if issubclass(hint, Path):
        return isinstance(value, str | Path)
    if hint in _PLAIN or dataclasses.is_dataclass(hint):
        return isinstance(value, hint)
    if getattr(hint, "_is_protocol", False):
        # A number or a text is not an object with methods, whatever the protocol asks for.
        members = [name for name in dir(hint) if not name.startswith("_") and callable(getattr(hint, name))]
        return type(value) not in _PLAIN and all(hasattr(value, name) for name in members)
    return isinstance(value, hint)
