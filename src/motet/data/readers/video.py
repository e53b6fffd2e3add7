"""Videos: a list of files with classes, class folders, Kinetics, and MSVD's captions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example, nearest
from motet.data.formats.paths import file_names, inside, place_name
from motet.data.formats.text_file import read_csv, read_lines
from motet.data.formats.video_rows import Frames, is_video, video_example, video_keys

CUT = re.compile(r"(.{11})_(\d{6})_(\d{6})")
"""What Kinetics calls a video: its id on YouTube, start and end in seconds."""
KINETICS_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
"""What its published tables have at least."""


@dataclass(frozen=True)
class VideoList:
    """A folder of videos and a list of them with their classes; labels: "class".

    Args:
        table: CSV (or, where its name ends in .txt, words apart) of a path and a class; a first line without a video's
            name is a header and passed over.
        root: what the paths are relative to; by default the list's folder.
        frames: which frames of each video.
        names: the classes and their order; by default all of the list, sorted. Give the training part's to the others.
        name: what ids start with; by default the list's name and its folder's.

    Raises:
        DataError: no such list, no rows in it, a line that is no pair, a path out of the folder, or a class that is not
            among `names`. What is wrong with a video is raised when its frames are read.
    """

    table: Path | str
    root: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pairs = list(_pairs(Path(self.table), self._folder))
        if not pairs:
            raise DataError("videos: got none; want a line a video", path=self.table)
        names = self.names or tuple(sorted({kind for _, kind in pairs}))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_rows", tuple(_indexed(pairs, names, Path(self.table))))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The ids of a row's frames."""
        return video_keys(f"{place_name(self._folder)}/{self._rows[index][0]}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, kind = self._rows[index]
        return video_example(
            self._folder / place, self.frames, {"class": kind}, row_id=f"{self._prefix}/{place}",
            video_id=f"{place_name(self._folder)}/{place}", table=Path(self.table), index=index,
        )  # fmt: skip

    @property
    def _folder(self) -> Path:
        return Path(self.root) if str(self.root) else Path(self.table).parent

    @property
    def _prefix(self) -> str:
        return self.name or place_name(Path(self.table))


def _pairs(path: Path, root: Path) -> Iterator[tuple[str, str]]:
    rows = (line.split() for line in read_lines(path) if line.strip()) if path.suffix == ".txt" else read_csv(path)
    for row, cells in enumerate(rows):
        if row == 0 and not any(is_video(cell) for cell in cells):
            continue
        if len(cells) != 2 or not cells[1].strip():
            raise DataError(f"line: got {','.join(cells)[:60]!r}; want a path and a class", path=path, row=row)
        yield inside(root, cells[0].strip(), path=path, row=row), cells[1].strip()


def _indexed(pairs: list[tuple[str, str]], names: tuple[str, ...], path: Path) -> Iterator[tuple[str, int]]:
    place_of = {name: place for place, name in enumerate(names)}
    for row, (place, kind) in enumerate(pairs):
        if kind not in place_of:
            hint = nearest(kind, names)
            raise DataError(f"class: got {kind!r}; want one of the given names ({hint})", path=path, row=row)
        yield place, place_of[kind]


@dataclass(frozen=True)
class VideoFolder:
    """Class folders of videos: `root/run/1.mp4`; labels: "class".

    Args:
        root: the folder that holds the class folders.
        frames: which frames of each video.
        names: the class folders and their order; by default all there are, sorted. Give the training part's to the
            other parts, so that an index means the same in all of them; a class may have no folder here.
        name: what ids start with; by default the folder's name.

    Raises:
        DataError: no such folder, no video in it, a class folder without videos or that is not among `names`. What is
            wrong with a video is raised when its frames are read.
    """

    root: Path | str
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = Path(self.root)
        pairs = [(place, place.partition("/")[0]) for place, _ in _in_classes(root)]
        if not pairs:
            raise DataError("class folders: got no videos; want root/class/video.mp4", path=root)
        kinds = {kind for _, kind in pairs}
        empty = [name for name in file_names(root) if (root / name).is_dir() and name not in kinds]
        if empty:
            raise DataError("class folder: got no videos; want at least one", path=root / empty[0])
        object.__setattr__(self, "names", self.names or tuple(sorted(kinds)))
        object.__setattr__(self, "_rows", tuple(_indexed(pairs, self.names, root)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The ids of a row's frames, by the video's place under the root."""
        return video_keys(self._id(index), self.frames)

    def __getitem__(self, index: int) -> Example:
        place, kind = self._rows[index]
        root, key = Path(self.root), self._id(index)
        return video_example(
            root / place, self.frames, {"class": kind}, row_id=key, video_id=key, table=root, index=index
        )

    def _id(self, index: int) -> str:
        return f"{self.name or place_name(Path(self.root))}/{self._rows[index][0]}"


@dataclass(frozen=True)
class Kinetics:
    """Kinetics-400, -600 or -700: `train/<class>/<id>_<start>_<end>.mp4`; labels: "class".

    Args:
        root: the folder with `train/`, `val/`, `test/`.
        split: one of them.
        annotations: the published CSV (label, youtube_id, time_start, time_end, split), of which those rows are taken
            whose video is there; videos then may also lie in the part's folder without class folders. "" for all
            videos of the class folders.
        frames: which frames of each video.
        names: the classes and their order; by default those of the part, sorted. Give the others the training part's.
        name: what ids start with; by default "kinetics" and the part.

    Raises:
        DataError: no such folder or file, no video, or a class that is not among `names`.
    """

    root: Path | str
    split: str = "train"
    annotations: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    names: tuple[str, ...] = ()
    name: str = ""
    _rows: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        folder = Path(self.root) / self.split
        listed = str(self.annotations)
        pairs = _annotated(Path(self.annotations), folder) if listed else _in_classes(folder)
        if not pairs:
            raise DataError("videos: got none; want class/id_000010_000020.mp4", path=folder)
        names = self.names or tuple(sorted({kind for _, kind in pairs}))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_rows", tuple(_indexed(pairs, names, Path(self.annotations) if listed else folder)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The ids of a row's frames, by the video on YouTube and its cut."""
        return video_keys(f"youtube/{Path(self._rows[index][0]).stem}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, kind = self._rows[index]
        folder, stem = Path(self.root) / self.split, Path(place).stem
        return video_example(
            folder / place, self.frames, {"class": kind}, row_id=f"{self.name or f'kinetics/{self.split}'}/{stem}",
            video_id=f"youtube/{stem}", table=folder, index=index,
        )  # fmt: skip


def _in_classes(folder: Path) -> list[tuple[str, str]]:
    kinds = [name for name in file_names(folder) if (folder / name).is_dir()]
    return [
        (f"{kind}/{name}", kind.replace("_", " "))
        for kind in kinds
        for name in file_names(folder / kind)
        if is_video(name)
    ]


def _annotated(path: Path, folder: Path) -> list[tuple[str, str]]:
    """The rows whose video is there, by YouTube id and seconds."""
    there: dict[tuple[str, int, int], str] = {}
    for name in file_names(folder):
        below = [f"{name}/{file}" for file in file_names(folder / name)] if (folder / name).is_dir() else [name]
        for place in below:
            if is_video(place) and (found := CUT.fullmatch(Path(place).stem)):
                there[(found[1], int(found[2]), int(found[3]))] = place
    rows = read_csv(path)
    header = next(rows, [])
    if missing := [column for column in KINETICS_COLUMNS if column not in header]:
        raise DataError(f"header: got {header}; want {missing[0]} in it", path=path)
    columns = [header.index(column) for column in KINETICS_COLUMNS]
    pairs = []
    for row, cells in enumerate(rows):
        try:
            label, video, start, end = (cells[column] for column in columns)
            key = (video, int(float(start)), int(float(end)))
        except (IndexError, ValueError) as error:
            raise DataError(f"row: got {','.join(cells)[:60]!r}; want {header}", path=path, row=row) from error
        if key in there:
            pairs.append((there[key], label))
    return pairs


@dataclass(frozen=True)
class Msvd:
    """MSVD's short videos with some forty captions each; labels: "captions".

    Args:
        descriptions: `AllVideoDescriptions.txt`: lines of `<id>_<start>_<end>` and a sentence, comments with #.
        videos: the folder of `<id>_<start>_<end>.avi`.
        listed: a list of such names, one a line: a part; "" for all videos that are there.
        frames: which frames of each video.
        name: what ids start with; by default "msvd", and the list's name where there is one.

    Raises:
        DataError: no such file or folder, a line without a sentence, or no video with captions.
    """

    descriptions: Path | str
    videos: Path | str
    listed: Path | str = ""
    frames: Frames = field(default_factory=Frames)
    name: str = ""
    _rows: tuple[tuple[str, tuple[str, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not str(self.videos):
            raise ConfigError("Msvd.videos: got none; want the folder of videos")
        captions = _described(Path(self.descriptions))
        there = {Path(name).stem: name for name in file_names(Path(self.videos)) if is_video(name)}
        wanted = [line.strip() for line in read_lines(Path(self.listed))] if str(self.listed) else sorted(there)
        stems = [Path(name).stem if is_video(name) else name for name in wanted if name]
        rows = tuple((there.get(stem, f"{stem}.avi"), captions[stem]) for stem in stems if stem in captions)
        if not rows:
            raise DataError("videos: got none that has captions; want at least one", path=self.videos)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The ids of a row's frames, by the video on YouTube and its cut."""
        return video_keys(f"youtube/{Path(self._rows[index][0]).stem}", self.frames)

    def __getitem__(self, index: int) -> Example:
        place, captions = self._rows[index]
        part = f"/{Path(self.listed).stem}" if str(self.listed) else ""
        return video_example(
            Path(self.videos) / place, self.frames, {"captions": captions},
            row_id=f"{self.name or f'msvd{part}'}/{Path(place).stem}", video_id=f"youtube/{Path(place).stem}",
            table=Path(self.listed) if part else Path(self.videos), index=index,
        )  # fmt: skip


def _described(path: Path) -> dict[str, tuple[str, ...]]:
    captions: dict[str, list[str]] = {}
    for row, line in enumerate(read_lines(path)):
        if not line.strip() or line.startswith("#"):
            continue
        video, _, sentence = line.strip().partition(" ")
        if not sentence.strip():
            raise DataError(f"line: got {line[:60]!r}; want a video and a sentence", path=path, row=row)
        captions.setdefault(video, []).append(sentence.strip())
    if not captions:
        raise DataError("captions: got none; want lines of a video and a sentence", path=path)
    return {video: tuple(dict.fromkeys(said)) for video, said in captions.items()}
