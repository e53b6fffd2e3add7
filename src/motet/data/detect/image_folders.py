"""The choice of the folder with the images that a file names: the one of its own split, and the nearest."""

from __future__ import annotations

import filecmp
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath, PureWindowsPath
from typing import NamedTuple

from motet.data.detect.survey import Survey, distance, split_of, without_splits
from motet.data.formats.paths import default_name, is_file

_NUM_FIRST = 5  # names that a folder must have
_MAX_SAMPLED = 200  # names that decide between folders
_MAX_LISTED = 3  # folders in a problem
_IMAGE_WORDS = frozenset({"images", "image", "imgs", "img", "jpegimages", "photos", "photo", "rgb", "color", "frames"})


class ImagesAt(NamedTuple):
    """The folder of the images that a file names, or the reason why there is none.

    Args:
        folder: of the images; None where no folder has them, or where several fit.
        problems: the reason, in one line; empty with a folder, and where no image is named.
    """

    folder: Path | None
    problems: tuple[str, ...] = ()


def find_images(survey: Survey, names: Iterable[str], near: Path) -> ImagesAt:
    """Finds the folder with the images of these names.

    The split in the name of the file that names them decides first: a folder of the same split wins over one without a
    split, and that one over one of another split. Then the nearest wins. Splits often number their images alike, so
    that the labels of one would silently be joined to the images of another.

    Args:
        survey: the folders.
        names: of the images, relative to the folder; all that are known, since they decide between folders.
        near: the file that names them, or the folder of the files that are called like them.
    """
    return _choose(survey, [_Image(name, (name,)) for name in names if name], near)


def find_images_by_stem(survey: Survey, stems: Iterable[str], near: Path) -> ImagesAt:
    """Finds the folder with the images of these names without their endings. See `find_images`."""
    endings = sorted({PurePath(name).suffix for listing in survey.listings.values() for name in listing.images})
    images = [_Image(stem, tuple(f"{stem}{ending}" for ending in endings or [""])) for stem in stems if stem]
    return _choose(survey, images, near)


def find_images_by_names(survey: Survey, names: Iterable[tuple[str, ...]], near: Path) -> ImagesAt:
    """Finds the folder with images that may each have one of several names. See `find_images`."""
    return _choose(survey, [_Image(image[0], image) for image in names], near)


def find_annotated_images(survey: Survey, folder: Path, stems: Sequence[str], named: Sequence[str]) -> ImagesAt:
    """Finds the folder of the images of a folder with one annotation file per image.

    It is the same folder, or one with images of the same names, or one with those that the annotations name.

    Args:
        survey: the folders.
        folder: of the annotations.
        stems: of the annotations.
        named: the images that some of the annotations name, "" where one names none; without folders.
    """
    if not {PurePath(name).stem for name in survey.listings[folder].images}.isdisjoint(stems):
        return ImagesAt(folder)
    known = {PurePath(name).stem for listing in survey.listings.values() for name in listing.images}
    with_images = [stem for stem in stems if stem in known]
    if with_images:
        return find_images_by_stem(survey, with_images, folder)
    return find_images(survey, [PureWindowsPath(name).name or stems[0] for name in named] or stems[:1], folder)


def image_prefix(survey: Survey, folder: Path) -> str:
    """Returns a prefix of the image ids of a folder that no other folder of the survey has."""
    name = default_name(folder)
    if sum(default_name(other) == name for other in survey.listings) <= 1:
        return name
    return (Path(survey.root.absolute().name) / folder.relative_to(survey.root)).as_posix()


def needed_prefix(survey: Survey, folder: Path) -> dict[str, object]:
    """Returns the argument `image_prefix` of a reader whose default, the folder's name, another folder shares."""
    prefix = image_prefix(survey, folder)
    return {} if prefix == default_name(folder) else {"image_prefix": prefix}


class _Image(NamedTuple):
    """An image, as a problem calls it, and the names that its file may have."""

    label: str
    names: tuple[str, ...]

    def is_in(self, folder: Path) -> bool:
        return any(is_file(folder / name) for name in self.names)

    def file(self, folder: Path) -> Path:
        return next(folder / name for name in self.names if is_file(folder / name))


def _choose(survey: Survey, images: Sequence[_Image], near: Path) -> ImagesAt:
    if not images:
        return ImagesAt(None)
    first = images[:_NUM_FIRST]
    missing = {folder: next((image for image in first if not image.is_in(folder)), None) for folder in survey.listings}
    folders = [folder for folder, image in missing.items() if image is None]
    if not folders:
        alike = survey.image_folder([image.names[0] for image in first], near)  # names that are spelled in another way
        if alike is not None:
            return ImagesAt(alike)
        # The folder that has most of them lacks the image that the user has to look for.
        absent = max((image for image in missing.values() if image is not None), key=first.index)
        return ImagesAt(None, (f"{near}: got no folder with the image {absent.label}; want it in this folder",))
    if len(folders) > 1:
        sample = images[:: max(1, len(images) // _MAX_SAMPLED)]
        folders = [folder for folder in folders if all(image.is_in(folder) for image in sample)] or folders
    split = split_of(near, survey.root)
    for wanted in dict.fromkeys((split, "")):
        of_split = [folder for folder in folders if split_of(folder, survey.root) == wanted]
        if of_split:
            return _nearest(survey, of_split, first, near)
    own = _own_folder(survey, folders, split)
    if own is not None:
        got = f"got the image {first[0].label} in {folders[0]}, a folder of another split"
        return ImagesAt(None, (f"{near}: {got}; want it in {own}",))
    other = _annotated_alike(survey, folders, near)
    if other is not None:
        got = f"got the image {first[0].label} in {folders[0]} only, whose annotations are in {other}"
        return ImagesAt(None, (f"{near}: {got}; want a folder of its own split ({split})",))
    if len({split_of(folder, survey.root) for folder in folders}) > 1 and not _are_copies(folders, first):
        return _several(folders, first, near)
    return _nearest(survey, folders, first, near)


def _nearest(survey: Survey, folders: Sequence[Path], first: Sequence[_Image], near: Path) -> ImagesAt:
    place = near if near in survey.listings else near.parent
    ranks = {folder: (distance(folder, place), not _has_image_word(folder)) for folder in folders}
    nearest = [folder for folder in sorted(folders) if ranks[folder] == min(ranks.values())]
    return ImagesAt(nearest[0]) if _are_copies(nearest, first) else _several(nearest, first, near)


def _has_image_word(folder: Path) -> bool:
    return not _IMAGE_WORDS.isdisjoint(part.lower() for part in folder.parts[-2:])


def _are_copies(folders: Sequence[Path], first: Sequence[_Image]) -> bool:
    """Returns True where the first images are the same files in all folders."""
    return all(
        filecmp.cmp(image.file(one), image.file(other), shallow=False)
        for one, other in itertools.pairwise(folders)
        for image in first
    )


def _own_folder(survey: Survey, folders: Sequence[Path], split: str) -> Path | None:
    """Returns the folder of the own split that numbers its images as these folders of other splits do.

    Where it shares no name with them, names are unique over all splits: then the images are what they seem to be.
    """
    places = {without_splits(folder, survey.root) for folder in folders}
    names = {name for folder in folders for name in survey.listings[folder].images}
    for folder, listing in survey.listings.items():
        of_split = split and split_of(folder, survey.root) == split and without_splits(folder, survey.root) in places
        if of_split and not names.isdisjoint(listing.images):
            return folder
    return None


def _annotated_alike(survey: Survey, folders: Sequence[Path], near: Path) -> Path | None:
    """Returns the folder of annotations of another split that these folders are of, and whose files are called alike.

    A folder of annotations without images of its own split, such as one whose images were not unpacked, must not get
    those of another split.
    """
    if near not in survey.listings:
        return None
    splits = {split_of(folder, survey.root) for folder in folders}
    place, names = without_splits(near, survey.root), set(survey.listings[near].files)
    return next(
        (
            folder
            for folder, listing in survey.listings.items()
            if folder != near
            and split_of(folder, survey.root) in splits
            and without_splits(folder, survey.root) == place
            and not names.isdisjoint(listing.files)
        ),
        None,
    )


def _several(folders: Sequence[Path], first: Sequence[_Image], near: Path) -> ImagesAt:
    shown = " and ".join(str(folder) for folder in sorted(folders)[:_MAX_LISTED])
    want = "want it in one of them only, or the same split (train, val, test) in the names of the file and of a folder"
    return ImagesAt(None, (f"{near}: got the image {first[0].label} in {shown}; {want}",))
