"""Visual7W pointing: `dataset_v7w_pointing.json`, questions that are answered by one of four boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example, nearest, rng_for
from motet.data.formats.candidates import Candidate, referred_candidates
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.json_file import check_type, get_field, get_number, get_text, load_json
from motet.data.formats.paths import image_at, path_inside
from motet.data.formats.visual_genome import VisualGenomeIds


class _Asked(NamedTuple):
    question: str
    choices: tuple[Candidate, ...]
    answer: str


class _Row(NamedTuple):
    key: str
    image: int
    file: str
    asked: _Asked | DataError
    where: str


@dataclass(frozen=True)
class Visual7wPointing:
    """Visual7W's "which" questions, an Example a question with four boxes to choose from; labels: "match", "region".

    The file names the answer apart from the wrong choices; the four are put in an order drawn from the question's id,
    always the same. "match" is the set with the place of the right one, "region" that box.

    Args:
        questions: `dataset_v7w_pointing.json` (`boxes`, and `images` with `qa_pairs`).
        images: the folder of `v7w_2358125.jpg` and so on.
        split: "train", "val" or "test"; "" for all.
        image_data: Visual Genome's `image_data.json`; see `VisualGenomeQA`.
        name: what ids start with.

    Raises:
        DataError: no such file, not JSON, a missing key, an id that is there twice, a part without a question. A
            question without words, a choice that is no box, and a box outside its image are raised when the row is
            read.
    """

    questions: Path | str
    images: Path | str
    split: str = ""
    image_data: Path | str | None = None
    name: str = "visual7w"
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _ids: VisualGenomeIds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.questions)
        data = load_json(path)
        rows = tuple(_rows(data, path, Path(self.images), self.split))
        if not rows:
            parts = {str(entry.get("split")) for entry in get_field(data, "images", list, path=path) if entry}
            hint = nearest(self.split, parts)
            raise DataError(
                f"images: got no question of the part {self.split!r}; want at least one ({hint})", path=path
            )
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_ids", VisualGenomeIds.load(self.image_data))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row: Visual Genome's, or COCO's where `image_data` says so."""
        return (self._ids.image_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.questions)
        asked = unwrap(row.asked)
        file = image_at(Path(self.images) / row.file, path=path, row=row.where)
        choices = [asked.choices[place] for place in rng_for("visual7w", row.key).permutation(len(asked.choices))]
        boxes, place = referred_candidates(choices, asked.answer, image_size_hw(file.path), path=path, row=row.where)
        return Example(
            id=f"{self.name}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            text=asked.question,
            candidates=boxes,
            labels={"match": frozenset({place}), "region": boxes[place]},
        )


def _rows(data: object, path: Path, folder: Path, split: str) -> Iterator[_Row]:
    boxes = _boxes(data, path)
    seen: set[int] = set()
    for image_row, entry in enumerate(get_field(data, "images", list, path=path)):
        if split and get_field(entry, "split", str, path=path, row=image_row) != split:
            continue
        image = get_number(entry, "image_id", path=path, row=image_row)
        file = path_inside(
            folder, get_field(entry, "filename", str, path=path, row=image_row), path=path, row=image_row
        )
        for qa_row, qa in enumerate(get_field(entry, "qa_pairs", list, path=path, row=image_row)):
            where = f"{image_row}.qa_pairs.{qa_row}"
            key = get_number(qa, "qa_id", path=path, row=where)
            if key in seen:
                raise DataError(f"qa_id: got {key} twice; want every id once", path=path, row=where)
            seen.add(key)
            yield _Row(str(key), image, file, capture(_asked, qa, boxes, path, where), where)


def _asked(qa: object, boxes: Mapping[int, Candidate], path: Path, where: str) -> _Asked:
    answer = get_number(qa, "answer", path=path, row=where)
    others = get_field(qa, "multiple_choices", list, path=path, row=where)
    keys = [answer, *(check_type(other, int, "multiple_choices", path=path, row=where) for other in others)]
    missing = [key for key in keys if key not in boxes]
    if missing or len(set(keys)) < 2:
        got = f"the box {missing[0]}" if missing else f"{len(set(keys))} box"
        raise DataError(f"multiple_choices: got {got}; want two or more boxes of `boxes`", path=path, row=where)
    choices = tuple(boxes[key] for key in dict.fromkeys(keys))
    return _Asked(get_text(qa, "question", path=path, row=where), choices, str(answer))


def _boxes(data: object, path: Path) -> dict[int, Candidate]:
    found: dict[int, Candidate] = {}
    for row, entry in enumerate(get_field(data, "boxes", list, path=path)):
        key = get_number(entry, "box_id", path=path, row=row)
        x, y, width, height = (
            get_field(entry, name, float, path=path, row=row) for name in ("x", "y", "width", "height")
        )
        found[key] = Candidate(str(key), (x, y, x + width, y + height))
    return found
