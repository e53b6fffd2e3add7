"""Regions found beforehand: `data regions` looks at every picture of a recipe once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_json, print_lines
from motet.cli.options import Json, Sets

if TYPE_CHECKING:
    from motet.data.formats.regions import RegionFiles

Target = Annotated[
    str, typer.Argument(metavar="RECIPE|FOLDER", help="a recipe, or a folder of data whose formats are recognised")
]
Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="NAME.lmdb, NAME.h5, or a name without ending: a folder of npz files"),
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME|FOLDER",
        help="embedded: what stands out on the map of a frozen EfficientNet-Lite0; grid: all boxes of a grid on it; "
        "a model of torchvision (fasterrcnn_resnet50_fpn_v2); or a local folder of transformers'",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="a torchvision model's parameters, instead of downloading them"),
]
Most = Annotated[int, typer.Option("--most", min=1, help="regions a picture, the surest first")]
Full = Annotated[bool, typer.Option("--full", help="features as 32-bit numbers; 16 bits by default")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps")]


def regions(
    target: Target,
    out: Out = Path("regions"),
    detector: DetectorName = "embedded",
    weights: Weights = None,
    most: Most = 36,
    full: Full = False,
    device: Device = "cpu",
    settings: Sets = None,
    json: Json = False,
) -> None:
    """Find the regions of every picture of a recipe, once, and write them to a file that a model reads as its source.

    Stop it with Ctrl-C at any time: the same command goes on where it was. Code 1 when a picture could not be read.
    """
    from motet.cli.inspect import sources_of
    from motet.cli.progress import counting
    from motet.data.formats.regions import region_writer
    from motet.data.leakage import image_files
    from motet.experiments.region_extraction import detector_named, write_regions

    sources = sources_of(target, settings)
    made_by = {"detector": detector, "weights": None if weights is None else str(weights), "most": most}
    writer = region_writer(out, made_by, half=not full)
    with counting("reading pictures", quiet=json) as told, writer:
        finds = detector_named(detector, weights=weights, device=device)
        found = write_regions(image_files(sources), finds, writer, max_regions=most, progress=told)
    read = None if found.there + found.done == 0 else writer.reader()
    if json:
        size = {} if read is None else {"width": read.width, "classes": read.num_classes}
        print_json({"out": str(out), "there": found.there, "done": found.done, "unread": dict(found.unread), **size})
    else:
        print_lines(*(f"not read: {name}: {reason}" for name, reason in found.unread.items()))
        print_lines(
            f"{found.done:,} pictures looked at, {found.there:,} were there, {len(found.unread):,} could not be read"
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
