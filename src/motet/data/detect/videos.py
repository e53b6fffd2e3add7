"""Detection of videos: MSVD's captions, Kinetics, lists of videos with classes, class folders."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset, Split, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import find_images
from motet.data.detect.survey import Survey, split_of
from motet.data.detect.video_captions import find_captioned_videos
from motet.data.formats.paths import SPLIT_NAMES
from motet.data.formats.text_file import read_lines
from motet.data.formats.video_rows import is_video
from motet.data.readers import READERS
from motet.data.readers.kinetics import KINETICS_CLIP, KINETICS_COLUMNS

_MAX_LINES = 50  # of a list
_SENTENCE_WORDS = 4  # the name of a class has fewer
_HEADS = frozenset({"path", "video", "video_path", "file", "filename", "file_name", "name", "clip"})


def find_videos(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds the layouts of videos. Each claims its videos; the last entry has those without annotations."""
    for find in (find_captioned_videos, _kinetics, _lists, _folders, _unlabelled):
        yield from find(survey)


@dataclass(frozen=True)
class _VideoSplit:
    """One split of a data set of videos with classes."""

    arguments: Mapping[str, object]
    evidence: str
    split: Split
    problems: tuple[str, ...] = ()


def _set_entries(reader: str, parts: Sequence[_VideoSplit]) -> Iterator[DetectedDataset]:
    """Yields the splits of one data set; validation and test splits get the classes of the training split."""
    names: tuple[str, ...] = ()
    training = next((part for part in parts if part.split == "train" and not part.problems), None)
    if training is not None:
        try:
            names = READERS[reader](**training.arguments).names
        except MotetError:
            names = ()  # the entry below has the error
    for part in parts:
        arguments = part.arguments
        if names and part.split in ("val", "test"):
            arguments = {**arguments, "names": names}
        yield from try_read(
            reader, arguments, kind="video classification", labels={"class": "en"}, evidence=part.evidence,
            split=part.split, problems=part.problems,
        )  # fmt: skip


def _videos(survey: Survey, folder: Path) -> list[str]:
    """Returns the unclaimed videos in a folder."""
    listing = survey.listings.get(folder)
    if listing is None or survey.is_claimed(folder):
        return []
    return [name for name in listing.files if is_video(name) and not survey.is_claimed(folder / name)]


def _classes(survey: Survey, folder: Path) -> list[str]:
    """Returns the folders of videos in a folder; none where most have names of splits. More images than videos in a
    folder make it one of images."""
    names = [
        name
        for name in survey.listings[folder].folders
        if (videos := _videos(survey, folder / name)) and len(videos) >= len(survey.listings[folder / name].images)
    ]
    splits = [name for name in names if name.lower().startswith(tuple(SPLIT_NAMES)) or split_of(Path(name), Path())]
    return names if 2 * len(splits) < len(names) else []


def _kinetics(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds clips of YouTube videos by the form of their names, in class folders or with the published table."""
    cuts = _cuts_in(survey)
    sets: dict[Path, list[_VideoSplit]] = {}
    for path in list(survey.files(".csv")):
        header = [cell.strip() for cell in (first_lines(path, 1) or [""])[0].split(",")]
        if set(KINETICS_COLUMNS) <= set(header):
            videos = _folder_of(survey, path, cuts)
            sets.setdefault(path.parent, []).append(_table_split(survey, path, videos))
            survey.claimed.update({path} if videos is None else {path, videos})
            cuts = {folder: below for folder, below in cuts.items() if folder != videos}
    for folder, below in cuts.items():
        if below:
            arguments = {"root": folder.parent, "split": folder.name}
            evidence = f"Kinetics ({folder.name}), {_class_summary(below)}"
            sets.setdefault(folder.parent, []).append(_VideoSplit(arguments, evidence, split_of(folder, survey.root)))
            survey.claimed.add(folder)
    for parts in sets.values():
        yield from _set_entries("Kinetics", parts)


def _cuts_in(survey: Survey) -> dict[Path, list[str]]:
    """Returns the folders of Kinetics' splits with their class folders; none where videos are in the split itself."""
    cuts: dict[Path, list[str]] = {}
    for folder in survey.listings:
        below = [name for name in survey.listings[folder].folders if _are_cuts(_videos(survey, folder / name))]
        if _are_cuts(_videos(survey, folder)) or (below and below == _classes(survey, folder)):
            cuts[folder] = below
    return {folder: below for folder, below in cuts.items() if below or folder.parent not in cuts}


def _are_cuts(names: Sequence[str]) -> bool:
    return bool(names) and all(KINETICS_CLIP.fullmatch(Path(name).stem) for name in names[:5])


def _folder_of(survey: Survey, table: Path, cuts: Iterable[Path]) -> Path | None:
    """Returns the folder of a table's videos: the one with its name, else the one of its split."""
    split = split_of(table, survey.root)
    matching = [folder for folder in cuts if folder.name == table.stem or split_of(folder, survey.root) == split]
    return next(iter(sorted(matching, key=lambda folder: (folder.name != table.stem, len(folder.parts)))), None)


def _table_split(survey: Survey, table: Path, folder: Path | None) -> _VideoSplit:
    evidence, split = f"Kinetics, with the classes of {table.name}", split_of(table, survey.root)
    if folder is None:
        problem = f"{table}: got no folder with its videos; want id_000010_000020.mp4 in one named {table.stem}"
        return _VideoSplit({"root": table.parent, "annotations": table}, evidence, split, (problem,))
    return _VideoSplit({"root": folder.parent, "split": folder.name, "annotations": table}, evidence, split)


def _lists(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds tables of video paths and classes, with a header or without; an empty one beside videos is a problem."""
    sets: dict[Path, list[_VideoSplit]] = {}
    claimed: list[Path] = []
    for path in list(survey.files(".csv", ".txt")):
        rows = list(_rows(path, first_lines(path, _MAX_LINES)))
        if 2 * sum(map(_names_video, rows)) >= max(2, len(rows)):
            all_rows = [cells for cells in _rows(path, _lines(path)) if _names_video(cells)]
            part = _list_split(survey, path, all_rows)
            root = Path(str(part.arguments.get("root", path.parent)))
            claimed += [path, *{_claimed_place(root, name) for name in map(_video_in, all_rows)}]
        elif _is_empty_list(survey, path, rows):
            part = _VideoSplit({"table": path}, f"list of videos {path.name}", split_of(path, survey.root))
            claimed += [path]
        else:
            continue
        sets.setdefault(path.parent, []).append(part)
    survey.claimed.update(claimed)
    for parts in sets.values():
        yield from _set_entries("VideoList", parts)


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except DataError:
        return first_lines(path, _MAX_LINES)  # the reader reports the problem


def _rows(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        yield from (line.split() for line in lines) if path.suffix == ".txt" else csv.reader(lines)
    except csv.Error:
        return  # a cell of more than 128 KiB: this is no list of videos


def _names_video(cells: Sequence[str]) -> bool:
    return any(is_video(cell.strip()) for cell in cells)


def _video_in(cells: Sequence[str]) -> str:
    return next(cell.strip() for cell in cells if is_video(cell.strip()))


def _claimed_place(root: Path, name: str) -> Path:
    """Returns the place that a line of a list claims: the top folder of its video, or a video in the root."""
    return Path(name).parent if Path(name).is_absolute() else root / Path(name).parts[0]


def _is_empty_list(survey: Survey, path: Path, rows: Sequence[Sequence[str]]) -> bool:
    """Checks for an empty CSV file, or one with a header only, in a folder with videos or above one."""
    if path.suffix != ".csv" or len(rows) > 1 or (rows and not _HEADS & {cell.strip().lower() for cell in rows[0]}):
        return False
    near = (folder for folder in survey.listings if path.parent in (folder, folder.parent, folder.parent.parent))
    return any(_videos(survey, folder) for folder in near)


def _list_split(survey: Survey, path: Path, rows: Sequence[Sequence[str]]) -> _VideoSplit:
    names = [_video_in(cells) for cells in rows[:_MAX_LINES]]
    nearest = (find_images(survey, some, path).folder for some in (names, *([name] for name in names)))
    root = next((folder for folder in nearest if folder is not None), None)
    arguments: dict[str, object] = {"table": path}
    if root is not None and root != path.parent:
        arguments["root"] = root
    classes = sorted({cells[1].strip() for cells in rows if len(cells) == 2})
    evidence = f"videos and a list of their classes ({path.name}), {_class_summary(classes)}"
    problems = _list_problems(path, rows)
    if not problems and root is None:
        problems = (f"{path}: got no folder with the video {names[0]}; want it in this folder",)
    return _VideoSplit(arguments, evidence, split_of(path, survey.root), problems)


def _list_problems(path: Path, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Returns the problem of a list that would be read wrongly: swapped columns, or sentences as classes."""
    first = ",".join(rows[0])[:60]
    if len(rows[0]) == 2 and not is_video(rows[0][0].strip()):
        return (f"{path}: got {first!r}; want a path and a class, in this order",)
    if path.suffix == ".csv" and all(len(cells) == 2 and len(cells[1].split()) >= _SENTENCE_WORDS for cells in rows):
        want = "want captions in a .txt file, per line a video's name without its ending and a sentence, as in MSVD"
        return (f"{path}: got sentences for classes ({first!r}); {want}",)
    return ()


def _folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds folders with at least two folders of videos in them."""
    roots = [
        folder for folder in survey.listings if not survey.is_claimed(folder) and len(_classes(survey, folder)) >= 2
    ]
    sets: dict[Path, list[_VideoSplit]] = {}
    for root in roots:
        if survey.is_claimed(root):
            continue  # it is inside the one before
        evidence = f"class folders of videos: {_class_summary(_classes(survey, root))}"
        survey.claimed.add(root)
        sets.setdefault(root.parent, []).append(_VideoSplit({"root": root}, evidence, split_of(root, survey.root)))
    for parts in sets.values():
        yield from _set_entries("VideoFolder", parts)


def _unlabelled(survey: Survey) -> Iterator[DetectedDataset]:
    """Yields an entry with a problem for videos that have neither classes nor captions."""
    unclaimed = Counter({folder: len(_videos(survey, folder)) for folder in survey.listings})
    if unclaimed.total() < 2:
        return
    folder = max(unclaimed, key=lambda place: unclaimed[place])
    survey.claimed.update(place / name for place in unclaimed for name in _videos(survey, place))
    want = "want a list of paths and classes, class folders, or captions beside them"
    problem = f"{folder}: got {unclaimed.total()} videos without annotations; {want}"
    yield from try_read(
        "VideoFolder", {"root": folder}, kind="video classification", labels={"class": "en"}, evidence="videos alone",
        split=split_of(folder, survey.root), problems=(problem,),
    )  # fmt: skip


def _class_summary(names: Sequence[str]) -> str:
    """Formats the number of classes and the first three."""
    return f"{len(names)} classes ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
