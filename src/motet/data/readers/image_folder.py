"""Images in class folders: `root/cat/1.jpg`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example, nearest
from motet.core.errors import repeated
from motet.data.formats.paths import default_name, file_names, image_at, is_image


@dataclass(frozen=True)
class ImageFolder:
    """Class folders of images, for classification; labels: "class", an index into `names`.

    Args:
        root: the folder that holds the class folders.
        classes: the class folders and their order; by default all folders, sorted. Give the other parts those of the
            training part, so that an index means the same class in all of them; a class may have no folder here.
        rename: class folder -> class name ("n02123045" -> "tabby cat"); the other classes are named by their folder.
        name: prefix of Example ids; by default the folder's name.

    Raises:
        DataError: no such folder, no images in it, a class folder without images or one that is not among `classes`.
        ConfigError: `rename` contains a folder that is not a class, or gives two classes the same name.
    """

    root: Path | str
    classes: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _prefix: str = field(init=False, repr=False, compare=False)
    _rows: tuple[tuple[int, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = Path(self.root)
        classes = self.classes or tuple(_class_folders(root))
        rows = tuple(_rows(root, classes))
        if not rows:
            raise DataError("class folders: got no images; want root/class/image.jpg", path=root)
        object.__setattr__(self, "names", _names(classes, self.rename))
        object.__setattr__(self, "_prefix", self.name or default_name(root))
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is its path below the root."""
        return (f"{self._prefix}/{self._rows[index][1]}",)

    def __getitem__(self, index: int) -> Example:
        class_index, place = self._rows[index]
        root, key = Path(self.root), f"{self._prefix}/{place}"
        image = image_at(root / place, path=root, row=index)
        return Example(id=key, images=(image,), image_ids=(key,), labels={"class": class_index})


def _class_folders(root: Path) -> list[str]:
    return [name for name in file_names(root) if (root / name).is_dir()]


def _names(classes: tuple[str, ...], rename: Mapping[str, str]) -> tuple[str, ...]:
    for folder in rename:
        if folder not in classes:
            raise ConfigError(f"ImageFolder.rename: got {folder!r}; want a class folder ({nearest(folder, classes)})")
    names = tuple(rename.get(folder, folder) for folder in classes)
    if len(set(names)) != len(names):
        twice = repeated(names)
        raise ConfigError(f"ImageFolder: got the class names {twice} more than once; want every name once")
    return names


def _rows(root: Path, classes: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    index_of = {folder: index for index, folder in enumerate(classes)}
    for folder in _class_folders(root):
        if folder not in index_of:
            hint = nearest(folder, classes)
            raise DataError(f"class folder: got {folder!r}; want one of the given classes ({hint})", path=root / folder)
        places = _images_below(root, folder)
        if not places:
            raise DataError("class folder: got no images; want at least one", path=root / folder)
        yield from ((index_of[folder], place) for place in places)


def _images_below(root: Path, folder: str) -> list[str]:
    found = []
    for at, folders, files in os.walk(root / folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(at).relative_to(root).as_posix()
        found += [f"{inside}/{name}" for name in files if is_image(name) and not name.startswith(".")]
    return sorted(found)
