"""Everything in a folder that no data set has: file by file what it is, how near it comes, and what to change."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from motet.data.detect.dataset import DetectedDataset
from motet.data.detect.near_boxes import xml_miss, yolo_miss
from motet.data.detect.near_json import json_miss
from motet.data.detect.near_miss import NearMiss, counted, few, grouped
from motet.data.detect.near_tables import list_miss, table_miss
from motet.data.detect.survey import Survey
from motet.data.formats.paths import is_image
from motet.preprocess.image_formats import HEIC_ADVICE, HEIC_SUFFIXES

_SAMPLED = 20  # files of one folder and ending that are looked into
_UNREADABLE = {
    **dict.fromkeys((".zip", ".7z", ".rar", ".bz2", ".xz"), ("an archive", "it unpacked")),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), ("a spreadsheet", "it saved as a CSV file")),
    **dict.fromkeys((".tfrecord", ".tfrecords"), ("TFRecords", "image files with a table, or WebDataset tars")),
    **dict.fromkeys(
        (".npz", ".npy", ".mat", ".h5", ".hdf5"), ("arrays", "image files with a table, if they are the data")
    ),
    **dict.fromkeys(
        (".pkl", ".pickle"), ("a pickle, which is never loaded", "image files with a table, if it is the data")
    ),
    **dict.fromkeys((".arrow", ".feather"), ("Arrow data", "the folder that `save_to_disk` wrote, with state.json")),
}
_OTHER_FORMATS = frozenset({
    ".jxl", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dcm", ".svg", ".exr", ".nii",
})  # of cameras, clinics and programs  # fmt: skip
_PHOTOS = ((HEIC_SUFFIXES, HEIC_ADVICE), (_OTHER_FORMATS, "JPEG or PNG"))


def unread(survey: Survey, found: Sequence[DetectedDataset]) -> tuple[NearMiss, ...]:
    """Returns the files and folders that are not read, those alike in one entry.

    Args:
        survey: after all finders have claimed their files.
        found: the data sets.
    """
    rest = (_files(survey), _images(survey, found), _photos(survey), _empty_folders(survey, found))
    return grouped(itertools.chain.from_iterable(rest))


def contents(survey: Survey) -> str:
    """Summarises what is in a folder: its images, and its other files by ending.

    Examples:
        >>> from motet.data.detect.survey import Listing
        >>> contents(Survey(Path(), {Path(): Listing((), ("a.jpg", "b.csv"), {".jpg": 1, ".csv": 1})}))
        '1 image, 1 .csv in 1 folder'
    """
    images = sum(listing.num_images for listing in survey.listings.values())
    others: Counter[str] = Counter()
    for listing in survey.listings.values():
        others.update({end.lower(): n for end, n in listing.endings.items() if end not in listing.image_endings})
    endings = [
        f"{count:,} {ending or 'without an ending'}"
        for ending, count in sorted(others.items(), key=lambda item: (-item[1], item[0]))
    ]
    folders = sum(bool(listing.endings) for listing in survey.listings.values())
    files = few([counted(images, "image"), *endings], 6)
    return f"{files} in {counted(folders, 'folder')}"


def _files(survey: Survey) -> Iterator[NearMiss]:
    for endings, miss_of in _KINDS:
        # Beside the images of a data set lie its texts, one per image; tables and JSON can be of another one.
        beside = survey.files if endings in _PER_IMAGE else survey.files_beside_images
        folders: dict[Path, list[Path]] = {}
        for path in beside(*endings):
            folders.setdefault(path.parent, []).append(path)
        for folder, paths in folders.items():
            misses = grouped(miss for path in paths[:_SAMPLED] if (miss := miss_of(survey, path)) is not None)
            rest = _count(survey, paths) - min(len(paths), _SAMPLED)
            if len(misses) == 1 and rest > 0:
                misses = (misses[0].with_more(rest),)
            yield from misses
            if len(misses) > 1 and rest > 0:
                got = f"{rest:,} more files that end in {paths[0].suffix}, which were not looked into"
                yield NearMiss(folder, got, "those above read first")


def _count(survey: Survey, paths: Sequence[Path]) -> int:
    """Returns the number of files in a folder like these, its listed and unclaimed ones; a large folder has more."""
    listing = survey.listings[paths[0].parent]
    alike = {path.suffix for path in paths}
    listed = sum(Path(name).suffix in alike for name in listing.files)
    return len(paths) + sum(listing.endings[ending] for ending in alike) - listed


def _text_miss(survey: Survey, path: Path) -> NearMiss | None:
    return yolo_miss(survey, path) or list_miss(path)


def _unreadable_miss(survey: Survey, path: Path) -> NearMiss:
    del survey
    got, want = _UNREADABLE[path.suffix.lower()]
    return NearMiss(path, got, want)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Survey, Path], NearMiss | None]], ...] = (
    ((".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz"), table_miss),
    ((".json", ".json.gz"), json_miss),
    ((".xml",), xml_miss),
    ((".txt",), _text_miss),
    (tuple(_UNREADABLE), _unreadable_miss),
)
_PER_IMAGE = ((".xml",), (".txt",))


def _images(survey: Survey, found: Sequence[DetectedDataset]) -> Iterator[NearMiss]:
    """Yields the folders of images that no data set takes images from."""
    used = {place for one in found for place in _places(one)}
    folders = [
        folder
        for folder, listing in survey.listings.items()
        if listing.num_images and not survey.is_claimed(folder) and not used & {folder, *folder.parents}
    ]
    with_images = [folder for folder, listing in survey.listings.items() if listing.num_images]
    for folder in folders:
        count = survey.listings[folder].num_images
        if with_images == [folder] and folder != survey.root:
            got, want = f"{counted(count, 'image')} in one folder alone ({folder.name})", "at least two class folders"
            yield NearMiss(folder.parent, got, f"{want}, or annotations that name the images")
        else:
            want = "annotations that name them, or class folders"
            yield NearMiss(folder, f"{counted(count, 'image')} without annotations", want)


def _photos(survey: Survey) -> Iterator[NearMiss]:
    """Yields one line per format of images that no decoder here reads; they may be beside images that are read."""
    for endings, wanted in _PHOTOS:
        unread = {ending for ending in endings if not is_image(f"a{ending}")}
        counts = {
            folder: count
            for folder, listing in survey.listings.items()
            if (count := sum(number for ending, number in listing.endings.items() if ending.lower() in unread))
        }
        if counts:
            first = next(iter(counts))
            names = [name for name in survey.listings[first].files if Path(name).suffix.lower() in unread]
            example = str((first / names[0]).relative_to(survey.root)) if names else first.name
            got = f"{counted(sum(counts.values()), 'image')} in a format that is not read ({example})"
            yield NearMiss(survey.root, got, wanted)


def _places(one: DetectedDataset) -> Iterator[Path]:
    """Yields the folders that a data set takes images from: those it is given, else those of its files."""
    paths = [path for value in one.arguments.values() for path in (value if isinstance(value, tuple) else (value,))]
    given = [path for path in paths if isinstance(path, Path)]
    folders = [path for path in given if path.is_dir()]
    yield from folders or [path.parent for path in given]


def _empty_folders(survey: Survey, found: Sequence[DetectedDataset]) -> Iterator[NearMiss]:
    for one in found:
        root = one.arguments.get("root")
        if one.reader not in ("ImageFolder", "VideoFolder") or not isinstance(root, Path):
            continue
        below = [root / name for name in survey.listings[root].folders if root / name in survey.listings]
        empty = [path for path in below if not survey.listings[path].folders and not survey.listings[path].endings]
        if empty:
            got = f"empty folders beside class folders ({few([path.name for path in empty])})"
            yield NearMiss(root, got, "files in them if they are classes")
