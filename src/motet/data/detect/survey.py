"""A bounded listing of a folder tree, with the files that detected data sets have claimed."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from motet.data.detect.dataset import Split
from motet.data.formats.paths import is_image

_MAX_DEPTH = 4
_MAX_FOLDERS = 3_000
_MAX_FILES = 2_000  # per folder
_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "t10k": "test",
}  # fmt: skip
_ANSWERS = re.compile(r"submission|sample_sub", re.IGNORECASE)  # what a competition wants back, with made-up labels
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # trainImages
_SPLIT_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(_SPLITS, key=len, reverse=True))})(?![a-z])")


@dataclass(frozen=True)
class Listing:
    """The names of the subfolders and first files of one folder, sorted."""

    folders: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """The files with the ending of an image."""
        return tuple(name for name in self.files if is_image(name))


@dataclass(frozen=True)
class Survey:
    """The folders and files below a folder; `claimed` grows during detection.

    Args:
        root: the folder.
        listings: per listed folder its names, the root first.
        claimed: files and folders that belong to a detected data set.
    """

    root: Path
    listings: dict[Path, Listing]
    claimed: set[Path] = field(default_factory=set)

    def files(self, *endings: str) -> Iterator[Path]:
        """Yields the unclaimed files with these endings, in upper or lower case, but no sample_submission.csv."""
        for folder, listing in self.listings.items():
            for name in listing.files:
                if name.lower().endswith(endings) and not self.is_claimed(folder / name) and not _ANSWERS.search(name):
                    yield folder / name

    def claim(self, *places: Path | None) -> None:
        """Claims files and folders, but not the root: there, other data sets may be beside the images of one."""
        self.claimed.update(place for place in places if place is not None and place != self.root)

    def is_claimed(self, path: Path) -> bool:
        """Returns True where the path or a folder above it belongs to a detected data set."""
        return path in self.claimed or any(parent in self.claimed for parent in path.parents)


def survey_folder(root: Path) -> Survey:
    """Lists a folder and those below it, level by level, without hidden ones."""
    listings: dict[Path, Listing] = {}
    level = [root]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Path] = []
        for folder in level[: _MAX_FOLDERS - len(listings)]:
            listings[folder] = _listing(folder)
            below += [folder / name for name in listings[folder].folders]
        level = below
    return Survey(root, listings)


def _listing(folder: Path) -> Listing:
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif len(files) < _MAX_FILES:
                    files.append(entry.name)
    except OSError:
        pass  # a folder without read permission counts as empty
    return Listing(tuple(sorted(folders)), tuple(sorted(files)))


def distance(one: Path, other: Path) -> int:
    """Returns the number of steps up and down from one folder to the other."""
    left, right = one.absolute().parts, other.absolute().parts
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    return len(left) + len(right) - 2 * shared


def split_of(path: Path, root: Path) -> Split:
    """Returns the split of a file from its own name, else from the name of a folder above it; "" where none says it.

    Examples:
        >>> split_of(Path("a/captions_train2017.json"), Path("a")), split_of(Path("a/dev/x.csv"), Path("a"))
        ('train', 'val')
        >>> split_of(Path("a/trained.csv"), Path("a"))
        ''
    """
    for name in reversed(path.relative_to(root).parts):
        if match := _SPLIT_WORD.search(_CAMEL.sub(" ", name).lower()):
            return _SPLITS[match[1]]
    return ""


def without_splits(path: Path, root: Path) -> str:
    """Returns a path below the root with a star for every split in it: the same for the same place of each split.

    Examples:
        >>> without_splits(Path("a/images/train"), Path("a")) == without_splits(Path("a/images/Val"), Path("a"))
        True
    """
    words = (_SPLIT_WORD.sub("*", _CAMEL.sub(" ", name).lower()) for name in path.relative_to(root).parts)
    return "/".join(words)
