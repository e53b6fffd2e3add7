"""The arguments and options that several commands share, and the values that they stand for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_errors

if TYPE_CHECKING:
    from motet.data.source import Role, Source
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
        "--trust", metavar="NAME", help="a package, module or .py file of yours that may be imported; may be repeated"
    ),
]
MovedData = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="OLD=NEW", help="data of the run lie in NEW now, not in OLD; may be repeated"),
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


def chosen_device(name: str | None) -> str:
    """Returns the device of --device: the GPU by default, if there is one."""
    import torch

    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def is_main_process() -> bool:
    """Returns whether this process, of those that `torchrun` started, prints and writes files."""
    return os.environ.get("RANK", "0") == "0"


INIT_RECIPE = "motet_recipe.py"
"""The recipe that `motet init FOLDER` writes into the folder."""


def folder_of(name: str) -> Path:
    """Returns the default folder of a recipe's run: ``lit_decoder:tiny`` goes to ``runs/lit_decoder-tiny``.

    The recipes that `motet init` writes all have one name: their runs are called like the folder that they lie in.
    """
    where, _, function = name.rpartition(":") if ":" in name else (name, "", "")
    stem = Path(where).stem
    if Path(where).name == INIT_RECIPE:
        stem = Path(where).resolve().parent.name or stem
    return Path("runs") / (f"{stem}-{function}" if function not in ("", "run") else stem)


def origin_of(name: str, settings: list[str] | None) -> dict[str, object]:
    """Returns the entry of `run.json` by which the recipe is loaded again, from any working directory."""
    where, dot, function = name.partition(".py")
    known = f"{Path(where + dot).resolve()}{function}" if dot else name
    return {"recipe": known, "settings": list(settings or ())}


def run_of(
    folder: Path,
    settings: list[str] | None = None,
    *,
    trust: list[str] | None = None,
    data: list[str] | None = None,
    roles: tuple[Role, ...] = (),
) -> Run:
    """Returns the run of a run folder, from its data, with the settings of the command line.

    Args:
        folder: of the run.
        settings: of the command line.
        trust: as typed.
        data: as typed.
        roles: of the sources that are read; () for all.

    Raises:
        CheckpointError: a part that is not trusted, or that only its recipe can make.
    """
    from motet.config.overrides import with_settings
    from motet.training.run_data import ROLES, saved_run

    run = saved_run(folder, roles=roles or ROLES, trust=trust or (), moved=moved_data(data))
    return with_settings(run, settings or ())


def run_sources(
    folder: Path,
    role: Role,
    settings: list[str] | None = None,
    *,
    trust: list[str] | None = None,
    data: list[str] | None = None,
) -> tuple[Source, ...]:
    """Returns a run folder's sources of one role; without settings nothing else of the run is read.

    Args:
        folder: of the run.
        role: of the sources.
        settings: of the command line.
        trust: as typed.
        data: as typed.
    """
    from motet.training.run_data import saved_sources

    if settings:
        return run_of(folder, settings, trust=trust, data=data).of_role(role)
    return saved_sources(folder, role, trust=trust or (), moved=moved_data(data))


def check_task_names(model: str | Path, wanted: Iterable[str]) -> None:
    """Refuses the name of a task that a model in a folder does not have, before the model is built.

    Raises:
        ConfigError: such a name.
        CheckpointError: the folder holds no model.
    """
    from motet.core.errors import ConfigError, nearest
    from motet.core.model_folder import saved_task_names

    names = list(wanted)
    if not names or not Path(model).is_dir():  # a name on the Hub: its files come with the model
        return
    known = saved_task_names(model)
    for name in names:
        if name not in known:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, known)}")


def moved_data(pairs: list[str] | None) -> dict[str, str]:
    """Returns new paths by old ones, from OLD=NEW as typed.

    Raises:
        ConfigError: no such pair, or an old path that is not absolute, as run.json has it.
    """
    from motet.core.errors import ConfigError

    moved = {}
    for pair in pairs or ():
        old, equals, new = pair.partition("=")
        if not equals or not new or not Path(old).is_absolute():
            raise ConfigError(f"--data: got {pair!r}; want OLD=NEW, with the absolute path OLD that run.json has")
        moved[old] = str(Path(new).absolute())
    return moved
