"""Visual7W pointing: `dataset_v7w_pointing.json`, "which" questions with four boxes to choose from."""

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


class _Question(NamedTuple):
    text: str
    choices: tuple[Candidate, ...]
    answer: str


class _Row(NamedTuple):
    key: str
    image: int
    file: str
    question: _Question | DataError
    entry: str


@dataclass(frozen=True)
class Visual7wPointing:
    """Visual7W's "which" questions, one Example per question with four boxes to choose from; labels: "match", "region".

    The file stores the answer apart from the wrong choices; the four are shuffled with the question's id as seed, so
    that their order is always the same. "match" is the set with the index of the answer, "region" its box.

    Args:
        questions: `dataset_v7w_pointing.json` (`boxes`, and `images` with `qa_pairs`).
        images: the folder of `v7w_2358125.jpg` and so on.
        split: "train", "val" or "test"; "" for all.
        image_data: Visual Genome's `image_data.json`; see `VisualGenomeQA`.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, not JSON, a missing key, an id that occurs twice, a part without a question. A
            question without words, a choice that is not a box, and a box outside its image are raised when the row is
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
        """Returns the image id of a row: Visual Genome's, or COCO's for images that `image_data` says are COCO's."""
        return (self._ids.image_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.questions)
        question = unwrap(row.question)
        file = image_at(Path(self.images) / row.file, path=path, row=row.entry)
        choices = [question.choices[place] for place in rng_for("visual7w", row.key).permutation(len(question.choices))]
        size_hw = image_size_hw(file.path)
        boxes, target = referred_candidates(choices, question.answer, size_hw, path=path, row=row.entry)
        return Example(
            id=f"{self.name}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            text=question.text,
            candidates=boxes,
            labels={"match": frozenset({target}), "region": boxes[target]},
        )


def _rows(data: object, path: Path, folder: Path, split: str) -> Iterator[_Row]:
    boxes = _boxes(data, path)
    known: set[int] = set()
    for image_row, entry in enumerate(get_field(data, "images", list, path=path)):
        if split and get_field(entry, "split", str, path=path, row=image_row) != split:
            continue
        image = get_number(entry, "image_id", path=path, row=image_row)
        file = path_inside(
            folder, get_field(entry, "filename", str, path=path, row=image_row), path=path, row=image_row
        )
        for qa_row, qa in enumerate(get_field(entry, "qa_pairs", list, path=path, row=image_row)):
            place = f"{image_row}.qa_pairs.{qa_row}"
            key = get_number(qa, "qa_id", path=path, row=place)
            if key in known:
                raise DataError(f"qa_id: got {key} twice; want every id once", path=path, row=place)
            known.add(key)
            yield _Row(str(key), image, file, capture(_question, qa, boxes, path, place), place)


def _question(qa: object, boxes: Mapping[int, Candidate], path: Path, place: str) -> _Question:
    answer = get_number(qa, "answer", path=path, row=place)
    distractors = get_field(qa, "multiple_choices", list, path=path, row=place)
    keys = [answer, *(check_type(other, int, "multiple_choices", path=path, row=place) for other in distractors)]
    missing = [key for key in keys if key not in boxes]
    if missing or len(set(keys)) < 2:
        got = f"the box {missing[0]}" if missing else f"{len(set(keys))} box"
        raise DataError(f"multiple_choices: got {got}; want two or more boxes of `boxes`", path=path, row=place)
    choices = tuple(boxes[key] for key in dict.fromkeys(keys))
    return _Question(get_text(qa, "question", path=path, row=place), choices, str(answer))


def _boxes(data: object, path: Path) -> dict[int, Candidate]:
    found: dict[int, Candidate] = {}
    for row, entry in enumerate(get_field(data, "boxes", list, path=path)):
        key = get_number(entry, "box_id", path=path, row=row)
        x, y, width, height = (
            get_field(entry, name, float, path=path, row=row) for name in ("x", "y", "width", "height")
        )
        found[key] = Candidate(str(key), (x, y, x + width, y + height))
    return found
