"""Paths of image files, and ids of images that all data sets share."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path, PureWindowsPath

from motet.core import DataError, DiskImage
from motet.data.formats.find_file import files_alike, find_file
from motet.data.formats.number_text import is_number
from motet.preprocess.image_formats import image_suffixes

SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
_GENERIC_NAMES = SPLIT_NAMES | {"images", "image", "imgs", "img", "jpegimages", "photos"}
_SYSTEM_NAMES = frozenset(
    {"@eaDir", "__MACOSX", "__pycache__", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)
_COCO = re.compile(r"COCO_[a-z]+\d{4}_0*(\d{1,18})(\.\w+)?(#.*)?")
_FLICKR = re.compile(r"(\d+)(_[0-9a-f]+)?(\.\w+)?(#.*)?")


def coco_id(number: int) -> str:
    """Returns the id of a COCO image; the 2014 and the 2017 release share their numbers.

    Examples:
        >>> coco_id(391895)
        'coco/391895'
    """
    return f"coco/{number}"


def photo_id(file_name: str) -> str:
    """Returns the id of a Flickr or COCO photo by its file name; Flickr8k adds a hash to the number.

    Examples:
        >>> photo_id("1000268201_693b08cb0e.jpg") == photo_id("1000268201.jpg") == "flickr/1000268201"
        True
        >>> photo_id("COCO_val2014_000000398076.jpg#657409")
        'coco/398076'
        >>> photo_id("another.jpg")
        'flickr/another'
    """
    if found := _COCO.fullmatch(file_name):
        return coco_id(int(found[1]))
    found = _FLICKR.fullmatch(file_name)
    return f"flickr/{found[1] if found else Path(file_name).stem}"


def vg_id(image: str) -> str:
    """Returns the id of a Visual Genome image; GQA's images are Visual Genome's, except those that start with a letter.

    Examples:
        >>> vg_id("2400861"), vg_id("n578564")
        ('vg/2400861', 'gqa/n578564')
    """
    return f"vg/{int(image)}" if is_number(image) else f"gqa/{image}"


def default_name(path: Path) -> str:
    """Returns the name of a folder or file in ids; folders called images, train or the like get their parents' too.

    Examples:
        >>> default_name(Path("/data/birds")), default_name(Path("/b/images/train")), default_name(Path("/b/qa.csv"))
        ('birds', 'b/images/train', 'b/qa')
    """
    whole = _absolute(path)
    if whole.suffix and not whole.is_dir():
        whole = whole.parent / whole.name.split(".")[0]
        return "/".join(part for part in (whole.parent.name, whole.name) if part)
    first = whole
    while first.name.lower() in _GENERIC_NAMES:
        first = first.parent
    return whole.relative_to(first.parent).as_posix() if whole.name else ""


def path_inside(root: Path, name: str, *, path: Path, row: int | str | None) -> str:
    """Returns the path of a file relative to a folder that contains it.

    Args:
        root: the folder.
        name: a path that a data file gives, relative to the folder or absolute.
        path: the data file, for the error.
        row: its row, for the error.

    Raises:
        DataError: the name is empty or leads out of the folder.

    Examples:
        >>> path_inside(Path("/data/images"), "a/../b.jpg", path=Path("t.csv"), row=0)
        'b.jpg'
    """
    if "\0" not in name and not {"", os.curdir, os.pardir} & set(name.split("/")):
        return name  # the common case, fast for a million rows
    whole = _absolute(root)
    file = _absolute(whole / name) if "\0" not in name else whole
    if file == whole or not file.is_relative_to(whole):
        raise DataError(f"image: got {name!r}; want a file inside {root}", path=path, row=row)
    return file.relative_to(whole).as_posix()


def _absolute(path: Path) -> Path:
    """Removes `..` without following links, since folders of links to images are common."""
    return Path(os.path.normpath(path.absolute()))


def image_at(file: Path, *, path: Path, row: int | str | None) -> DiskImage:
    """Returns the image file of a row, also where its name is spelled in another way, see `find_file`.

    Raises:
        DataError: no such file, or several that are spelled alike; it names the data file and the row.
    """
    return DiskImage(file_at(file, "image", path=path, row=row))


def file_at(file: Path, what: str, *, path: Path, row: int | str | None) -> Path:
    """Returns the file of a row, an image or a video, see `image_at`."""
    found = find_file(file)
    if found is not None:
        return found
    got, alike = f"no file {file}", files_alike(file)
    if len(alike) > 1:
        names = ", ".join(one.name for one in alike[:3])
        got += f", but {len(alike)} that differ from it in upper and lower case or Unicode form ({names})"
    elif "\\" in str(file):
        got += " (a name with backslashes, as Windows writes paths)"
    raise DataError(f"{what}: got {got}; want the {what} of this row", path=path, row=row)


def is_file(path: Path) -> bool:
    """Returns True for a file that exists; False also for a name that none can have: too long, or with a NUL.

    Examples:
        >>> is_file(Path(__file__)), is_file(Path("x" * 5000)), is_file(Path("a\\0b"))
        (True, False, False)
    """
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def with_image_ending(folder: Path, name: str) -> str:
    """Returns the name of an image's file in a folder, whose ending the given name may lack; the name where none is."""
    if is_image(name):
        return name
    endings = [ending for lower in sorted(image_suffixes()) for ending in (lower, lower.upper())]
    return next((f"{name}{ending}" for ending in endings if (folder / f"{name}{ending}").is_file()), name)


def annotated_image(folder: Path, key: str, file: str) -> str:
    """Returns the name of the image of an annotation file: the one that is called like it, or else the one it names.

    Tools copy an annotation with the name of another image in it, so that its own name is the better guide.

    Args:
        folder: of the images.
        key: the name of the annotation without its ending.
        file: the name in it, of which folders are left out: they are those of another computer.
    """
    name = PureWindowsPath(file).name  # it splits at both kinds of slashes
    if PureWindowsPath(name).stem != key or not (folder / name).is_file():
        own = with_image_ending(folder, key)
        if (folder / own).is_file():
            return own
    return name or f"{key}.jpg"


def file_names(folder: Path) -> list[str]:
    """Returns the names in a folder, sorted, without hidden ones and those that systems make.

    Raises:
        DataError: no such folder.
    """
    try:
        return sorted(entry.name for entry in folder.iterdir() if not is_hidden(entry.name))
    except (OSError, ValueError) as error:
        got = getattr(error, "strerror", None) or error
        raise DataError(f"folder: got {got}; want a readable folder", path=folder) from error


def is_hidden(name: str) -> bool:
    """Returns True for a name that starts with a dot, or that a system or an archiver makes.

    Examples:
        >>> is_hidden(".git"), is_hidden("__MACOSX"), is_hidden("cat")
        (True, True, False)
    """
    return name.startswith(".") or name in _SYSTEM_NAMES


def is_image(name: str) -> bool:
    """Returns True for a file name with the ending of an image."""
    return has_ending(name, image_suffixes())


def has_ending(name: str, endings: Collection[str]) -> bool:
    """Returns True for a file name with one of the endings, in upper or lower case; fast for a million names.

    Examples:
        >>> has_ending("a/b.JPG", {".jpg"}), has_ending("a/.jpg", {".jpg"}), has_ending("jpg", {".jpg"})
        (True, False, False)
    """
    stem, _, ending = name.rpartition(".")
    return f".{ending.lower()}" in endings and stem != "" and not stem.endswith("/")
