"""Detection of images in class folders, in one split or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from motet.core import MotetError
from motet.data.detect.dataset import DetectedDataset, Split
from motet.data.detect.near_miss import NearMiss, counted, few
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import SPLIT_NAMES
from motet.data.readers.image_folder import ImageFolder, images_below


def find_class_folders(survey: Survey) -> Iterator[DetectedDataset | NearMiss]:
    """Finds folders with at least two folders of images in them; the classes of other splits are those of training.

    Folders without images beside the class folders do no harm. Folders of class folders beside each other are several
    tasks, unless `Survey.class_level` says which folders are the classes.
    """
    roots = _roots(survey) if survey.class_level is None else dict.fromkeys(_roots_at_level(survey), ())
    training: dict[tuple[str, ...], tuple[str, ...]] = {}  # data set -> classes
    for root in sorted(roots, key=lambda root: split_of(root, survey.root) != "train"):
        key, split = _data_set(survey, root), split_of(root, survey.root)
        arguments: dict[str, object] = {"root": root}
        if survey.class_level is None:
            no_classes = _no_classes(survey, root, roots[root])
            if no_classes:
                arguments["ignore"] = tuple(no_classes)
            yield from _beside(survey, root, no_classes)
        elif survey.class_level > 1:
            arguments["level"] = survey.class_level
        if split in ("val", "test") and key in training:
            arguments["classes"] = training[key]
        names, found = _entry(arguments, split)
        if split == "train":
            training[key] = names
        yield found
    if survey.class_level is None:
        yield from _questions(survey, roots)


def class_names(survey: Survey, folder: Path) -> tuple[str, ...]:
    """Returns the folders of images in a folder; none where most are named like splits (train_labels, val2017)."""
    names = tuple(
        name
        for name in survey.listings[folder].folders
        if not survey.is_claimed(folder / name) and _num_images(survey, folder / name)
    )
    return names if 2 * sum(map(_is_split, names)) < len(names) else ()


def _roots(survey: Survey) -> dict[Path, tuple[str, ...]]:
    """Returns the folders with class folders, which it claims: at least two, or one that the training split has."""
    names_of = {
        folder: names
        for folder in survey.listings
        if not survey.is_claimed(folder) and (names := class_names(survey, folder))
    }
    training = {
        _data_set(survey, folder): set(names)
        for folder, names in names_of.items()
        if len(names) > 1 and split_of(folder, survey.root) == "train"
    }
    roots: dict[Path, tuple[str, ...]] = {}
    for folder, names in names_of.items():
        known = training.get(_data_set(survey, folder), set())
        if (len(names) > 1 or set(names) <= known) and not any(above in roots for above in folder.parents):
            roots[folder] = names
            survey.claimed.update(folder / name for name in names)
    return roots


def _roots_at_level(survey: Survey) -> list[Path]:
    """Returns the root, or the folders of splits in it."""
    folders = [name for name in survey.listings[survey.root].folders if not survey.is_claimed(survey.root / name)]
    splits = [name for name in folders if _is_split(name)]
    survey.claimed.update(survey.root / name for name in folders)
    return [survey.root / name for name in splits] if 2 * len(splits) > len(folders) else [survey.root]


def _entry(arguments: Mapping[str, object], split: Split) -> tuple[tuple[str, ...], DetectedDataset]:
    """Returns the classes that the reader has, and the data set."""
    names: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    rows = 0
    try:
        reader = ImageFolder(**arguments)  # type: ignore[arg-type]  # found by detection
        names, rows = reader.names, len(reader)
    except MotetError as error:
        problems = (str(error),)
    return names, DetectedDataset(
        reader="ImageFolder", arguments=arguments, kind="classification", label="class", rows=rows,
        evidence=f"{len(names)} class folders of images ({few(names)})", split=split, problems=problems,
    )  # fmt: skip


def _no_classes(survey: Survey, root: Path, names: Sequence[str]) -> dict[str, int]:
    """Returns the other folders of a root that hold images, in folders below or of another data set, with their number.

    A folder that is not listed, because there are so many, is taken for a class.
    """
    others = [name for name in survey.listings[root].folders if name not in set(names) and survey.is_known(root / name)]
    return {name: count for name in others if (count := len(images_below(root, name)))}


def _beside(survey: Survey, root: Path, no_classes: Mapping[str, int]) -> Iterator[NearMiss]:
    """Yields the folders beside class folders that could have been meant as one."""
    for name, count in no_classes.items():
        folder = root / name
        written = any(folder == output or folder in output.parents for output in survey.outputs)
        if not written and not survey.is_claimed(folder):
            got = f"{counted(count, 'image')} in folders below it, beside class folders"
            yield NearMiss(folder, got, "them in the folder itself if it is a class")


def _questions(survey: Survey, roots: Mapping[Path, Sequence[str]]) -> Iterator[NearMiss]:
    """Yields a question per folder that holds several folders of class folders: which of them are the classes?"""
    groups: dict[Path, list[Path]] = {}
    for root in roots:
        if not _is_split(root.name) and root != survey.root:
            groups.setdefault(root.parent, []).append(root)
    for parent, beside in groups.items():
        if len(beside) > 1:
            level = len(parent.relative_to(survey.root).parts) + 1
            tops = few([root.name for root in beside])
            below = few([f"{root.name}/{name}" for root in beside for name in roots[root]])
            yield NearMiss(
                parent,
                f"class folders within {len(beside)} folders ({tops}), read as {len(beside)} tasks",
                f"`motet init --class-level {level}` if {tops} are the classes of one task, {level + 1} if {below} are",
            )


def _num_images(survey: Survey, folder: Path) -> int:
    return survey.listings[folder].num_images if folder in survey.listings else 0


def _is_split(name: str) -> bool:
    return name.lower().startswith(tuple(SPLIT_NAMES)) or bool(split_of(Path(name), Path()))


def _data_set(survey: Survey, root: Path) -> tuple[str, ...]:
    """Returns a key that the splits of one data set share: the names of the folders that name no split."""
    return tuple("*" if split_of(Path(part), Path()) else part for part in root.relative_to(survey.root).parts)
