"""Videos: with captions as MSVD has them, as Kinetics has them, in lists with their classes, in class folders."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset, Split, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.survey import Survey, split_of
from motet.data.detect.video_captions import find_captioned_videos
from motet.data.formats.paths import PARTS
from motet.data.formats.text_file import read_lines
from motet.data.formats.video_rows import is_video
from motet.data.readers import READERS
from motet.data.readers.video import CUT, KINETICS_COLUMNS

_MAX_LINES = 50  # lines of a list
_SENTENCE_WORDS = 4  # words: a class has fewer
_HEADS = frozenset({"path", "video", "video_path", "file", "filename", "file_name", "name", "clip"})


def find_videos(survey: Survey) -> Iterator[DetectedDataset]:
    """Each layout takes its videos, so that what nothing is said of is left: that is told last."""
    for find in (find_captioned_videos, _kinetics, _lists, _folders, _unlabelled):
        yield from find(survey)


@dataclass(frozen=True)
class _SplitPart:
    """One part of a set of videos with classes."""

    arguments: Mapping[str, object]
    evidence: str
    split: Split
    problems: tuple[str, ...] = ()


def _set_entries(reader: str, pieces: Sequence[_SplitPart]) -> Iterator[DetectedDataset]:
    """The parts of one set; those that are judged by get the training part's classes."""
    names: tuple[str, ...] = ()
    training = next((piece for piece in pieces if piece.split == "train" and not piece.problems), None)
    if training is not None:
        try:
            names = READERS[reader](**training.arguments).names
        except MotetError:
            names = ()  # it is told why, below
    for piece in pieces:
        given = piece.arguments
        if names and piece.split in ("val", "test"):
            given = {**given, "names": names}
        yield from try_read(
            reader, given, kind="video classification", labels={"class": "en"}, evidence=piece.evidence, split=piece.split,
            problems=piece.problems,
        )  # fmt: skip


def _videos(survey: Survey, folder: Path) -> list[str]:
    """The videos in a folder that nobody has taken."""
    listing = survey.listings.get(folder)
    if listing is None or survey.is_claimed(folder):
        return []
    return [name for name in listing.files if is_video(name) and not survey.is_claimed(folder / name)]


def _classes(survey: Survey, folder: Path) -> list[str]:
    """The folders of videos in a folder; none where most are parts. Of a folder with more images, those count."""
    names = [
        name
        for name in survey.listings[folder].folders
        if (videos := _videos(survey, folder / name)) and len(videos) >= len(survey.listings[folder / name].images)
    ]
    parts = [name for name in names if name.lower().startswith(tuple(PARTS)) or split_of(Path(name), Path())]
    return names if 2 * len(parts) < len(names) else []


def _kinetics(survey: Survey) -> Iterator[DetectedDataset]:
    """Cuts of YouTube's videos by their names, in class folders or with the published table."""
    cuts = _cuts_in(survey)
    sets: dict[Path, list[_SplitPart]] = {}
    for path in list(survey.files(".csv")):
        header = [cell.strip() for cell in (first_lines(path, 1) or [""])[0].split(",")]
        if set(KINETICS_COLUMNS) <= set(header):
            videos = _folder_of(survey, path, cuts)
            sets.setdefault(path.parent, []).append(_table_piece(survey, path, videos))
            survey.claimed.update({path} if videos is None else {path, videos})
            cuts = {folder: below for folder, below in cuts.items() if folder != videos}
    for folder, below in cuts.items():
        if below:
            why, arguments = f"Kinetics ({folder.name}), {_class_summary(below)}", {"root": folder.parent, "split": folder.name}
            sets.setdefault(folder.parent, []).append(_SplitPart(arguments, why, split_of(folder, survey.root)))
            survey.claimed.add(folder)
    for pieces in sets.values():
        yield from _set_entries("Kinetics", pieces)


def _cuts_in(survey: Survey) -> dict[Path, list[str]]:
    """The folders that are parts of Kinetics, with their class folders; none where videos lie in the part itself."""
    cuts: dict[Path, list[str]] = {}
    for folder in survey.listings:
        below = [name for name in survey.listings[folder].folders if _are_cuts(_videos(survey, folder / name))]
        if _are_cuts(_videos(survey, folder)) or (below and below == _classes(survey, folder)):
            cuts[folder] = below
    return {folder: below for folder, below in cuts.items() if below or folder.parent not in cuts}


def _are_cuts(names: Sequence[str]) -> bool:
    return bool(names) and all(CUT.fullmatch(Path(name).stem) for name in names[:5])


def _folder_of(survey: Survey, table: Path, cuts: Iterable[Path]) -> Path | None:
    """The folder of a table's videos: that of its name, or of its part."""
    part = split_of(table, survey.root)
    fitting = [folder for folder in cuts if folder.name == table.stem or split_of(folder, survey.root) == part]
    return next(iter(sorted(fitting, key=lambda folder: (folder.name != table.stem, len(folder.parts)))), None)


def _table_piece(survey: Survey, table: Path, folder: Path | None) -> _SplitPart:
    why, part = f"Kinetics, with the classes of {table.name}", split_of(table, survey.root)
    if folder is None:
        problem = f"{table}: got no folder with its videos; want id_000010_000020.mp4 in one called {table.stem}"
        return _SplitPart({"root": table.parent, "annotations": table}, why, part, (problem,))
    return _SplitPart({"root": folder.parent, "split": folder.name, "annotations": table}, why, part)


def _lists(survey: Survey) -> Iterator[DetectedDataset]:
    """Tables of a path and a class, without a header or with one; an empty one beside videos is told."""
    sets: dict[Path, list[_SplitPart]] = {}
    taken: list[Path] = []
    for path in list(survey.files(".csv", ".txt")):
        rows = list(_rows(path, first_lines(path, _MAX_LINES)))
        if 2 * sum(map(_names_video, rows)) >= max(2, len(rows)):
            whole = [cells for cells in _rows(path, _lines(path)) if _names_video(cells)]
            piece = _list_piece(survey, path, whole)
            root = Path(str(piece.arguments.get("root", path.parent)))
            taken += [path, *{_claimed_place(root, name) for name in map(_video_in, whole)}]
        elif _is_empty_list(survey, path, rows):
            piece = _SplitPart({"table": path}, f"list of videos {path.name}", split_of(path, survey.root))
            taken += [path]
        else:
            continue
        sets.setdefault(path.parent, []).append(piece)
    survey.claimed.update(taken)
    for pieces in sets.values():
        yield from _set_entries("VideoList", pieces)


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except DataError:
        return first_lines(path, _MAX_LINES)  # the reader tells what is wrong


def _rows(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        yield from (line.split() for line in lines) if path.suffix == ".txt" else csv.reader(lines)
    except csv.Error:
        return  # a cell of more than 128 KiB: no list of videos


def _names_video(cells: Sequence[str]) -> bool:
    return any(is_video(cell.strip()) for cell in cells)


def _video_in(cells: Sequence[str]) -> str:
    return next(cell.strip() for cell in cells if is_video(cell.strip()))


def _claimed_place(root: Path, name: str) -> Path:
    """What a line of a list takes: the uppermost folder of its video, or the video where it lies in the root itself."""
    return Path(name).parent if Path(name).is_absolute() else root / Path(name).parts[0]


def _is_empty_list(survey: Survey, path: Path, rows: Sequence[Sequence[str]]) -> bool:
    """A CSV of nothing, or of a header that names a file alone, in a folder with videos or above one."""
    if path.suffix != ".csv" or len(rows) > 1 or (rows and not _HEADS & {cell.strip().lower() for cell in rows[0]}):
        return False
    near = (folder for folder in survey.listings if path.parent in (folder, folder.parent, folder.parent.parent))
    return any(_videos(survey, folder) for folder in near)


def _list_piece(survey: Survey, path: Path, rows: Sequence[Sequence[str]]) -> _SplitPart:
    names = [_video_in(cells) for cells in rows[:_MAX_LINES]]
    nearest = (survey.image_folder([name], path) for name in names)
    root = survey.image_folder(names, path) or next((folder for folder in nearest if folder is not None), None)
    arguments: dict[str, object] = {"table": path}
    if root is not None and root != path.parent:
        arguments["root"] = root
    kinds = sorted({cells[1].strip() for cells in rows if len(cells) == 2})
    why = f"videos and a list of their classes ({path.name}), {_class_summary(kinds)}"
    problems = _list_problems(path, rows)
    if not problems and root is None:
        problems = (f"{path}: got no folder with the video {names[0]}; want it in this folder",)
    return _SplitPart(arguments, why, split_of(path, survey.root), problems)


def _list_problems(path: Path, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Lists that would be read as something else than they say."""
    first = ",".join(rows[0])[:60]
    if len(rows[0]) == 2 and not is_video(rows[0][0].strip()):
        return (f"{path}: got {first!r}; want a path and a class, in this order",)
    if path.suffix == ".csv" and all(len(cells) == 2 and len(cells[1].split()) >= _SENTENCE_WORDS for cells in rows):
        want = "want captions in a .txt, lines of a video's name without its ending and a sentence, as MSVD has them"
        return (f"{path}: got sentences for classes ({first!r}); {want}",)
    return ()


def _folders(survey: Survey) -> Iterator[DetectedDataset]:
    """Folders with at least two folders of videos in them."""
    roots = [folder for folder in survey.listings if not survey.is_claimed(folder) and len(_classes(survey, folder)) >= 2]
    sets: dict[Path, list[_SplitPart]] = {}
    for root in roots:
        if survey.is_claimed(root):
            continue  # it lies within the one before
        why = f"class folders of videos: {_class_summary(_classes(survey, root))}"
        survey.claimed.add(root)
        sets.setdefault(root.parent, []).append(_SplitPart({"root": root}, why, split_of(root, survey.root)))
    for pieces in sets.values():
        yield from _set_entries("VideoFolder", pieces)


def _unlabelled(survey: Survey) -> Iterator[DetectedDataset]:
    """Videos that have neither classes nor captions."""
    left = Counter({folder: len(_videos(survey, folder)) for folder in survey.listings})
    if left.total() < 2:
        return
    folder = max(left, key=lambda one: left[one])
    survey.claimed.update(place / name for place in left for name in _videos(survey, place))
    want = "want a list of paths and classes, class folders, or captions beside them"
    problem = f"{folder}: got {left.total()} videos of which nothing is said; {want}"
    yield from try_read(
        "VideoFolder", {"root": folder}, kind="video classification", labels={"class": "en"}, evidence="videos alone",
        split=split_of(folder, survey.root), problems=(problem,),
    )  # fmt: skip


def _class_summary(names: Sequence[str]) -> str:
    """How many classes, and the first of them."""
    return f"{len(names)} classes ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
