"""Changes of single fields, as in ``--set train.steps=50``; each text is parsed as the field's type."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from motet.config.values import read_text, type_name
from motet.core.declared import field_types
from motet.core.errors import ConfigError, nearest

T = TypeVar("T")


def with_settings(value: T, settings: Iterable[str]) -> T:
    """Returns the dataclass with some fields changed, one after the other.

    Args:
        value: a frozen dataclass, such as a `Run`.
        settings: ``"path.of.field=text"``. A path goes through fields, the keys of mappings, and tuples by number or,
            where their parts have a `name`, by that name.

    Raises:
        ConfigError: an unknown path (with the nearest name), a text that is not of the field's type, or a value that
            the dataclass refuses.

    Examples:
        >>> from motet.training.config import TrainConfig
        >>> plan = with_settings(TrainConfig(steps=100), ["steps=50", "grad_clip=none", "precision=bfloat16"])
        >>> plan.steps, plan.grad_clip, plan.precision
        (50, None, 'bfloat16')
        >>> with_settings(TrainConfig(steps=100), ["stesp=50"])
        Traceback (most recent call last):
        motet.core.errors.ConfigError: --set stesp=50: got no field 'stesp' in TrainConfig; did you mean 'steps'?
    """
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"--set {setting}: got no name and '='; want name.of.field=value, such as train.steps=50")
        try:
            value = _changed(value, Any, path.strip().split("."), text.strip())
        except ConfigError as error:
            raise ConfigError(f"--set {setting}: {error}") from error
    return value


def _changed(value: Any, hint: Any, path: Sequence[str], text: str) -> Any:
    """Returns `value` with the field at `path` replaced; `hint` is the declared type of `value`."""
    if not path:
        return read_text(text, hint, value)
    name, rest = path[0], path[1:]
    if dataclasses.is_dataclass(value):
        hints = field_types(type(value))
        if name not in hints:
            raise ConfigError(f"got no field {name!r} in {type(value).__name__}; {_nearest_field(name, value, hints)}")
        return dataclasses.replace(
            typing.cast(Any, value), **{name: _changed(getattr(value, name), hints[name], rest, text)}
        )
    if isinstance(value, Mapping):
        return _changed_mapping(value, hint, path, text)
    if isinstance(value, tuple):
        return _changed_tuple(value, hint, path, text)
    raise ConfigError(f"got {name!r} inside {type_name(type(value))}; want a path that ends before it")


def _nearest_field(name: str, value: Any, hints: Mapping[str, Any]) -> str:
    """Returns a field like this: one of a part of the config that is called so, else the nearest of the config."""
    parts = {part: getattr(value, part) for part in hints}
    for part, inner in parts.items():
        if dataclasses.is_dataclass(inner) and name in field_types(type(inner)):
            return f"did you mean {f'{part}.{name}'!r}?"
    return nearest(name, hints)


def _changed_mapping(value: Mapping[Any, Any], hint: Any, path: Sequence[str], text: str) -> Any:
    keys = {str(key): key for key in value}
    # A name may have dots in it ("scenes.v2"): the longest known key that starts the path.
    for cut in range(len(path), 0, -1):
        key = ".".join(path[:cut])
        if key in keys:
            arguments = typing.get_args(hint)
            part_hint = arguments[1] if len(arguments) == 2 else Any
            return {**value, keys[key]: _changed(value[keys[key]], part_hint, path[cut:], text)}
    raise ConfigError(f"got no key {path[0]!r}; {nearest(path[0], keys)}")


def _changed_tuple(value: tuple[Any, ...], hint: Any, path: Sequence[str], text: str) -> Any:
    names = {str(getattr(part, "name", index)): index for index, part in enumerate(value)}
    places = {str(index): index for index in range(len(value))} | names
    for cut in range(len(path), 0, -1):
        key = ".".join(path[:cut])
        if key in places:
            index, arguments = places[key], typing.get_args(hint)
            part_hint = arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else Any
            part = _changed(value[index], part_hint, path[cut:], text)
            return (*value[:index], part, *value[index + 1 :])
    raise ConfigError(f"got no part {path[0]!r}; {nearest(path[0], names)}")
