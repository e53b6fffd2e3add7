"""The command `data regions`: detects the regions of every image of a recipe once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines
from motet.cli.options import Json, RecipeOrFolder, Sets, sources_of

if TYPE_CHECKING:
    from motet.data.formats.regions import RegionFiles

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="NAME.lmdb, NAME.h5, or a name without ending: a folder of npz files"),
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME|FOLDER",
        help="embedded: the boxes that stand out on the map of the bundled EfficientNet-Lite0; grid: a grid on it; "
        "a model of torchvision (fasterrcnn_resnet50_fpn_v2); or a local folder of a detector of transformers",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="weights of the torchvision model, instead of a download"),
]
Most = Annotated[int, typer.Option("--most", min=1, help="regions per image, those of the highest score first")]
Full = Annotated[bool, typer.Option("--full", help="store features as float32; float16 by default")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps")]


def regions(
    target: RecipeOrFolder,
    out: Out = Path("regions"),
    detector: DetectorName = "embedded",
    weights: Weights = None,
    most: Most = 36,
    full: Full = False,
    device: Device = "cpu",
    settings: Sets = None,
    json: Json = False,
) -> None:
    """Detect the regions of every image of a recipe once, and write them to a file that 12-in-1 reads.

    Ctrl-C stops it at any time; the same command continues. The exit code is 1 if an image could not be read.
    """
    from motet.cli.progress import counting
    from motet.data.formats.regions import region_writer
    from motet.data.leakage import image_files
    from motet.experiments.region_extraction import detector_named, write_regions

    sources = sources_of(target, settings)
    made_by = {"detector": detector, "weights": None if weights is None else str(weights), "most": most}
    writer = region_writer(out, made_by, half=not full)
    with counting("detecting regions", quiet=json) as progress, writer:
        detect = detector_named(detector, weights=weights, device=device)
        found = write_regions(image_files(sources), detect, writer, max_regions=most, progress=progress)
    read = None if found.there + found.done == 0 else writer.reader()
    if json:
        size = {} if read is None else {"width": read.width, "classes": read.num_classes}
        print_json({"out": str(out), "there": found.there, "done": found.done, "unread": dict(found.unread), **size})
    else:
        print_lines(*(f"not read: {name}: {reason}" for name, reason in found.unread.items()))
        print_lines(
            f"{found.done:,} images done, {found.there:,} were in the file, {len(found.unread):,} could not be read"
        )
        print_lines(*([] if read is None else _use(out, read)))
    if found.unread:
        raise typer.Exit(1)


def _use(out: Path, read: RegionFiles) -> list[str]:
    """Returns the line by which a recipe reads the file."""
    name = type(read).__name__
    classes = f", probabilities of {read.num_classes} classes" if read.num_classes else ""
    return [
        f"features of {read.width:,} numbers{classes} in {out}",
        f'in a recipe: TwelveInOneConfig(source={name}(path="{out}"), ...)  # motet.data.formats.regions.{name}',
    ]
