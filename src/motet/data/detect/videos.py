"""Videos: with captions as MSVD has them, as Kinetics has them, in lists with their classes, in class folders."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.dataset import DetectedDataset, Part, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.survey import Survey, part_of
from motet.data.detect.video_captions import find_described
from motet.data.formats.paths import SPLIT_NAMES
from motet.data.formats.text_file import read_lines
from motet.data.formats.video_rows import is_video
from motet.data.readers import READERS
from motet.data.readers.kinetics import KINETICS_CLIP, KINETICS_COLUMNS

_LOOKED_AT = 50  # lines of a list
_SENTENCE = 4  # words: a class has fewer
_HEADS = frozenset({"path", "video", "video_path", "file", "filename", "file_name", "name", "clip"})


def find_videos(land: Survey) -> Iterator[DetectedDataset]:
    """Each layout takes its videos, so that what nothing is said of is left: that is told last."""
    for find in (find_described, _kinetics, _lists, _folders, _unsaid):
        yield from find(land)


@dataclass(frozen=True)
class _Piece:
    """One part of a set of videos with classes."""

    arguments: Mapping[str, object]
    why: str
    part: Part
    problems: tuple[str, ...] = ()


def _tried(reader: str, pieces: Sequence[_Piece]) -> Iterator[DetectedDataset]:
    """The parts of one set; those that are judged by get the training part's classes."""
    names: tuple[str, ...] = ()
    training = next((piece for piece in pieces if piece.part == "train" and not piece.problems), None)
    if training is not None:
        try:
            names = READERS[reader](**training.arguments).names
        except MotetError:
            names = ()  # it is told why, below
    for piece in pieces:
        given = piece.arguments
        if names and piece.part in ("val", "test"):
            given = {**given, "names": names}
        yield from try_read(
            reader, given, kind="video classification", labels={"class": "en"}, why=piece.why, part=piece.part,
            problems=piece.problems,
        )  # fmt: skip


def _videos(land: Survey, folder: Path) -> list[str]:
    """The videos in a folder that nobody has taken."""
    listing = land.listings.get(folder)
    if listing is None or land.is_taken(folder):
        return []
    return [name for name in listing.files if is_video(name) and not land.is_taken(folder / name)]


def _classes(land: Survey, folder: Path) -> list[str]:
    """The folders of videos in a folder; none where most are parts. Of a folder with more images, those count."""
    names = [
        name
        for name in land.listings[folder].folders
        if (videos := _videos(land, folder / name)) and len(videos) >= len(land.listings[folder / name].images)
    ]
    parts = [name for name in names if name.lower().startswith(tuple(SPLIT_NAMES)) or part_of(Path(name), Path())]
    return names if 2 * len(parts) < len(names) else []


def _kinetics(land: Survey) -> Iterator[DetectedDataset]:
    """Cuts of YouTube's videos by their names, in class folders or with the published table."""
    cuts = _cuts_in(land)
    sets: dict[Path, list[_Piece]] = {}
    for path in list(land.files(".csv")):
        header = [cell.strip() for cell in (first_lines(path, 1) or [""])[0].split(",")]
        if set(KINETICS_COLUMNS) <= set(header):
            videos = _folder_of(land, path, cuts)
            sets.setdefault(path.parent, []).append(_table_piece(land, path, videos))
            land.taken.update({path} if videos is None else {path, videos})
            cuts = {folder: below for folder, below in cuts.items() if folder != videos}
    for folder, below in cuts.items():
        if below:
            why, arguments = f"Kinetics ({folder.name}), {_shown(below)}", {"root": folder.parent, "split": folder.name}
            sets.setdefault(folder.parent, []).append(_Piece(arguments, why, part_of(folder, land.root)))
            land.taken.add(folder)
    for pieces in sets.values():
        yield from _tried("Kinetics", pieces)


def _cuts_in(land: Survey) -> dict[Path, list[str]]:
    """The folders that are parts of Kinetics, with their class folders; none where videos lie in the part itself."""
    cuts: dict[Path, list[str]] = {}
    for folder in land.listings:
        below = [name for name in land.listings[folder].folders if _are_cuts(_videos(land, folder / name))]
        if _are_cuts(_videos(land, folder)) or (below and below == _classes(land, folder)):
            cuts[folder] = below
    return {folder: below for folder, below in cuts.items() if below or folder.parent not in cuts}


def _are_cuts(names: Sequence[str]) -> bool:
    return bool(names) and all(KINETICS_CLIP.fullmatch(Path(name).stem) for name in names[:5])


def _folder_of(land: Survey, table: Path, cuts: Iterable[Path]) -> Path | None:
    """The folder of a table's videos: that of its name, or of its part."""
    part = part_of(table, land.root)
    fitting = [folder for folder in cuts if folder.name == table.stem or part_of(folder, land.root) == part]
    return next(iter(sorted(fitting, key=lambda folder: (folder.name != table.stem, len(folder.parts)))), None)


def _table_piece(land: Survey, table: Path, folder: Path | None) -> _Piece:
    why, part = f"Kinetics, with the classes of {table.name}", part_of(table, land.root)
    if folder is None:
        problem = f"{table}: got no folder with its videos; want id_000010_000020.mp4 in one called {table.stem}"
        return _Piece({"root": table.parent, "annotations": table}, why, part, (problem,))
    return _Piece({"root": folder.parent, "split": folder.name, "annotations": table}, why, part)


def _lists(land: Survey) -> Iterator[DetectedDataset]:
    """Tables of a path and a class, without a header or with one; an empty one beside videos is told."""
    sets: dict[Path, list[_Piece]] = {}
    taken: list[Path] = []
    for path in list(land.files(".csv", ".txt")):
        rows = list(_rows(path, first_lines(path, _LOOKED_AT)))
        if 2 * sum(map(_names_video, rows)) >= max(2, len(rows)):
            whole = [cells for cells in _rows(path, _lines(path)) if _names_video(cells)]
            piece = _list_piece(land, path, whole)
            root = Path(str(piece.arguments.get("root", path.parent)))
            taken += [path, *{_place(root, name) for name in map(_video_in, whole)}]
        elif _is_empty_list(land, path, rows):
            piece = _Piece({"table": path}, f"list of videos {path.name}", part_of(path, land.root))
            taken += [path]
        else:
            continue
        sets.setdefault(path.parent, []).append(piece)
    land.taken.update(taken)
    for pieces in sets.values():
        yield from _tried("VideoList", pieces)


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except DataError:
        return first_lines(path, _LOOKED_AT)  # the reader tells what is wrong


def _rows(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        yield from (line.split() for line in lines) if path.suffix == ".txt" else csv.reader(lines)
    except csv.Error:
        return  # a cell of more than 128 KiB: no list of videos


def _names_video(cells: Sequence[str]) -> bool:
    return any(is_video(cell.strip()) for cell in cells)


def _video_in(cells: Sequence[str]) -> str:
    return next(cell.strip() for cell in cells if is_video(cell.strip()))


def _place(root: Path, name: str) -> Path:
    """What a line of a list takes: the uppermost folder of its video, or the video where it lies in the root itself."""
    return Path(name).parent if Path(name).is_absolute() else root / Path(name).parts[0]


def _is_empty_list(land: Survey, path: Path, rows: Sequence[Sequence[str]]) -> bool:
    """A CSV of nothing, or of a header that names a file alone, in a folder with videos or above one."""
    if path.suffix != ".csv" or len(rows) > 1 or (rows and not _HEADS & {cell.strip().lower() for cell in rows[0]}):
        return False
    near = (folder for folder in land.listings if path.parent in (folder, folder.parent, folder.parent.parent))
    return any(_videos(land, folder) for folder in near)


def _list_piece(land: Survey, path: Path, rows: Sequence[Sequence[str]]) -> _Piece:
    names = [_video_in(cells) for cells in rows[:_LOOKED_AT]]
    nearest = (land.image_folder([name], path) for name in names)
    root = land.image_folder(names, path) or next((folder for folder in nearest if folder is not None), None)
    arguments: dict[str, object] = {"table": path}
    if root is not None and root != path.parent:
        arguments["root"] = root
    kinds = sorted({cells[1].strip() for cells in rows if len(cells) == 2})
    why = f"videos and a list of their classes ({path.name}), {_shown(kinds)}"
    problems = _list_problems(path, rows)
    if not problems and root is None:
        problems = (f"{path}: got no folder with the video {names[0]}; want it in this folder",)
    return _Piece(arguments, why, part_of(path, land.root), problems)


def _list_problems(path: Path, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Lists that would be read as something else than they say."""
    first = ",".join(rows[0])[:60]
    if len(rows[0]) == 2 and not is_video(rows[0][0].strip()):
        return (f"{path}: got {first!r}; want a path and a class, in this order",)
    if path.suffix == ".csv" and all(len(cells) == 2 and len(cells[1].split()) >= _SENTENCE for cells in rows):
        want = "want captions in a .txt, lines of a video's name without its ending and a sentence, as MSVD has them"
        return (f"{path}: got sentences for classes ({first!r}); {want}",)
    return ()


def _folders(land: Survey) -> Iterator[DetectedDataset]:
    """Folders with at least two folders of videos in them."""
    roots = [folder for folder in land.listings if not land.is_taken(folder) and len(_classes(land, folder)) >= 2]
    sets: dict[Path, list[_Piece]] = {}
    for root in roots:
        if land.is_taken(root):
            continue  # it lies within the one before
        why = f"class folders of videos: {_shown(_classes(land, root))}"
        land.taken.add(root)
        sets.setdefault(root.parent, []).append(_Piece({"root": root}, why, part_of(root, land.root)))
    for pieces in sets.values():
        yield from _tried("VideoFolder", pieces)


def _unsaid(land: Survey) -> Iterator[DetectedDataset]:
    """Videos that have neither classes nor captions."""
    left = Counter({folder: len(_videos(land, folder)) for folder in land.listings})
    if left.total() < 2:
        return
    folder = max(left, key=lambda one: left[one])
    land.taken.update(place / name for place in left for name in _videos(land, place))
    want = "want a list of paths and classes, class folders, or captions beside them"
    problem = f"{folder}: got {left.total()} videos of which nothing is said; {want}"
    yield from try_read(
        "VideoFolder", {"root": folder}, kind="video classification", labels={"class": "en"}, why="videos alone",
        part=part_of(folder, land.root), problems=(problem,),
    )  # fmt: skip


def _shown(names: Sequence[str]) -> str:
    """How many classes, and the first of them."""
    return f"{len(names)} classes ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
