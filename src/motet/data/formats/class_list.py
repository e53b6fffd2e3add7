"""Class names from the files that go with YOLO labels: `data.yaml`, `classes.txt`, `coco.names`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from motet.core import DataError
from motet.data.formats.text_file import read_lines

_KEY = re.compile(r"names\s*:\s*(.*)")
_LISTED = re.compile(r"-\s+(.*)")
_NUMBERED = re.compile(r"(\d+)\s*:\s*(.*)")
_PLAIN = re.compile(r"[^,\[\]{}]+")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"")


def names_in(path: Path) -> tuple[str, ...]:
    """The classes of a file, in order: one a line, or what stands under `names:` of a `.yaml`.

    Of YAML what such files use is read: a list, or a mapping from numbers, in lines or in brackets, quoted or not.

    Raises:
        DataError: no such file, no names, one that is there twice, numbers that do not count from 0, or YAML of another
            form.
    """
    lines = read_lines(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        names = _of_yaml(lines, path)
    else:
        names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DataError("names: got none; want at least one class", path=path)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"names: got {twice} more than once; want every class once", path=path)
    return names


def _of_yaml(lines: Sequence[str], path: Path) -> tuple[str, ...]:
    start = next((row for row, line in enumerate(lines) if _KEY.match(line)), None)
    if start is None:
        raise DataError("key 'names': got a file without it; want the classes under it", path=path)
    found = _KEY.match(_bare(lines[start]))
    beside = found[1].strip() if found else ""
    if beside:
        return _in_brackets(" ".join([beside, *(_bare(line) for line in lines[start + 1 :])]), path, start)
    return _in_lines(lines, start + 1, path)


def _in_lines(lines: Sequence[str], start: int, path: Path) -> tuple[str, ...]:
    names: list[str] = []
    for row, line in enumerate(lines[start:], start):
        bare = _bare(line)
        if not bare.strip():
            continue
        listed, numbered = _LISTED.fullmatch(bare.strip()), _NUMBERED.fullmatch(bare.strip())
        if listed is None and (numbered is None or not bare[0].isspace()):
            break  # the next key of the file
        if numbered is not None and listed is None and int(numbered[1]) != len(names):
            raise DataError(f"names: got the number {numbered[1]}; want {len(names)}", path=path, row=row)
        text = listed[1] if listed is not None else numbered[2] if numbered is not None else ""
        names.append(_plain(text.strip(), path, row))
    return tuple(names)


def _in_brackets(text: str, path: Path, row: int) -> tuple[str, ...]:
    """`[a, 'b']` or `{0: a, 1: b}`; what follows the closing bracket is the rest of the file."""
    closing = {"[": "]", "{": "}"}.get(text[0])
    if closing is None:
        raise DataError(f"names: got {text[:60]!r}; want a list of classes", path=path, row=row)
    names: list[str] = []
    place = 1
    while True:
        place = _skip(text, place, " ,")
        if place >= len(text):
            raise DataError(f"names: got a list without its end; want {closing!r}", path=path, row=row)
        if text[place] == closing:
            return tuple(names)
        if closing == "}":
            numbered = re.compile(r"(\d+)\s*:\s*").match(text, place)
            if numbered is None or int(numbered[1]) != len(names):
                raise DataError(
                    f"names: got {text[place : place + 20]!r}; want the number {len(names)}", path=path, row=row
                )
            place = numbered.end()
        found = _QUOTED.match(text, place) or _PLAIN.match(text, place)
        if found is None:
            raise DataError(f"names: got {text[place : place + 20]!r}; want a class", path=path, row=row)
        names.append(_plain(found[0].strip(), path, row))
        place = found.end()


def _skip(text: str, place: int, what: str) -> int:
    while place < len(text) and text[place] in what:
        place += 1
    return place


def _plain(text: str, path: Path, row: int) -> str:
    """A scalar without its quotes."""
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        single = quoted[1]
        name = single.replace("''", "'") if single is not None else re.sub(r"\\(.)", r"\1", quoted[2])
    else:
        name = text
    if not name.strip() or (quoted is None and name[0] in "&*!|>%@`'\"[{"):
        raise DataError(f"names: got {text[:60]!r}; want the name of a class", path=path, row=row)
    return name


def _bare(line: str) -> str:
    """A line without its comment: a '#' at its beginning or behind a space, and not within quotes."""
    place = 0
    while place < len(line):
        quoted = (
            _QUOTED.match(line, place) if line[place] in "'\"" and (place == 0 or line[place - 1] in " [,:-") else None
        )
        if quoted is not None:
            place = quoted.end()
            continue
        if line[place] == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place]
        place += 1
    return line
