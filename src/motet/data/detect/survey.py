"""A bounded listing of a folder tree, with the files that detected data sets have claimed."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from motet.data.detect.dataset import Split
from motet.data.formats.find_file import find_file
from motet.data.formats.linked_folders import leads_back
from motet.data.formats.paths import is_file as is_file
from motet.data.formats.paths import is_hidden, is_image

_MAX_DEPTH = 4
_MAX_FOLDERS = 3_000
_MAX_FILES = 2_000  # per folder
_MAX_SPELLED = 100  # folders in which names count that are only spelled alike, since all names there are compared
_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "t10k": "test",
}  # fmt: skip
_OUTPUTS = (
    frozenset({"run.json", "log.jsonl"}),
    frozenset({"model.safetensors", "tasks.json"}),
    frozenset({"store.json", "stamps.json"}),
)  # files of folders that motet writes: a run, a model, stored features
_SUBMISSION = re.compile(r"submission|sample_sub", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # trainImages
# Open Images has its version before some splits alone: oidv6-train-annotations-bbox, validation-annotations-bbox.
_SPLIT_WORD = re.compile(rf"(?:oidv\d+-)?(?<![a-z])({'|'.join(sorted(_SPLITS, key=len, reverse=True))})(?![a-z])")


@dataclass(frozen=True)
class Listing:
    """The names in one folder, sorted.

    Args:
        folders: all of them.
        files: the first ones.
        endings: number of files by ending, such as ".jpg" or ".JPG", over all files; "" for those without.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    endings: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """The files with the ending of an image."""
        return tuple(name for name in self.files if is_image(name))

    @cached_property
    def image_endings(self) -> tuple[str, ...]:
        """The endings of its images, ".jpg" before ".JPG"."""
        known = [ending for ending in self.endings if is_image(f"a{ending}")]
        return tuple(sorted(known, reverse=True))

    @property
    def num_images(self) -> int:
        """Number of all files with the ending of an image."""
        return sum(self.endings[ending] for ending in self.image_endings)


@dataclass(frozen=True)
class Survey:
    """The folders and files below a folder; `claimed` grows during detection.

    Args:
        root: the folder.
        listings: per listed folder its names, the root first.
        outputs: folders that motet wrote, which are not listed.
        class_level: how many folders below the root the class folders of images are; None to find out.
        claimed: files and folders that belong to a detected data set.
    """

    root: Path
    listings: dict[Path, Listing]
    outputs: frozenset[Path] = frozenset()
    class_level: int | None = None
    claimed: set[Path] = field(default_factory=set)

    def files(self, *endings: str) -> Iterator[Path]:
        """Yields the unclaimed files with these endings, in upper or lower case, but no sample_submission.csv."""
        for folder, listing in self.listings.items():
            names = [name for name in listing.files if name.lower().endswith(endings) and not is_submission(name)]
            if names and not self.is_claimed(folder):
                paths = (folder / name for name in names)
                yield from (path for path in paths if path not in self.claimed)

    def files_beside_images(self, *endings: str) -> Iterator[Path]:
        """Yields the unclaimed files, also those in a claimed folder of images that holds a claimed file itself.

        A user's images, their annotations and other annotations can all be in one folder.
        """
        holders = {path.parent for path in self.claimed}
        for folder, listing in self.listings.items():
            if all(place in holders for place in (folder, *folder.parents) if place in self.claimed):
                paths = (folder / name for name in listing.files if name.lower().endswith(endings))
                yield from (path for path in paths if path not in self.claimed)

    def claim(self, *places: Path | None) -> None:
        """Claims files and folders, but not the root: there, other data sets may be beside the images of one."""
        self.claimed.update(place for place in places if place is not None and place != self.root)

    def is_claimed(self, path: Path) -> bool:
        """Returns True where the path or a folder above it belongs to a detected data set."""
        return path in self.claimed or any(parent in self.claimed for parent in path.parents)

    def is_known(self, folder: Path) -> bool:
        """Returns True where the folder was looked into; there may be too many."""
        return folder in self.listings or folder in self.outputs

    def image_folder(self, names: Iterable[str], near: Path) -> Path | None:
        """Finds the folder with all these files; of several the one nearest to `near`, the file that names them.

        Where none has them, names that are spelled in another way count too (see `find_file`), in the nearest folders.
        """
        sample = [name for name in itertools.islice(names, 5) if name]
        if not sample:
            return None
        folders = sorted(self.listings, key=lambda folder: (distance(folder, near.parent), str(folder)))
        exact = next((f for f in folders if all(is_file(f / name) for name in sample)), None)
        alike = (f for f in folders[:_MAX_SPELLED] if all(find_file(f / name) for name in sample))
        return exact or next(alike, None)


def is_submission(name: str) -> bool:
    """Returns True for a file that shows what a competition wants back: its labels are placeholders.

    Examples:
        >>> is_submission("SampleSubmission.csv"), is_submission("train.csv")
        (True, False)
    """
    return bool(_SUBMISSION.search(name))


def survey_folder(root: Path, class_level: int | None = None) -> Survey:
    """Lists a folder and those below it, level by level, without hidden ones and those that motet writes."""
    listings: dict[Path, Listing] = {}
    outputs: set[Path] = set()
    level = [root]
    for _ in range(_MAX_DEPTH + 1):
        below: list[Path] = []
        for folder in level[: _MAX_FOLDERS - len(listings)]:
            listing = _listing(folder)
            if folder != root and any(output <= set(listing.files) for output in _OUTPUTS):
                outputs.add(folder)
                continue
            listings[folder] = listing
            below += [path for name in listing.folders if not leads_back(path := folder / name, root)]
        level = below
    return Survey(root, listings, frozenset(outputs), class_level)


def _listing(folder: Path) -> Listing:
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file():  # a pipe would be read without end
                    files.append(entry.name)
    except OSError:
        pass  # a folder without read permission counts as empty
    endings = Counter(f".{ending}" if dot else "" for _, dot, ending in (name.rpartition(".") for name in files))
    return Listing(tuple(sorted(folders)), tuple(sorted(files)[:_MAX_FILES]), endings)


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
