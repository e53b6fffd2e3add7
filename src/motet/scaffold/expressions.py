"""The expressions of a recipe as values: one part of motet builds objects from them, another writes them as Python."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Imported:
    """A class or function of a module; its names are constants of motet's source, never names from data.

    Args:
        module: where it is.
        name: in the module.
        alias: its name in the recipe, where it must have another.
    """

    module: str
    name: str
    alias: str = ""

    @property
    def local_name(self) -> str:
        """Its name in the recipe."""
        return self.alias or self.name

    def load(self) -> Any:
        """Returns the class or function."""
        return getattr(importlib.import_module(self.module), self.name)


@dataclass(frozen=True)
class Variable:
    """A variable of the recipe."""

    name: str


@dataclass(frozen=True)
class Attribute:
    """An attribute of a variable: `kind_rows.names`."""

    of: Variable
    name: str


@dataclass(frozen=True)
class Item:
    """An item of a variable: `kind_rows_parts["val"]`."""

    of: Variable
    key: str


@dataclass(frozen=True)
class Call:
    """A call of a class or function.

    Args:
        function: that is called.
        arguments: by position; expressions and plain values.
        keywords: by name; expressions and plain values.
    """

    function: Imported
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)


Expression: TypeAlias = Imported | Variable | Attribute | Item | Call


class Namespace:
    """The variables of a recipe; each is built once, when it is first used."""

    def __init__(self) -> None:
        self._expressions: dict[str, Expression] = {}
        self._built: dict[str, Any] = {}

    def __contains__(self, variable: str) -> bool:
        return variable in self._expressions

    def define(self, variable: str, value: Expression) -> None:
        """Adds a variable."""
        self._expressions[variable] = value

    def build(self, value: object) -> Any:
        """Returns the object that an expression describes; plain values describe themselves, paths in full."""
        match value:
            case Imported():
                return value.load()
            case Variable(name):
                if name not in self._built:
                    self._built[name] = self.build(self._expressions[name])
                return self._built[name]
            case Attribute(of, name):
                return getattr(self.build(of), name)
            case Item(of, key):
                return self.build(of)[key]
            case Call(function, arguments, keywords):
                positional = [self.build(argument) for argument in arguments]
                return function.load()(*positional, **{name: self.build(part) for name, part in keywords.items()})
            case Path():
                return value.resolve()  # the recipe can be loaded from any working directory
            case Mapping():
                return {self.build(key): self.build(part) for key, part in value.items()}
            case tuple() | list():
                return tuple(self.build(part) for part in value)
        return value
