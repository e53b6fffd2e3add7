"""The dataclasses that a declared type allows: the one rule for `--set` and for saved models."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

UNION = (typing.Union, types.UnionType)


def plain_type(hint: Any) -> Any:
    """Returns the type without Annotated and NewType; `Path` for any kind of path."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return Path if inspect.isclass(hint) and issubclass(hint, Path) else hint


def field_types(kind: type) -> Mapping[str, Any]:
    """Returns the types of the fields that a dataclass's constructor takes, by name."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def choices(hint: Any, *beside: Any) -> dict[str, type]:
    """Returns the dataclasses that may stand where a type is declared.

    Args:
        hint: a dataclass (itself), a union (those of its members), or an interface (the dataclasses with its methods).
        beside: values or classes; the dataclasses of an interface are searched in their modules and its own.
    """
    hint = plain_type(hint)
    if typing.get_origin(hint) in UNION:
        return {name: kind for part in typing.get_args(hint) for name, kind in choices(part, *beside).items()}
    if not inspect.isclass(hint):
        return {}
    if dataclasses.is_dataclass(hint) and not inspect.isabstract(hint):
        return {hint.__name__: hint}
    methods = [name for name in dir(hint) if not name.startswith("_")]
    kinds = [hint, *(thing if inspect.isclass(thing) else type(thing) for thing in beside)]
    modules = [vars(sys.modules[kind.__module__]) for kind in kinds if kind.__module__ in sys.modules]
    found = [thing for module in modules for thing in module.values() if methods and inspect.isclass(thing)]
    return {
        thing.__name__: thing
        for thing in found
        if dataclasses.is_dataclass(thing)
        and thing.__name__[0] != "_"
        and all(hasattr(thing, name) for name in methods)
    }


def with_declared_parts(kinds: Iterable[type]) -> frozenset[type]:
    """Returns dataclasses with all those that their fields may hold, and so on; types of functions count as none.

    Examples:
        >>> from motet.core.task import Task
        >>> sorted(kind.__name__ for kind in with_declared_parts([Task]))[:4]
        ['Answer', 'Boxes', 'Dense', 'Label']
    """
    found: set[type] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            if dataclasses.is_dataclass(kind):
                waiting += [part for hint in field_types(kind).values() for part in _allowed(hint)]
    return frozenset(found)


def _allowed(hint: Any) -> list[type]:
    hint = plain_type(hint)
    origin = typing.get_origin(hint)
    if origin in (collections.abc.Callable, typing.Literal):
        return []
    if origin is not None:
        return [kind for part in typing.get_args(hint) for kind in _allowed(part)]
    return list(choices(hint).values())
