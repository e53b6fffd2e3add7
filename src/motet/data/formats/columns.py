"""The mapping from columns to the parts of an Example, which `Table`, `HfDataset` and `WebDataset` share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, TypeAlias

from motet.core import ConfigError, DataError, nearest
from motet.data.formats.json_file import short_repr
from motet.data.formats.number_text import is_number

Names: TypeAlias = str | tuple[str, ...]
Cells: TypeAlias = Mapping[str, Any]
_MAX_HINTED = 50


@dataclass(frozen=True)
class Columns:
    """Column names by their content, in one form; made by `make_columns`.

    Args:
        image: one per image of a row.
        text: one, or several for a pair or a dialog.
        labels: annotation -> the columns of its values.
        image_id: a format over columns, such as "coco/{image_id}"; "" for the reader's own ids.
        separator: the text between several texts in one cell; "" where a cell holds one.
        names: the classes, in order.
    """

    image: tuple[str, ...]
    text: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]
    image_id: str
    separator: str
    names: tuple[str, ...]

    @property
    def image_id_columns(self) -> tuple[str, ...]:
        """The columns that the image id is made of."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.image_id) if name)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        labels = (column for columns in self.labels.values() for column in columns)
        return tuple(dict.fromkeys((*self.image, *self.text, *labels, *self.image_id_columns)))

    def formatted_id(self, cells: Cells) -> str:
        """Returns the id of a row's image; "" where there is no format or the row lacks a part of it."""
        parts = {column: cells[column] for column in self.image_id_columns}
        if not self.image_id or any(part is None or part == "" for part in parts.values()):
            return ""
        try:
            return self.image_id.format_map(parts)
        except ValueError as error:
            got = f"{self.image_id!r} ({error}) for {short_repr(parts)}"
            raise ConfigError(f"image_id: got {got}; want a format that fits the cells") from error

    def texts(self, cells: Cells, *, path: Path, row: int | str) -> str | tuple[str, ...]:
        """Returns the text of a row: a string, or a tuple where there are several columns, of which one may be empty.

        Raises:
            DataError: a cell holds no text.
        """
        pair = len(self.text) > 1  # an empty hypothesis is legal, an empty question is not
        found = tuple(
            "" if pair and cells[column] == "" else cell_text(cells[column], column, path=path, row=row)
            for column in self.text
        )
        return found[0] if len(found) == 1 else found or ""

    def annotations(self, cells: Cells, *, path: Path, row: int | str, hidden: int | None = None) -> dict[str, Any]:
        """Returns the labels of a row in the form that tasks expect: see `Table`.

        Args:
            cells: of the row.
            path: the table, for errors.
            row: for errors.
            hidden: the number that test rows with a secret class have; such a row gets no "class".

        Raises:
            DataError: a cell does not hold what its annotation needs.
        """
        found: dict[str, Any] = {}
        for label, columns in self.labels.items():
            if is_texts(label):
                found[label] = self._texts_of(columns, cells, path, row)
            elif label == "class" and hidden is not None and cells[columns[0]] == hidden:
                continue
            elif label == "class" and len(columns) > 1:
                found[label] = one_hot_index([cells[column] for column in columns], columns, self.names, path, row)
            elif label == "class":
                found[label] = class_index(cells[columns[0]], self.names, path=path, row=row)
            elif label == "answer":
                found[label] = cell_text(cells[columns[0]], columns[0], path=path, row=row)
            else:
                values = tuple(cells[column] for column in columns)
                found[label] = values[0] if len(values) == 1 else values
        return found

    def _texts_of(self, columns: tuple[str, ...], cells: Cells, path: Path, row: int | str) -> tuple[str, ...]:
        found: list[str] = []
        for column in columns:
            cell = cells[column]
            if isinstance(cell, str) and self.separator:
                cell = [part.strip() for part in cell.split(self.separator)]
            parts = cell if isinstance(cell, list | tuple) else (cell,)
            found += [cell_text(part, column, path=path, row=row) for part in parts]
        if not found:
            raise DataError(f"{columns[0]}: got an empty list; want at least one text", path=path, row=row)
        return tuple(found)


def make_columns(
    *,
    image: Names,
    text: Names,
    labels: Mapping[str, Names],
    image_id: str = "",
    separator: str = "",
    names: tuple[str, ...] = (),
) -> Columns:
    """Returns the columns that a reader's arguments name.

    Raises:
        ConfigError: several columns where one is needed, class names without "class", names that occur twice, an image
            id that is not a format, or one for several images.
    """
    several = {label: _tuple(columns) for label, columns in labels.items()}
    columns = Columns(_tuple(image), _tuple(text), several, image_id, separator, names)
    if len(several.get("answer", ("",))) != 1:
        raise ConfigError(f"labels['answer']: got {several['answer']}; want one column")
    classes = several.get("class", ())
    if len(classes) > 1 and names and set(names) != set(classes):
        raise ConfigError(f"names: got {short_repr(names)}; want the columns of 'class', {short_repr(classes)}")
    if any(not found for found in several.values()):
        raise ConfigError(f"labels: got {dict(labels)}; want at least one column for each")
    if names and "class" not in several:
        raise ConfigError(
            f"names: got {short_repr(names)} without a 'class' among the labels; want labels={{'class': column}}"
        )
    if len(set(names)) != len(names):
        raise ConfigError(f"names: got {short_repr(names)}; want every name once")
    if image_id and len(columns.image) > 1:
        raise ConfigError(f"image_id: got {image_id!r} for the images {columns.image}; want one image column")
    try:
        if image_id and not columns.image_id_columns:
            raise ConfigError(f"image_id: got {image_id!r}; want a column in it, such as 'coco/{{image_id}}'")
    except ValueError as error:
        raise ConfigError(f"image_id: got {image_id!r} ({error}); want a format such as 'coco/{{image_id}}'") from error
    return columns


def _tuple(columns: Names) -> tuple[str, ...]:
    return ((columns,) if columns else ()) if isinstance(columns, str) else tuple(columns)


def is_texts(label: str) -> bool:
    """Returns True for an annotation that is a tuple of texts: "captions", "captions_de", "answers", "text".

    Examples:
        >>> is_texts("captions_de"), is_texts("class")
        (True, False)
    """
    return label in ("captions", "answers", "text") or label.startswith("captions_")


def cell_text(cell: object, column: str, *, path: Path, row: int | str) -> str:
    """Returns a cell as a text; whole numbers are written out, since many answers are numbers.

    Raises:
        DataError: the cell is empty or holds something else.
    """
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if not isinstance(cell, str) or not cell.strip():
        raise DataError(f"{column}: got {short_repr(cell)}; want a text", path=path, row=row)
    return cell


def collect_class_names(values: Iterable[object]) -> tuple[str, ...]:
    """Returns the classes of a column, sorted; by value when all of them are numbers.

    Examples:
        >>> collect_class_names(["dog", "cat", "dog"]), collect_class_names([2, 10, 0])
        (('cat', 'dog'), ('0', '2', '10'))
    """
    found = {str(value) for value in values if isinstance(value, str | int) and str(value).strip()}
    numbers = all(is_number(name) for name in found)
    return tuple(sorted(found, key=(lambda name: (int(name), name)) if numbers else None))


def class_index(cell: object, names: tuple[str, ...], *, path: Path, row: int | str) -> int:
    """Returns the index of a class among the names; a number that is not a name is an index.

    Raises:
        DataError: neither a name nor an index.
    """
    text = str(cell) if isinstance(cell, str | int) else ""
    if text in names:
        return names.index(text)
    if is_number(text) and int(text) < len(names):
        return int(text)
    hint = f" ({nearest(text, names)})" if len(names) <= _MAX_HINTED else ""
    raise DataError(f"class: got {short_repr(cell)}; want one of the {len(names)} names{hint}", path=path, row=row)


def one_hot_index(
    cells: Sequence[object], columns: tuple[str, ...], names: tuple[str, ...], path: Path, row: int | str
) -> int:
    """Returns the index of the one class whose column is 1.

    Raises:
        DataError: a cell that is neither 0 nor 1, or none or several that are 1.
    """
    numbers = [is_one(cell) for cell in cells]
    if None in numbers:
        column = columns[numbers.index(None)]
        got = short_repr(cells[numbers.index(None)])
        raise DataError(f"{column}: got {got}; want 0 or 1 in a column of one class", path=path, row=row)
    if numbers.count(True) != 1:
        present = [column for column, one in zip(columns, numbers, strict=True) if one]
        raise DataError(f"class: got {len(present)} columns with 1 {short_repr(present)}; want one", path=path, row=row)
    return names.index(columns[numbers.index(True)])


def is_one(cell: object) -> bool | None:
    """Returns True for 1 and False for 0, as numbers, texts or true and false; None for anything else.

    Examples:
        >>> is_one("1.0"), is_one(0), is_one("x")
        (True, False, None)
    """
    text = str(cell).strip().lower()
    return True if text in ("1", "1.0", "true") else False if text in ("0", "0.0", "false") else None


def merge_labels(rows: Sequence[dict[str, Any]], *, path: Path, row: int | str) -> dict[str, Any]:
    """Merges the labels of the rows of one image: texts are joined, all other values must be equal.

    Raises:
        DataError: two rows have different values.
    """
    found = dict(rows[0])
    for other in rows[1:]:
        for label, value in other.items():
            if is_texts(label):
                found[label] = (*found[label], *value)
            elif found[label] != value:
                message = (
                    f"{label}: got {short_repr(found[label])} and {short_repr(value)} for one image; want one value"
                )
                raise DataError(message, path=path, row=row)
    return found


def add_answer(labels: dict[str, Any]) -> dict[str, Any]:
    """Returns the labels with "answer", the most frequent of "answers" (the first of several), if it is missing."""
    if "answers" in labels and "answer" not in labels:
        return {**labels, "answer": Counter(labels["answers"]).most_common(1)[0][0]}
    return labels
