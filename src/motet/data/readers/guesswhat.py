"""GuessWhat?!: `guesswhat.train.jsonl.gz`, dialogs of yes/no questions that identify an object of a COCO photo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.candidates import Candidate, get_corners, referred_candidates
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.json_file import get_field, get_number, get_size_hw, get_text, load_json_lines, short_repr
from motet.data.formats.paths import coco_id, default_name, image_at, is_file, path_inside

_OFFICIAL = re.compile(r"guesswhat\.(\w+)\.jsonl(\.gz)?")
_PHOTO = re.compile(r"COCO_(train2014|val2014)_")
_ANSWERS = frozenset({"yes", "no", "n/a"})


class _Game(NamedTuple):
    turns: tuple[str, ...]
    objects: tuple[Candidate, ...]
    target_id: str


class _Row(NamedTuple):
    key: str
    image: int
    file: str
    size_hw: tuple[int, int] | None
    game: _Game | DataError
    entry: int


@dataclass(frozen=True)
class GuessWhat:
    """GuessWhat?!, one Example per game: a dialog with all objects as candidates; labels: "match", "region".

    `text` is the tuple of turns; a turn is "start <question> answer <answer> stop", as in 12-in-1's code. "match" is
    the set with the index of the target object, "region" its box in pixels of the file.

    Args:
        games: `guesswhat.train.jsonl` or `.jsonl.gz`.
        images: the folder of the COCO 2014 photos, or one that holds `train2014/` and `val2014/`, since games use
            photos of both.
        status: outcomes of the games that are read, of "success" (the default, as in the official baselines), "failure"
            and "incomplete".
        name: prefix of Example ids; by default "guesswhat/train", from the file's name.

    Raises:
        DataError: no such file, a line that is not JSON, a missing id, an id that occurs twice, no game. A dialog
            without a question or an answer, an unknown object, and a box outside its photo are raised when the row is
            read.
    """

    games: Path | str
    images: Path | str
    status: tuple[str, ...] = ("success",)
    name: str = ""
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.games)
        rows = tuple(_rows(path, Path(self.images), frozenset(self.status)))
        if not rows:
            raise DataError(f"status: got no game with {' or '.join(self.status)}; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is COCO's."""
        return (coco_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.games)
        game = unwrap(row.game)
        file = image_at(self._file(row.file), path=path, row=row.entry)
        size_hw = check_size(row.size_hw, file.path, path=path, row=row.entry)
        boxes, target = referred_candidates(game.objects, game.target_id, size_hw, path=path, row=row.entry)
        found = _OFFICIAL.fullmatch(path.name)
        return Example(
            id=f"{self.name or (f'guesswhat/{found[1]}' if found else default_name(path))}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            text=game.turns,
            candidates=boxes,
            labels={"match": frozenset({target}), "region": boxes[target]},
        )

    def _file(self, name: str) -> Path:
        folder, found = Path(self.images), _PHOTO.match(name)
        in_split = None if found is None else folder / found[1] / name
        return in_split if in_split is not None and is_file(in_split) else folder / name


def _rows(path: Path, folder: Path, status: frozenset[str]) -> Iterator[_Row]:
    known: set[int] = set()
    for entry, game in enumerate(load_json_lines(path)):
        key = get_number(game, "id", path=path, row=entry)
        if get_field(game, "status", str, path=path, row=entry) not in status:
            continue
        if key in known:
            raise DataError(f"id: got {key} twice; want every game once", path=path, row=entry)
        known.add(key)
        image = get_field(game, "image", dict, path=path, row=entry)
        file = path_inside(folder, get_field(image, "file_name", str, path=path, row=entry), path=path, row=entry)
        size_hw = get_size_hw(image, path=path, row=entry)
        yield _Row(
            str(key),
            get_number(image, "id", path=path, row=entry),
            file,
            size_hw,
            capture(_game, game, path, entry),
            entry,
        )


def _game(game: object, path: Path, row: int) -> _Game:
    rounds = get_field(game, "qas", list, path=path, row=row)
    if not rounds:
        raise DataError("qas: got a dialog without a question; want at least one", path=path, row=row)
    objects = tuple(
        Candidate(str(get_number(one, "id", path=path, row=row)), get_corners(one, "bbox", path=path, row=row))
        for one in get_field(game, "objects", list, path=path, row=row)
    )
    turns = tuple(_turn(one, path, row) for one in rounds)
    return _Game(turns, objects, str(get_number(game, "object_id", path=path, row=row)))


def _turn(one: object, path: Path, row: int) -> str:
    question, answer = get_text(one, "question", path=path, row=row), get_text(one, "answer", path=path, row=row)
    if answer.strip().lower() not in _ANSWERS:
        raise DataError(f"answer: got {short_repr(answer)}; want Yes, No or N/A", path=path, row=row)
    return f"start {question.strip()} answer {answer.strip().lower()} stop"
