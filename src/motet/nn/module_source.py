"""The origin of a module of one's own: a builder that a saved model names, or a built module that it cannot name."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Self, TypeVar, cast

from torch import nn

from motet.core import CheckpointError, ConfigError
from motet.core.saved_names import is_own, module_of, saved_name

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ModuleSource:
    """The origin of a module of one's own.

    With a builder, a class or a function of a module's top level, a saved model is loaded as any other, by ``trust``. A
    built module has no name that a file could hold: its weights are saved and it is handed in again, by ``parts``.

    Args:
        builder: returns the module; one with a parameter ``pretrained`` gets False where saved weights follow.
        arguments: of the builder, plain values.
        name: of a built module, by which it is handed in.
        structure: digest of a built module's structure, to refuse another one.
        module: the built module; it stays as it is, each system gets a copy.

    Raises:
        ConfigError: a builder that is a part of motet.
    """

    builder: Callable[..., Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    structure: str = ""
    module: nn.Module | None = field(default=None, repr=False, compare=False, metadata={"saved": False})

    def __post_init__(self) -> None:
        # A saved model names it: whatever motet itself has by that name is nothing to be called with its arguments.
        if self.builder is not None and is_own(module_of(self.builder)):
            got = f"{module_of(self.builder)}.{self.builder.__qualname__}"
            raise ConfigError(f"builder: got {got}, a part of motet; want a class or function of your own")

    @classmethod
    def of(cls, module: Any, arguments: Mapping[str, Any], *, name: str = "", where: str) -> Self:
        """Returns the source of a module or of what builds one.

        Raises:
            ConfigError: neither, or a builder that cannot be found again by its name.
        """
        if isinstance(module, nn.Module):
            if arguments:
                raise ConfigError(f"{where}: got a built module with arguments {sorted(arguments)}; want none")
            return cls(name=name or type(module).__name__, structure=structure_of(module), module=module)
        if not isinstance(module, type | FunctionType) or (
            isinstance(module, type) and not issubclass(module, nn.Module)
        ):
            got = f"the text {module!r}" if isinstance(module, str) else f"a {type(module).__name__}"
            raise ConfigError(f"{where}: got {got}; want an nn.Module, or a class or function that builds one")
        try:
            saved_name(module)
        except ConfigError as error:
            raise ConfigError(
                f"{where}: got {module.__qualname__}, which no saved model can name; want a function of a module's top "
                "level, or the module that it builds"
            ) from error
        return cls(builder=module, arguments=dict(arguments))

    def build(self, where: str, *, pretrained: bool = True, **offered: Any) -> nn.Module:
        """Returns a new module, or a copy of the built one.

        Args:
            where: names it in errors.
            pretrained: whether weights may be fetched.
            offered: arguments that the builder gets if it has parameters of their names.

        Raises:
            CheckpointError: a built module that was not handed in again.
            ConfigError: a builder that fails or returns something else.
        """
        if self.builder is None:
            if self.module is None:
                raise CheckpointError(
                    f"{where}: got no module {self.name!r}: it was handed in built, so a saved model has its weights "
                    f"alone; want it again: motet.load(folder, parts={{{self.name!r}: module}})"
                )
            return copy.deepcopy(self.module)
        known = inspect.signature(self.builder).parameters
        given = {name: value for name, value in {"pretrained": pretrained, **offered}.items() if name in known}
        try:
            built = self.builder(**{**given, **self.arguments, **({} if pretrained else _without(given))})
        except (TypeError, ValueError, RuntimeError, OSError, LookupError, AttributeError) as error:
            got = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ConfigError(f"{where}: {self.builder.__qualname__}: got {got}; want a module") from error
        if not isinstance(built, nn.Module):
            raise ConfigError(f"{where}: {self.builder.__qualname__}: got a {type(built).__name__}; want an nn.Module")
        return built


def _without(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the argument that keeps a builder from fetching weights, whatever the run gave it."""
    return {"pretrained": False} if "pretrained" in given else {}


def structure_of(module: nn.Module) -> str:
    """Returns a digest of the classes and parameter shapes of a module.

    Examples:
        >>> structure_of(nn.Linear(2, 3)) == structure_of(nn.Linear(2, 3)) != structure_of(nn.Linear(3, 3))
        True
    """
    parts = [f"{name}:{type(part).__qualname__}" for name, part in module.named_modules()]
    parts += [f"{name}:{tuple(value.shape)}" for name, value in sorted(module.state_dict().items())]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def sources_in(config: Any) -> Iterator[ModuleSource]:
    """Yields the module sources anywhere in a configuration."""
    if isinstance(config, ModuleSource):
        yield config
    elif dataclasses.is_dataclass(config) and not isinstance(config, type):
        for part in dataclasses.fields(config):
            yield from sources_in(getattr(config, part.name))
    elif isinstance(config, Mapping):
        for value in config.values():
            yield from sources_in(value)
    elif isinstance(config, tuple | list):
        for value in config:
            yield from sources_in(value)


def built_modules(config: Any) -> dict[str, nn.Module]:
    """Returns the built modules of a configuration by name, which a saved model of it needs again."""
    return {source.name: source.module for source in sources_in(config) if source.module is not None}


def with_modules(config: T, parts: Mapping[str, Any]) -> T:
    """Returns a configuration with built modules handed in.

    Args:
        config: a frozen dataclass, such as a saved model's configuration.
        parts: modules by name, or values of `wrap` that hold them.

    Raises:
        CheckpointError: a name that no part has, or a module of another structure than the saved one.
    """
    names = [source.name for source in sources_in(config) if source.builder is None]
    for name in parts:
        if name not in names:
            raise CheckpointError(f"parts: got {name!r}; want {', '.join(map(repr, names)) or 'none'}")
    return cast(T, _filled(config, {name: _module(name, part) for name, part in parts.items()}))


def _module(name: str, part: Any) -> nn.Module:
    found = part if isinstance(part, nn.Module) else next((one.module for one in sources_in(part) if one.module), None)
    if not isinstance(found, nn.Module):
        raise CheckpointError(f"parts: {name!r}: got a {type(part).__name__}; want an nn.Module")
    return found


def _filled(value: Any, modules: Mapping[str, nn.Module]) -> Any:
    if isinstance(value, ModuleSource):
        if value.builder is not None or value.name not in modules:
            return value
        module = modules[value.name]
        if structure_of(module) != value.structure:
            raise CheckpointError(
                f"parts: {value.name!r}: got a {type(module).__name__} of other layers or shapes than the one that was "
                "trained; want the same"
            )
        return dataclasses.replace(value, module=module)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if not any(True for _ in sources_in(value)):
            return value
        fields = [one.name for one in dataclasses.fields(value) if one.init]
        return dataclasses.replace(value, **{name: _filled(getattr(value, name), modules) for name in fields})
    return value
