"""Images in class folders: `root/cat/1.jpg`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motet.core import ConfigError, DataError, Example, nearest
from motet.core.errors import repeated
from motet.data.formats.linked_folders import leads_back, walk_folder
from motet.data.formats.packed_texts import PackedTexts
from motet.data.formats.paths import default_name, file_names, image_at, is_image


@dataclass(frozen=True)
class ImageFolder:
    """Class folders of images, for classification; labels: "class", an index into `names`.

    Folders without an image in them or below are no classes.

    Args:
        root: the folder that holds the class folders.
        classes: the class folders and their order; by default all folders with images, sorted. Give the other parts
            those of the training part, so that an index means the same class in all of them; a class may have no folder
            here.
        rename: class folder -> class name ("n02123045" -> "tabby cat"); the other classes are named by their folder.
        name: prefix of Example ids; by default the folder's name.
        level: how many folders below the root the class folders are. With 2, the classes of `root/animals/cat/1.jpg`
            and `root/plants/oak/1.jpg` are "animals/cat" and "plants/oak"; with 1, "animals" and "plants".
        ignore: folders of images that are no classes.

    Raises:
        DataError: no such folder, no images in it, or a folder of images that is not among `classes`.
        ConfigError: `rename` contains a folder that is not a class, or gives two classes the same name; a level below
            1.
    """

    root: Path | str
    classes: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    level: int = 1
    ignore: tuple[str, ...] = ()
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _prefix: str = field(init=False, repr=False, compare=False)
    _places: PackedTexts = field(init=False, repr=False, compare=False)
    _class_of: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = Path(self.root)
        if self.level < 1:
            raise ConfigError(f"ImageFolder.level: got {self.level}; want 1 or more")
        folders = [name for name in _folders(root, self.level) if name not in self.ignore]
        places = {name: found for name in folders if (found := images_below(root, name))}
        if not places:
            raise DataError(
                f"class folders: got no images; want root/{'*/' * (self.level - 1)}class/image.jpg", path=root
            )
        classes = self.classes or tuple(places)
        object.__setattr__(self, "names", _names(classes, self.rename))
        object.__setattr__(self, "_prefix", self.name or default_name(root))
        counts = [len(inside) for inside in places.values()]
        object.__setattr__(self, "_class_of", np.repeat(_class_indices(root, classes, places), counts))
        object.__setattr__(self, "_places", PackedTexts.of(place for inside in places.values() for place in inside))

    def __len__(self) -> int:
        return len(self._places)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is its path below the root."""
        return (f"{self._prefix}/{self._places[index]}",)

    def __getitem__(self, index: int) -> Example:
        class_index, place = int(self._class_of[index]), self._places[index]
        root, key = Path(self.root), f"{self._prefix}/{place}"
        image = image_at(root / place, path=root, row=index)
        return Example(id=key, images=(image,), image_ids=(key,), labels={"class": class_index})


def images_below(root: Path, folder: str) -> list[str]:
    """Returns the images in a folder of the root and in all folders below it, as sorted paths from the root.

    Links to folders are followed, each once.
    """
    found = []
    for at, files in walk_folder(root / folder):
        inside = at.relative_to(root).as_posix()
        found += [f"{inside}/{name}" for name in files if is_image(name)]
    return sorted(found)


def _folders(root: Path, level: int) -> list[str]:
    names = [name for name in file_names(root) if (root / name).is_dir() and not leads_back(root / name, root)]
    if level == 1:
        return names
    return [f"{name}/{below}" for name in names for below in _folders(root / name, level - 1)]


def _names(classes: tuple[str, ...], rename: Mapping[str, str]) -> tuple[str, ...]:
    for folder in rename:
        if folder not in classes:
            raise ConfigError(f"ImageFolder.rename: got {folder!r}; want a class folder ({nearest(folder, classes)})")
    names = tuple(rename.get(folder, folder) for folder in classes)
    if len(set(names)) != len(names):
        twice = repeated(names)
        raise ConfigError(f"ImageFolder: got the class names {twice} more than once; want every name once")
    return names


def _class_indices(root: Path, classes: tuple[str, ...], places: Mapping[str, list[str]]) -> np.ndarray:
    """Returns the index of the class of each folder."""
    index_of = {folder: index for index, folder in enumerate(classes)}
    for folder in places:
        if folder not in index_of:
            hint = nearest(folder, classes)
            raise DataError(f"class folder: got {folder!r}; want one of the given classes ({hint})", path=root / folder)
    return np.array([index_of[folder] for folder in places], dtype=np.int32)
