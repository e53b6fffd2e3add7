"""The arguments and options that several commands share, and the values that they stand for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.console import print_errors

if TYPE_CHECKING:
    from motet.data.source import Source
    from motet.scaffold.init import FolderData
    from motet.training.run import Run

RecipeName = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="family:name of a recipe (motet list recipes), or path/to/file.py:function"),
]
RecipeOrFolder = Annotated[
    str, typer.Argument(metavar="RECIPE|FOLDER", help="a recipe, or a folder of data in known formats")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="the folder of a run")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="change a field of the recipe, e.g. train.steps=50; may be repeated"
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust", metavar="NAME", help="a package or .py file of yours whose tasks and metrics may be imported"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON for a program")]


def recipe_run(name: str, settings: list[str] | None) -> Run:
    """Returns the run that a recipe describes, with the settings of the command line."""
    from motet.config.overrides import with_settings
    from motet.config.recipe_files import load_recipe

    return with_settings(load_recipe(name), settings or ())


def data_of(target: str, settings: list[str] | None) -> FolderData:
    """Returns the sources of a recipe, or those detected in a folder of data with what is not read there."""
    from motet.scaffold.init import FolderData, NothingToRead, read_folder

    if not Path(target).is_dir():
        return FolderData(recipe_run(target, settings).sources)
    try:
        return read_folder(Path(target))
    except NothingToRead as error:
        print_errors(*(error.lines if len(error.lines) > 1 else ()))  # the error itself has the first
        raise


def sources_of(target: str, settings: list[str] | None) -> tuple[Source, ...]:
    """Returns the sources of a recipe, or those detected in a folder of data."""
    return data_of(target, settings).sources


def trusted(names: list[str] | None) -> tuple[str, ...]:
    """Returns the names of the packages to trust; a .py file is imported, and trusted by its module name."""
    from motet.core.saved_names import trusted_modules

    return trusted_modules(names or ())


def is_main_process() -> bool:
    """Returns whether this process, of those that `torchrun` started, prints and writes files."""
    return os.environ.get("RANK", "0") == "0"


def folder_of(name: str) -> Path:
    """Returns the default folder of a recipe's run: ``lit_decoder:tiny`` goes to ``runs/lit_decoder-tiny``."""
    where, _, function = name.rpartition(":") if ":" in name else (name, "", "")
    stem = Path(where).stem
    return Path("runs") / (f"{stem}-{function}" if function not in ("", "run") else stem)


def origin_of(name: str, settings: list[str] | None) -> dict[str, object]:
    """Returns the entry of `run.json` by which the recipe is loaded again, from any working directory."""
    where, dot, function = name.partition(".py")
    known = f"{Path(where + dot).resolve()}{function}" if dot else name
    return {"recipe": known, "settings": list(settings or ())}


def run_of(folder: Path, settings: list[str] | None = None) -> Run:
    """Returns the run of a run folder: its recipe, loaded again, with its recorded settings and more.

    Raises:
        CheckpointError: the run was started from Python, not from a named recipe.
    """
    from motet.core.errors import CheckpointError

    origin = recorded(folder).get("origin") or {}
    if not origin.get("recipe"):
        raise CheckpointError(
            f"{folder}/run.json: got no recipe (started from Python?); want its recipe: --recipe RECIPE"
        )
    return recipe_run(origin["recipe"], [*origin.get("settings", ()), *(settings or ())])


def recorded(folder: Path) -> dict[str, Any]:
    """Returns the contents of a run folder's `run.json`.

    Raises:
        CheckpointError: there is no such file, or it is damaged.
    """
    import json

    from motet.core.errors import CheckpointError

    path = folder / "run.json"
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"run folder {folder}: got no run.json; want a folder that `motet train` made") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: got a damaged file ({error}); want the JSON that `motet train` wrote"
        ) from error
    return data
