"""A bounded look at a folder: which folders and files there are, and which of them are spoken for."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from motet.data.detect.dataset import Split
from motet.data.formats.paths import is_image

_MAX_DEPTH = 4
_MAX_FOLDERS = 3_000
_MAX_FILES = 2_000  # of one folder
_PARTS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "t10k": "test",
}  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # trainImages
_PART_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(_PARTS, key=len, reverse=True))})(?![a-z])")


@dataclass(frozen=True)
class Listing:
    """One folder: the names of its folders and of its first files, sorted."""

    folders: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """The files that are named like images."""
        return tuple(name for name in self.files if is_image(name))


@dataclass(frozen=True)
class Survey:
    """What lies below a folder; `taken` grows while formats are recognised.

    Args:
        root: the folder.
        listings: every folder that was looked at, the root first.
        taken: files and folders that a format has already.
    """

    root: Path
    listings: dict[Path, Listing]
    claimed: set[Path] = field(default_factory=set)

    def files(self, *endings: str) -> Iterator[Path]:
        """The files nobody has taken whose names end so, upper or lower case."""
        for folder, listing in self.listings.items():
            for name in listing.files:
                if name.lower().endswith(endings) and not self.is_claimed(folder / name):
                    yield folder / name

    def is_claimed(self, path: Path) -> bool:
        """Whether the path, or a folder above it, belongs to a format that was recognised."""
        return path in self.claimed or any(parent in self.claimed for parent in path.parents)

    def image_folder(self, names: Iterable[str], near: Path) -> Path | None:
        """The folder that holds all these files, of several the one nearest to the file that names them."""
        wanted = [name for name in itertools.islice(names, 5) if name]
        folders = sorted(self.listings, key=lambda folder: (_distance(folder, near.parent), str(folder)))
        return next((f for f in folders if wanted and all((f / name).is_file() for name in wanted)), None)


def survey_folder(root: Path) -> Survey:
    """Looks at a folder and those below it, level by level, hidden ones left out."""
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
        pass  # a folder that may not be read holds nothing for us
    return Listing(tuple(sorted(folders)), tuple(sorted(files)))


def _distance(one: Path, other: Path) -> int:
    """How many steps up and down lead from one folder to the other."""
    ours, theirs = one.absolute().parts, other.absolute().parts
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False)))
    return len(ours) + len(theirs) - 2 * shared


def split_of(path: Path, root: Path) -> Split:
    """Which part a file is of, by its own name or else by a folder's above it.

    Examples:
        >>> part_of(Path("a/captions_train2017.json"), Path("a")), part_of(Path("a/dev/x.csv"), Path("a"))
        ('train', 'val')
        >>> part_of(Path("a/trained.csv"), Path("a"))
        ''
    """
    for name in reversed(path.relative_to(root).parts):
        if found := _PART_WORD.search(_CAMEL.sub(" ", name).lower()):
            return _PARTS[found[1]]
    return ""
