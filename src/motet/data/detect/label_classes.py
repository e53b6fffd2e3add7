"""The classes of a folder of label images: from their numbers or colours, and the table of names beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from motet.core import DataError
from motet.data.detect.label_values import LabelValues, palette_colours
from motet.data.formats.class_list import read_class_names
from motet.data.formats.colour_table import read_colour_table, read_number_table
from motet.data.formats.label_palette import Colour

K = TypeVar("K")
Classes: TypeAlias = dict[str, object]
"""The arguments of `MapFolders` that define its classes."""

_NAME_FILES = (
    "classes.txt", "class_names.txt", "names.txt", "labels.txt", "codes.txt", "label_names.txt", "data.yaml",
)  # fmt: skip
_NUMBER_FILES = ("_classes.csv", "classes.csv", "labels.csv", "class_names.csv", "classes.txt", "labels.txt")
_COLOUR_FILES = (
    "class_dict.csv", "class_dict_seg.csv", "classes.csv", "_classes.csv", "colors.csv", "colours.csv", "palette.csv",
    "labelmap.txt", "label_colors.txt", "label_colours.txt", "labels_colors.txt", "classes.txt", "class_colors.txt",
    "colors.txt", "palette.txt", "labels.txt", "classes.json", "class_dict.json", "palette.json", "colors.json",
)  # fmt: skip
_MAX_SAMPLED = 200  # label images, over all splits
_VOID, _VOC_BORDER = 255, (224, 224, 192)


class LabelClasses(NamedTuple):
    """The classes of label images.

    Args:
        arguments: of `MapFolders`.
        summary: for the line that `motet init` prints.
        table: the file with their names; None where there is none.
    """

    arguments: Classes
    summary: str = ""
    table: Path | None = None


def label_classes(places: Sequence[Path], files: Sequence[Path]) -> LabelClasses:
    """Returns the classes of a sample of label images.

    Args:
        places: the folders whose tables of names are used, the nearest first.
        files: the label images.

    Raises:
        DataError: more numbers than there can be classes, numbers that are none, or no file that can be read.
    """
    values = LabelValues()
    sample = list(islice(files, 0, None, -(-len(files) // _MAX_SAMPLED)))
    for path in sample:
        values.add(path)
    if not values.files:
        raise DataError("label images: got none that can be read; want PNG files", path=files[0].parent)
    values.check(files[0].parent, [path.suffix for path in sample[:1]])
    colours = values.colours | {(grey, grey, grey) for grey in values.greys} if values.colours else set()
    if values.palette is None:
        for path in sample:
            colours |= palette_colours(path)
    classes, table = (
        _of_colours(places, colours) if colours else _of_numbers(places, values.numbers, values.palette or {})
    )
    names = classes["names"]
    assert isinstance(names, tuple)
    sampled = "all" if values.files == len(files) else f"{values.files} of"
    strays = f", {values.strays} (a class, or a mistake?)" if values.strays else ""
    return LabelClasses(classes, f", {len(names)} classes in {sampled} {len(files):,} label images{strays}", table)


def _of_numbers(
    places: Sequence[Path], numbers: set[int], palette: Mapping[int, Colour]
) -> tuple[Classes, Path | None]:
    if numbers == {0, _VOID}:
        return {"names": ("background", "foreground"), "stored": (0, _VOID)}, None
    numbers = numbers - {_VOID} or {0}
    top = max(numbers)
    for path in _beside(places, _NUMBER_FILES):
        names_of = _read(read_number_table, path)
        if names_of and numbers <= set(names_of):
            return {"names": tuple(names_of.values()), "stored": tuple(names_of)}, path
    for path in _beside(places, _COLOUR_FILES) if palette else ():
        colours_of = _read(read_colour_table, path)
        stored = {colour: number for number, colour in palette.items()}
        if colours_of and {palette[number] for number in numbers if number in palette} <= set(colours_of):
            named = [(name, stored[colour]) for colour, name in colours_of.items() if colour in stored]
            return {"names": tuple(name for name, _ in named), "stored": tuple(number for _, number in named)}, path
    for path in _beside(places, _NAME_FILES):
        names = read_class_names(path)
        if top < len(names):
            return {"names": names}, path
        if top == len(names):  # 0 is no class
            return {"names": names, "first_class": 1}, path
    if top < 2 * len(numbers):
        return {"names": tuple(f"class {number}" for number in range(top + 1))}, None
    ordered = tuple(sorted(numbers))
    return {"names": tuple(f"class {number}" for number in ordered), "stored": ordered}, None


def _of_colours(places: Sequence[Path], colours: set[Colour]) -> tuple[Classes, Path | None]:
    for path in _beside(places, _COLOUR_FILES):
        names_of = _read(read_colour_table, path)
        border = (_VOC_BORDER,) if _VOC_BORDER in colours - set(names_of) else ()
        if names_of and colours - {_VOC_BORDER} <= set(names_of):
            return {"names": tuple(names_of.values()), "stored": tuple(names_of), "no_class": border}, path
    stored = tuple(sorted(colours - {_VOC_BORDER}))
    names = tuple(f"colour #{red:02x}{green:02x}{blue:02x}" for red, green, blue in stored)
    return {"names": names, "stored": stored, "no_class": (_VOC_BORDER,)}, None


def _read(read: Callable[[Path], dict[K, str]], path: Path) -> dict[K, str]:
    """Returns the table of a file; an empty one where it has another form, which another reader may know."""
    try:
        names_of = read(path)
    except DataError:
        return {}
    return names_of if len(set(names_of.values())) == len(names_of) else {}


def _beside(places: Sequence[Path], names: Sequence[str]) -> Iterator[Path]:
    """Yields the files of these names in the folders."""
    for folder in places:
        for name in names:
            if (folder / name).is_file():
                yield folder / name
