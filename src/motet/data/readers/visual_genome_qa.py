"""Visual Genome questions and answers: `question_answers.json` beside `VG_100K/` and `VG_100K_2/`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.json_file import check_type, get_field, get_id, get_number, get_text, load_json
from motet.data.formats.paths import image_at
from motet.data.formats.visual_genome import VisualGenomeIds, visual_genome_file


class _Row(NamedTuple):
    qa_id: str
    image: int
    question_answer: tuple[str, str] | DataError
    entry: str


@dataclass(frozen=True)
class VisualGenomeQA:
    """Visual Genome QA, one Example per question; labels: "answers" (one), "answer".

    Args:
        questions: `question_answers.json`.
        images: the folder that holds `VG_100K/` and `VG_100K_2/`, or the images themselves.
        image_data: `image_data.json`. With it, images that are also in COCO get COCO's id, so that a clean split and
            a count of unique images see that they are the same (half of Visual Genome is).
        name: prefix of Example ids.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type. An empty question or answer raises when
            its row is read.
    """

    questions: Path | str
    images: Path | str
    image_data: Path | str | None = None
    name: str = "vgqa"
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _ids: VisualGenomeIds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.questions)
        rows = tuple(_rows(load_json(path), path))
        if not rows:
            raise DataError("qas: got no question; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_ids", VisualGenomeIds.load(self.image_data))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (self._ids.image_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        question, answer = unwrap(row.question_answer)
        file = visual_genome_file(Path(self.images), row.image)
        return Example(
            id=f"{self.name}/{row.qa_id}",
            images=(image_at(file, path=Path(self.questions), row=row.entry),),
            image_ids=self.keys(index),
            text=question,
            labels={"answers": (answer,), "answer": answer},
        )


def _rows(data: object, path: Path) -> Iterator[_Row]:
    known: set[str] = set()
    for image_row, entry in enumerate(check_type(data, list, "file", path=path)):
        for qa_row, qa in enumerate(get_field(entry, "qas", list, path=path, row=image_row)):
            place = f"{image_row}.qas.{qa_row}"
            key = get_id(qa, "qa_id", path=path, row=place)
            if key in known:
                raise DataError(f"qa_id: got {key} twice; want every id once", path=path, row=place)
            known.add(key)
            for name in ("question", "answer"):
                get_field(qa, name, str, path=path, row=place)
            image = get_number(qa, "image_id", path=path, row=place)
            yield _Row(key, image, capture(_question_answer, qa, path, place), place)


def _question_answer(qa: object, path: Path, row: str) -> tuple[str, str]:
    return get_text(qa, "question", path=path, row=row), get_text(qa, "answer", path=path, row=row)
