"""Visual Genome questions and answers: `question_answers.json` beside `VG_100K/` and `VG_100K_2/`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import hold, release
from motet.data.formats.json_file import field, identity, load_json, number, words
from motet.data.formats.paths import coco_id, image_at, vg_id

_FOLDERS = ("VG_100K", "VG_100K_2", "")


class _Row(NamedTuple):
    qa_id: str
    image: int
    pair: tuple[str, str] | DataError
    entry: str


@dataclass(frozen=True)
class VisualGenomeQA:
    """Visual Genome QA, an Example a question; labels: "answers" (one), "answer".

    Args:
        questions: `question_answers.json`.
        images: the folder that holds `VG_100K/` and `VG_100K_2/`, or the images themselves.
        image_data: `image_data.json`. With it, images that are COCO's too get COCO's id, so that a clean split or
            counting unique images sees that they are the same (half of Visual Genome is).
        name: what ids start with.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type. An empty question or answer is raised when
            its row is read.
    """

    questions: Path | str
    images: Path | str
    image_data: Path | str | None = None
    name: str = "vgqa"
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)
    _coco: dict[int, int] = part(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.questions)
        rows = tuple(_rows(load_json(path), path))
        if not rows:
            raise DataError("qas: got no question; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_coco", {} if self.image_data is None else coco_numbers(Path(self.image_data)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row."""
        image = self._rows[index].image
        return (coco_id(self._coco[image]) if image in self._coco else vg_id(str(image)),)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        question, answer = release(row.pair)
        file = vg_file(Path(self.images), row.image)
        return Example(
            id=f"{self.name}/{row.qa_id}",
            images=(image_at(file, path=Path(self.questions), row=row.entry),),
            image_ids=self.keys(index),
            text=question,
            labels={"answers": (answer,), "answer": answer},
        )


def vg_file(images: Path, image: int) -> Path:
    """Where an image lies: in the first or the second official folder, or in the folder itself."""
    places = [images / folder / f"{image}.jpg" for folder in _FOLDERS]
    return next((place for place in places if place.is_file()), places[0])


def coco_numbers(path: Path) -> dict[int, int]:
    """Visual Genome number -> COCO number, of the images that are both, from `image_data.json`.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type.
    """
    found: dict[int, int] = {}
    for row, entry in enumerate(_entries(load_json(path), path)):
        if isinstance(entry, dict) and entry.get("coco_id") is not None:
            key = "image_id" if "image_id" in entry else "id"  # release 1.0 has "id"
            found[number(entry, key, path=path, row=row)] = number(entry, "coco_id", path=path, row=row)
    return found


def _entries(data: object, path: Path) -> list[object]:
    if not isinstance(data, list):
        raise DataError(f"file: got a {type(data).__name__}; want a list of images", path=path)
    return data


def _rows(data: object, path: Path) -> Iterator[_Row]:
    seen: set[str] = set()
    for image_row, entry in enumerate(_entries(data, path)):
        for qa_row, qa in enumerate(field(entry, "qas", list, path=path, row=image_row)):
            where = f"{image_row}.qas.{qa_row}"
            key = identity(qa, "qa_id", path=path, row=where)
            if key in seen:
                raise DataError(f"qa_id: got {key} twice; want every id once", path=path, row=where)
            seen.add(key)
            for name in ("question", "answer"):
                field(qa, name, str, path=path, row=where)
            yield _Row(key, number(qa, "image_id", path=path, row=where), hold(_pair, qa, path, where), where)


def _pair(qa: object, path: Path, where: str) -> tuple[str, str]:
    return words(qa, "question", path=path, row=where), words(qa, "answer", path=path, row=where)
