"""Loading of recipes and studies by name: ``lit_decoder:tiny`` or ``path/to/file.py:function``."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from motet.core.errors import ConfigError, nearest
from motet.core.saved_names import import_file

if TYPE_CHECKING:
    from motet.training.run import Run

T = TypeVar("T")

RECIPES = Path(__file__).parents[1] / "recipes"


def families() -> tuple[str, ...]:
    """Returns the names of the package's recipe files: one per system, and some for transfer."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.py") if path.stem != "__init__"))


@dataclass(frozen=True)
class Listed:
    """A recipe as `motet list recipes` shows it.

    Args:
        name: what `motet train` takes.
        summary: the first line of its docstring.
    """

    name: str
    summary: str


def list_recipes() -> tuple[Listed, ...]:
    """Returns every recipe of the package; reads the files without running them."""
    return tuple(
        Listed(f"{family}:{name}", summary)
        for family in families()
        for name, summary in functions_in(RECIPES / f"{family}.py", "Run").items()
    )


def functions_in(path: Path, returns: str) -> dict[str, str]:
    """Returns the public functions of a Python file that need no arguments and are annotated to return `returns`.

    Maps each name to the first line of its docstring. The file is parsed, not run.

    Raises:
        ConfigError: the file cannot be read or is not Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except OSError as error:
        raise ConfigError(f"{path}: got {error.strerror or error}; want a readable Python file") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{path}: got {error}; want a Python file") from error
    return {
        node.name: (ast.get_docstring(node) or "").partition("\n")[0]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and node.returns is not None
        and ast.unparse(node.returns).strip("'\"").rpartition(".")[2] == returns
        and _needs_nothing(node.args)
    }


def load_recipe(name: str) -> Run:
    """Returns the run that a recipe describes.

    Args:
        name: ``family:function`` of the package, or ``path/to/file.py:function``; a file with a single recipe may leave
            out the function.

    Raises:
        ConfigError: no such family, file or function, or a function that returns no `Run`.

    Examples:
        >>> load_recipe("lit_decodr:tiny")
        Traceback (most recent call last):
        motet.core.errors.ConfigError: recipe 'lit_decodr:tiny': got no file 'lit_decodr'; did you mean 'lit_decoder'?
    """
    where, _, function = name.rpartition(":") if ":" in name else (name, "", "")
    if where.endswith(".py"):
        from motet.training.run import Run

        return load_from_file(Path(where), function, Run, what="recipe")
    if where not in families():
        raise ConfigError(f"recipe {name!r}: got no file {where!r}; {nearest(where, families())}")
    path = RECIPES / f"{where}.py"
    known = functions_in(path, "Run")
    if function not in known:
        raise ConfigError(f"recipe {name!r}: got no recipe {function!r} in {where}; {nearest(function, known)}")
    from motet.training.run import Run

    return _call(getattr(importlib.import_module(f"motet.recipes.{where}"), function), Run, name)


def load_from_file(path: Path, function: str, kind: type[T], *, what: str) -> T:
    """Returns the value that a function of a Python file returns.

    Args:
        path: the file.
        function: its name; "" takes the only function annotated to return `kind`.
        kind: what it must return.
        what: "recipe" or "study", for the error.

    Raises:
        ConfigError: no such file or function, or a function that returns something else.
    """
    known = functions_in(path, kind.__name__)
    if not function:
        if len(known) != 1:
            got = f"{len(known)} ({', '.join(known)})" if known else "none"
            raise ConfigError(
                f"{what} {path}: functions that return {kind.__name__}: got {got}; want exactly one, or {path}:NAME"
            )
        (function,) = known
    made = getattr(import_file(path), function, None)
    if made is None:
        raise ConfigError(f"{what} {f'{path}:{function}'!r}: got no function {function!r}; {nearest(function, known)}")
    return _call(made, kind, f"{path}:{function}")


def _needs_nothing(arguments: ast.arguments) -> bool:
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required == 0 and all(default is not None for default in arguments.kw_defaults)


def _call(function: Callable[[], Any], kind: type[T], name: str) -> T:
    value = function() if callable(function) else function
    if not isinstance(value, kind):
        raise ConfigError(f"{name}: got a {type(value).__name__}; want a function that returns a {kind.__name__}")
    return value
