"""First steps: `demo` on the embedded data, `init` on your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motet.cli.console import console, print_lines


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet demo --quick")(demo)
    app.command(epilog="Example:  motet init path/to/folder --out my_recipe.py")(init)


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="under three minutes instead of ten")] = False,
    folder: Annotated[Path, typer.Option(help="where the runs and the report go")] = Path("runs/demo"),
) -> None:
    """Train one model on six tasks and more, train single-task twins, compare them, and show what it answers.

    Nothing is downloaded: pictures are drawn from the OpenMoji font (CC BY-SA 4.0), the encoder comes with motet.
    """
    from motet.cli.demo import demo as run_demo

    run_demo(folder, quick, console())


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a folder with data in published or plain formats")],
    out: Annotated[Path | None, typer.Option(help="the recipe's file; FOLDER/motet_recipe.py by default")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a file that is there")] = False,
) -> None:
    """Look at a folder of data, recognise the formats in it, and write a recipe that is ready to run."""
    from motet.scaffold.init import write_recipe

    written = write_recipe(folder, out or folder / "motet_recipe.py", replace=force)
    print_lines(*written.lines)
    print_lines("", f"wrote {written.path}", "next:")
    print_lines(*(f"  motet {what} {written.path}:{name}" for name in written.runs for what in ("plan", "train")))
