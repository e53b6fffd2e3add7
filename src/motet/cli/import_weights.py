"""The command `import`: published weights to a model that answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines
from motet.cli.options import Json, Sets, recipe_run

if TYPE_CHECKING:
    from motet.core import Task


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command("import", epilog="Example:  motet import facebook/detr-resnet-50 --out models/detr")(import_weights)


def import_weights(
    weights: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_FILE", help="a file of weights, a folder with one, or owner/name on the Hugging Face Hub"
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="folder of the model")],
    into: Annotated[
        str | None,
        typer.Option(metavar="RECIPE", help="fill the system of this recipe instead, with what of the weights fits"),
    ] = None,
    settings: Sets = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEAD=FILE", help="the names of a head's classes in the order of its rows; may be repeated"
        ),
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="the tokeniser: vocab.txt, tokenizer.json, CLIP's merges, or a folder with one")
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(help="detected regions (.tsv, .h5, .lmdb, or a folder of .npz), where a model reads them"),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="a branch, tag or commit on the Hub")] = None,
    json: Json = False,
) -> None:
    """Make a model of published weights: DETR, UniT of MMF, 12-in-1, Uni-Perceiver, CapPa, ViT.

    Encoders alone (BERT, SigLIP, PaliGemma) go into the system of a recipe, with --into. Nothing in a file is run.
    """
    from motet.core.errors import ConfigError
    from motet.recipes.published.import_release import import_into, import_release
    from motet.recipes.published.model import ExtraFiles

    files: dict[str, Path] = {}
    for pair in names or ():
        head, equals, file = pair.partition("=")
        if not (head and equals and file):
            raise ConfigError(f"--names: got {pair!r}; want HEAD=FILE, such as vqa2=answers_vqa.txt")
        files[head] = Path(file)
    given = ExtraFiles(files, words, regions)
    if into is None:
        if settings:
            raise ConfigError("--set: got it without --into; want a recipe whose settings it changes")
        found = import_release(weights, out, revision=revision, given=given)
    else:
        found = import_into(recipe_run(into, settings), weights, out, revision=revision, given=given)
    if json:
        print_json(found.to_dict() | {"folder": str(out)})
        return
    print_lines(*found.lines(), f"wrote {out}", *_next(out, found.tasks))


def _next(out: Path, tasks: Sequence[Task]) -> list[str]:
    """Returns the commands that use the model."""
    from motet.cli.training import predict_command

    names = ", ".join(task.name for task in tasks)
    return [
        f"use it: {predict_command(out, tasks[0])}",
        f"evaluate it: motet evaluate {out} --recipe RECIPE, with test sources of {names}",
    ]
