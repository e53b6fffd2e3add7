"""Tables of the colours of classes: `class_dict.csv`, `labelmap.txt` of CVAT, `label_colors.txt` of CamVid, JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.formats.json_file import load_json
from motet.data.formats.label_palette import Colour
from motet.data.formats.text_file import read_lines

_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_CELLS = re.compile(r"[,;:\t]+| {2,}")
_NUMBERS = re.compile(r"(?<![\w.])\d{1,3}(?![\w.])")


def read_colour_table(path: Path) -> dict[Colour, str]:
    """Returns the classes of a table by their colours, in its order.

    A line has a name and three numbers, or a name and a colour such as #ff0000, in either order, between commas,
    colons, tabs or spaces; a header and lines that begin with # are skipped. JSON is an object of names and colours, or
    a list of objects with them.

    Raises:
        DataError: no such file, a line without a colour, or one colour for two classes.
    """
    if path.suffix.lower() == ".json":
        return _from_json(path)
    found: dict[Colour, str] = {}
    for row, line in enumerate(read_lines(path)):
        if not line.strip() or line.startswith("# "):
            continue
        one = _line(line)
        if one is None and not found:
            continue  # a header
        if one is None:
            raise DataError(f"line {row + 1}: got {line[:60]!r}; want a name, red, green and blue", path=path)
        _add(found, *one, path)
    return found


def read_number_table(path: Path) -> dict[int, str]:
    """Returns the classes of a table by their numbers: lines of a number and a name, as Roboflow's `_classes.csv` has.

    Raises:
        DataError: no such file, or a line of another form.
    """
    found: dict[int, str] = {}
    for row, line in enumerate(read_lines(path)):
        cells = [cell.strip() for cell in re.split(r"[,;:\t]", line)]
        if len(cells) > 1 and cells[0].isascii() and cells[0].isdigit() and not cells[1].isdigit():
            found[int(cells[0])] = cells[1]
        elif line.strip() and found:
            raise DataError(f"line {row + 1}: got {line[:60]!r}; want a number and a name", path=path)
    return found


def _line(line: str) -> tuple[str, Colour] | None:
    cells = [cell.strip() for cell in _CELLS.split(line)]
    cells = cells if len(cells) > 1 else line.split()
    for place, cell in enumerate(cells):
        if (match := _HEX.fullmatch(cell)) and (cell.startswith("#") or not cell.isdigit()):
            rest = [other for other in cells[:place] + cells[place + 1 :] if other and not other.isdigit()]
            return (rest[0], (int(match[1], 16), int(match[2], 16), int(match[3], 16))) if rest else None
    numbers = [int(one) for one in _NUMBERS.findall(line) if int(one) < 256]
    words = [one for one in re.split(r"[,;:\t]| (?=\d)|(?<=\d) ", line) if one.strip() and not one.strip().isdigit()]
    if len(numbers) < 3 or not words:
        return None
    # An index may stand before the colour.
    red, green, blue = numbers[-3:] if line.strip()[-1].isdigit() else numbers[:3]
    return words[0].strip(), (red, green, blue)


def _from_json(path: Path) -> dict[Colour, str]:
    data = load_json(path)
    found: dict[Colour, str] = {}
    entries: list[tuple[Any, Any]] = list(data.items()) if isinstance(data, dict) else []
    if isinstance(data, list):
        entries = [
            (entry.get("name", entry.get("label")), entry.get("color", entry.get("colour")))
            for entry in data
            if isinstance(entry, dict)
        ]
    for name, value in entries:
        match value:
            case [int() as red, int() as green, int() as blue, *_]:
                colour = (red, green, blue)
            case str() if hexed := _HEX.fullmatch(value):
                colour = (int(hexed[1], 16), int(hexed[2], 16), int(hexed[3], 16))
            case _:
                raise DataError(f"colour of {name!r}: got {str(value)[:40]!r}; want red, green and blue", path=path)
        _add(found, str(name), colour, path)
    return found


def _add(found: dict[Colour, str], name: str, colour: Colour, path: Path) -> None:
    if found.setdefault(colour, name) != name:
        raise DataError(f"colour {colour}: got it for {found[colour]!r} and {name!r}; want one per class", path=path)
