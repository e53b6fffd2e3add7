"""The categories of COCO's JSON: the classes of its boxes, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motet.core import DataError
from motet.data.formats.json_file import check_type, get_field, get_id, get_key


@dataclass(frozen=True)
class Categories:
    """The categories of a file.

    Args:
        name_of: id -> name; several ids may have the same name.
    """

    name_of: Mapping[int | str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, each once, in the order of their ids."""
        return tuple(dict.fromkeys(self.name_of.values()))

    def numbers(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """Returns the file's own number of each name; -1 for a name that the file lacks.

        Names are numbered from 1 where the file calls them by texts.
        """
        if any(isinstance(key, str) for key in self.name_of):
            return tuple(range(1, len(names) + 1))
        by_name = {name: int(key) for key, name in reversed(list(self.name_of.items()))}
        return tuple(by_name.get(name, -1) for name in names)


def read_categories(data: object, path: Path) -> Categories:
    """Returns the categories of a file, without those that only group others.

    Tools write the supercategory of all classes as a category too: one that no annotation has and that others name as
    theirs is no class. Categories with the same name are one class.

    Raises:
        DataError: no categories, one without id or name, or an id with two names.
    """
    found: dict[int | str, str] = {}
    parents: set[str] = set()
    for row, entry in enumerate(get_field(data, "categories", list, path=path)):
        key, name = get_key(entry, "id", path=path, row=row), get_id(entry, "name", path=path, row=row)
        if not name.strip():
            raise DataError("name: got an empty text; want the name of a class", path=path, row=row)
        if found.get(key, name) != name:
            raise DataError(f"categories: got {key} {name!r} after {key} {found[key]!r}; want every id once",
                            path=path, row=row)  # fmt: skip
        found[key] = name
        above = entry.get("supercategory")
        parents |= {above} - {name} if isinstance(above, str) else set()
    used = _used(data, path)
    used_names = {found[key] for key in used if key in found}
    classes = {key: name for key, name in found.items() if key in used or name not in used_names | parents}
    if not classes:
        raise DataError("categories: got none; want at least one", path=path)
    return Categories(dict(sorted(classes.items(), key=lambda item: (isinstance(item[0], str), item[0]))))


def _used(data: object, path: Path) -> set[int | str]:
    """Returns the ids that annotations have; what is no id is an error of its row."""
    entries = check_type(data, dict, "file", path=path).get("annotations") or ()
    values = {value for entry in entries if isinstance(entry, dict) and _is_id(value := entry.get("category_id"))}
    return {get_key({"id": value}, "id", path=path) for value in values}


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int | str) and not isinstance(value, bool)
