"""Detection of videos with captions in the form of MSVD: lines of a video's name and a sentence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.video_rows import is_video

_NAME = re.compile(r"\S{11}_\d+_\d+")  # MSVD: a YouTube id, start and end in seconds
_WORD = re.compile(r"[^\W\d_]{2}")  # two letters; lines of numbers are other annotations
_PUBLISHED = "AllVideoDescriptions.txt"
_LINES = 5_000


def find_captioned_videos(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds videos with captions; each is two entries, one for captioning and one for retrieval."""
    folders = {
        Path(name).stem: folder
        for folder in reversed(list(survey.listings))
        for name in survey.listings[folder].files
        if is_video(name) and not survey.is_claimed(folder / name)
    }
    for path in list(survey.files(".txt")):
        lines = [line for line in first_lines(path, _LINES) if not line.startswith("#")]
        names = [line.partition(" ")[0] for line in lines]
        if not names or not (path.name == _PUBLISHED or _are_captioned(lines, folders)):
            continue
        located = next((name for name in names if name in folders), "")
        videos = folders.get(located, path.parent)
        problem = f"{path}: got no folder with the video {names[0]}; want it in this folder"
        others = [other for other in survey.files(".txt") if other != path]
        split_lists = [other for other in others if _is_split_list(survey, other, path, set(names))]
        survey.claimed.update((path, *split_lists))
        survey.claimed.update(videos / name for name in survey.listings[videos].files if is_video(name))
        splits: Sequence[Path | None] = split_lists or [None]
        for split_list in splits:
            yield from _entries(survey, path, videos, split_list, () if located else (problem,))


def _entries(
    survey: Survey, path: Path, videos: Path, split_list: Path | None, problems: tuple[str, ...]
) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"descriptions": path, "videos": videos}
    if split_list is not None:
        arguments["listed"] = split_list
    files = path.name if split_list is None else f"{path.name}, {split_list.name}"
    for entry in try_read(
        "Msvd", arguments, kind="video captioning", labels={"captions": "en"},
        evidence=f"videos and their captions ({files})", split=split_of(split_list or path, survey.root),
        problems=problems,
    ):  # fmt: skip
        yield entry
        if not entry.problems:
            yield dataclasses.replace(entry, kind="video retrieval")


def _are_captioned(lines: Sequence[str], folders: Mapping[str, Path]) -> bool:
    """Checks for lines of a name and a sentence: all names of MSVD's form, or most of them names of listed videos."""
    pairs = [line.partition(" ") for line in lines]
    if not all(_WORD.search(sentence) and not is_video(name) for name, _, sentence in pairs):
        return False
    names = {name for name, _, _ in pairs}
    return all(map(_NAME.fullmatch, names)) or 2 * len(names & folders.keys()) > len(names)


def _is_split_list(survey: Survey, path: Path, beside: Path, names: set[str]) -> bool:
    """Checks for a list of the videos of one split, beside the captions."""
    if path.parent != beside.parent or not split_of(path, survey.root):
        return False
    lines = [line.strip() for line in first_lines(path, 50)]
    stems = [Path(line).stem if is_video(line) else line for line in lines]
    return bool(stems) and not any(" " in stem for stem in stems) and any(stem in names for stem in stems)
