"""XML files with their elements and types checked; every error is one line, and no other file is read."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

from motet.core import DataError
from motet.data.formats.json_file import short_repr
from motet.data.formats.text_file import read_bytes

_MAX_BYTES = 4 * 1024**2  # a thousand times the size of an annotation; parsed it takes 300 MB


class _PlainTreeBuilder(ElementTree.TreeBuilder):
    """A tree builder that refuses a document type, the only place where entities can be declared."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        del pubid, system
        raise DataError(f"XML: got a document type ({name}); want plain elements without one", path=self.path)


def load_xml(path: Path, root: str, *, max_bytes: int = _MAX_BYTES) -> ElementTree.Element:
    """Parses a file and returns its root element.

    A document type is refused where it begins: it could declare entities that expand without limit or name other
    files, and no annotation needs one.

    Args:
        path: the file.
        root: the name of the root element.
        max_bytes: size of the largest file that is parsed.

    Raises:
        DataError: no such file, a larger one, a document type, not XML (with line and column), or another root element.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    try:
        found = ElementTree.fromstring(data, ElementTree.XMLParser(target=_PlainTreeBuilder(path)))
    except ElementTree.ParseError as error:
        raise DataError(f"XML: got {error}; want a whole document", path=path) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"XML: got {error}; want UTF-8", path=path) from error
    if found.tag != root:
        raise DataError(f"XML: got the element <{found.tag}>; want <{root}>", path=path)
    return found


def text_at(element: ElementTree.Element, place: str, *, path: Path, row: int | str | None = None) -> str:
    """Returns the text of a descendant element.

    Raises:
        DataError: no such element, or an empty one.
    """
    text = (element.findtext(place) or "").strip()
    if not text:
        raise DataError(f"element <{place}>: got none, or an empty one; want a text in it", path=path, row=row)
    return text


def number_at(element: ElementTree.Element, place: str, *, path: Path, row: int | str | None = None) -> float:
    """Returns the number in a descendant element; NaN and infinities are left for the caller to refuse.

    Raises:
        DataError: no such element, or not a number.
    """
    text = text_at(element, place, path=path, row=row)
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"<{place}>: got {short_repr(text)}; want a number", path=path, row=row) from error


def integer_at(element: ElementTree.Element, place: str, *, path: Path, row: int | str | None = None) -> int:
    """Returns the whole number in a descendant element.

    Raises:
        DataError: no such element, or not a whole number.
    """
    value = number_at(element, place, path=path, row=row)
    if not math.isfinite(value) or value != int(value):
        raise DataError(f"<{place}>: got {value}; want a whole number", path=path, row=row)
    return int(value)
