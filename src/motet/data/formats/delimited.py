"""Tables as text: rows of cells between commas, semicolons, tabs or bars, with or without quotes."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError
from motet.data.formats.text_file import read_text

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLED = 20  # rows that decide on the delimiter
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's own first line
# Possessive, so that a file that is not quoted is refused at its first such cell instead of being tried anew.
_QUOTED_CELL = r'"(?:[^"]++|"")*+"'
_CELL = re.compile(rf"({_QUOTED_CELL}|[^\"\t\r\n]*+)(\t|\r?\n|\Z)")


def delimited_rows(path: Path, *, encoding: str = "") -> Iterator[list[str]]:
    """Yields the rows of a CSV, TSV or TXT file; empty lines are skipped.

    The delimiter of a CSV or TXT is the one that cuts its first rows into equally many cells, so that files that Excel
    writes in Germany or France are read. Cells between tabs have quotes only where all quotation marks of the file are
    written as spreadsheets do; in any other a mark is an ordinary character, as in GLUE's files.

    Args:
        path: the file, plain or gzipped.
        encoding: of the file; by default UTF-8, or UTF-16 where it begins with a byte-order mark.

    Raises:
        DataError: as `read_text`, or in a file with quotes one that never closes.
    """
    text = read_text(path, encoding=encoding)
    is_tsv = path.name.lower().removesuffix(".gz").endswith(".tsv")
    delimiter, start = ("\t", 0) if is_tsv else _delimiter(text)
    if delimiter == "\t" and not has_quoted_cells(text):
        return _plain_rows(text[start:])
    return _quoted_rows(text[start:], delimiter, path)


def has_quoted_cells(text: str) -> bool:
    r"""Returns True where the cells of a TSV are quoted as spreadsheets write them.

    All marks must be of quoted cells, and one thing must show that they are no part of the text: a cell with a tab, a
    line break or a doubled mark, a quoted header, or that all cells with a comma are quoted, as Excel does.

    Examples:
        >>> has_quoted_cells('a\tb\n1\t"a ""b"" c"\n'), has_quoted_cells('a\tb\n1\t"Yes"\n2\tno "yes"\n')
        (True, False)
    """
    if '"' not in text:
        return False
    place, commas, header, header_cells = 0, [0, 0], 0, 0
    in_header, certain = True, False
    while place < len(text):
        match = _CELL.match(text, place)
        if match is None:
            return False
        cell, end = match[1], match[2]
        quoted = cell.startswith('"')
        certain = certain or (quoted and ('""' in cell[1:-1] or "\t" in cell or "\n" in cell))
        if in_header:
            header, header_cells = header + quoted, header_cells + 1
        elif "," in cell:
            commas[quoted] += 1
        in_header = in_header and end == "\t"
        place = match.end()
    return certain or header == header_cells or (commas[True] > 0 and not commas[False])


def _plain_rows(text: str) -> Iterator[list[str]]:
    for line in text.split("\n"):
        if cells := line.removesuffix("\r"):
            yield cells.split("\t")


def _quoted_rows(text: str, delimiter: str, path: Path) -> Iterator[list[str]]:
    header = next(_parsed(text, delimiter, None), [])
    # "image, label": a space after each delimiter of the header is none of the names'.
    spaced = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])
    return _parsed(text, delimiter, path, spaced=spaced)


def _parsed(text: str, delimiter: str, path: Path | None, *, spaced: bool = False) -> Iterator[list[str]]:
    """Yields rows with quotes as in RFC 4180; without a path an error ends them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=spaced)
    row = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if path is None:
                return
            raise DataError(f"CSV: got {error}; want rows as in RFC 4180", path=path, row=row) from error
        if cells:
            yield cells
            row += 1


def _delimiter(text: str) -> tuple[str, int]:
    """Returns the delimiter of a CSV, and where its first row begins."""
    if found := _SEP_LINE.match(text):
        return found[1], found.end()
    for delimiter in _DELIMITERS:
        counts = {len(cells) for cells in itertools.islice(_parsed(text, delimiter, None), _SAMPLED)}
        if len(counts) == 1 and counts != {1}:
            return delimiter, 0
    header = next(iter(text.split("\n", 1)), "")
    return max(_DELIMITERS, key=header.count), 0  # a row with too many cells is the reader's error
