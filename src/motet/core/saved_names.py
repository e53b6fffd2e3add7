"""Names of classes and functions in saved models: what each may stand for, and the user's own code by trust.

A saved model comes from anywhere. A name in it is looked up in motet's own tables, never in a module: modules hold more
than their own parts (`subprocess`, `shutil`). Only a module that the user trusts by name is imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Self

from motet.core.declared import with_declared_parts
from motet.core.errors import CheckpointError, ConfigError

_MAIN = "__main__"


def module_of(thing: Any) -> str:
    """Returns the name by which the module of a class or function is imported: of a script, that of its file."""
    return _main_name() if thing.__module__ == _MAIN else str(thing.__module__)


def _main_name() -> str:
    main = sys.modules[_MAIN]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return spec.name if spec is not None else Path(file).stem if file else _MAIN


def saved_name(thing: Any) -> str:
    """Returns the name of a class or function in a saved model: ``module:name``.

    Raises:
        ConfigError: a local or nameless one, which cannot be found again.
    """
    name = f"{module_of(thing)}:{thing.__qualname__}"
    if "<" in name:
        raise ConfigError(
            f"to save {thing!r}: got a local or nameless function; want a function defined at the top level of a module"
        )
    return name


def is_own(name: str) -> bool:
    """Returns whether a module, or a saved name, is of motet itself."""
    return name.partition(":")[0].partition(".")[0] == "motet"


@dataclass(frozen=True)
class SavedNames:
    """The classes and functions that a saved name may stand for.

    Args:
        known: motet's own, by name.
        trust: packages and modules of the user's that may be imported.
        files: the file that a module outside motet came from, where it is recorded; for error messages only.
    """

    known: Mapping[str, Any] = field(repr=False)
    trust: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, things: Iterable[Any], *, trust: Sequence[str] = (), files: Mapping[str, str] | None = None) -> Self:
        """Returns the names of classes and functions, and of all dataclasses that these may hold.

        Args:
            things: classes and functions of motet.
            trust: packages, modules or .py files of the user's; a file is imported at once.
            files: see the class.
        """
        things = tuple(things)
        parts = with_declared_parts(thing for thing in things if isinstance(thing, type))
        known = {saved_name(thing): thing for thing in (*things, *parts)}
        return cls(known, trusted_modules(trust), files or {})

    def resolve(self, name: str) -> Any:
        """Returns the class or function of a saved name.

        Raises:
            CheckpointError: a name of motet that is in no table; a module that is not trusted; or a name that is not
                of a class or function which its module itself defines.
        """
        module, _, path = name.partition(":")
        if is_own(name):
            if name not in self.known:
                raise CheckpointError(
                    f"saved name {name!r}: got a name that is in none of motet's tables; want a task, metric, loss, "
                    "system, reader or a part of these"
                )
            return self.known[name]
        if not self._is_trusted(name):
            raise CheckpointError(self._untrusted((name,)))
        try:
            # A script that runs is not imported a second time, which would run it again.
            thing: Any = sys.modules[_MAIN] if module == _main_name() else importlib.import_module(module)
            for part in path.split("."):
                thing = getattr(thing, part)
        except (ImportError, AttributeError) as error:
            raise CheckpointError(f"saved name {name!r}: got {error}; want a name that can be imported here") from error
        if not isinstance(thing, type | FunctionType) or (module_of(thing), thing.__qualname__) != (module, path):
            raise CheckpointError(
                f"saved name {name!r}: got {thing!r}; want a class or function that the module {module} itself defines"
            )
        return thing

    def check(self, data: Any) -> None:
        """Raises ConfigError if data made by `to_json` has a name of motet that could not be read back."""
        for name in names_in(data):
            if is_own(name) and name not in self.known:
                raise ConfigError(
                    f"to save {name}: got a part of motet that a saved model cannot name; want one of its tasks, "
                    "metrics, losses, systems, readers or their parts, or a class of your own"
                )

    def check_trusted(self, data: Any) -> None:
        """Raises CheckpointError, which lists all of it, if data would import code that is not trusted."""
        found = tuple(dict.fromkeys(name for name in names_in(data) if not is_own(name) and not self._is_trusted(name)))
        if found:
            raise CheckpointError(self._untrusted(found))

    def _is_trusted(self, name: str) -> bool:
        module = name.partition(":")[0]
        return any(module == package or module.startswith(package + ".") for package in self.trust)

    def _untrusted(self, names: Sequence[str]) -> str:
        modules = dict.fromkeys(name.partition(":")[0] for name in names)
        options = tuple(dict.fromkeys(self.files.get(module, module.partition(".")[0]) for module in modules))
        places = [
            f"{name} ({self.files[module]})" if (module := name.partition(":")[0]) in self.files else name
            for name in names
        ]
        allowed = " ".join(f"--trust {option}" for option in options)
        return (
            f"got code outside motet, which would be imported and run: {', '.join(places)}; "
            f"want it allowed if you know and trust it: {allowed}, in Python trust={options!r}"
        )


def names_in(data: Any) -> Iterator[str]:
    """Yields the names of classes and functions in data made by `to_json`."""
    match data:
        case {"class": str(name)} | {"reference": str(name)}:
            yield name
    parts = data.values() if isinstance(data, Mapping) else data if isinstance(data, list | tuple) else ()
    for part in parts:
        yield from names_in(part)


def trusted_modules(trust: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of trusted packages and modules; a .py file is imported, and trusted by its module's name.

    Raises:
        ConfigError: a file that cannot be imported.
    """
    if isinstance(trust, str):
        raise ConfigError(f"trust: got the text {trust!r}; want a tuple of names: trust=({trust!r},)")
    return tuple(import_file(Path(name)).__name__ if name.endswith(".py") else name for name in trust)


def import_file(path: Path) -> ModuleType:
    """Imports a Python file as a module, with its folder on the path as if it was run as a script.

    A file that is already loaded is not run again, so that its classes stay identical.

    Raises:
        ConfigError: an import in the file fails, or another module has its name.
    """
    path = path.resolve()
    loaded = sys.modules.get(path.stem)
    if loaded is not None:
        if Path(getattr(loaded, "__file__", None) or "").resolve() == path:
            return loaded
        raise ConfigError(
            f"{path}: got the name of another module, {loaded!r}; want a file name that no module has: rename the file"
        )
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: got no Python module; want a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        del sys.modules[path.stem]
        raise ConfigError(f"{path}: got {error}; want imports that are installed") from error
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
