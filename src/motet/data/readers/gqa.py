"""GQA: compositional questions on Visual Genome images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.json_file import check_type, get_field, get_text, load_json
from motet.data.formats.paths import file_names, image_at, path_inside
from motet.data.formats.visual_genome import VisualGenomeIds


class _Row(NamedTuple):
    question_id: str
    image: str
    question: str | DataError
    answer: str | DataError | None
    full_answer: str
    file_index: int


@dataclass(frozen=True)
class Gqa:
    """GQA, one Example per question; labels: "answers" (one), "answer", and "full_answer" where the file has it.

    Args:
        questions: `train_balanced_questions.json`; or a folder of such files (`train_all_questions/`), read in the
            order of their names. Test files without answers give rows without labels.
        images: the folder of `<imageId>.jpg`.
        image_data: Visual Genome's `image_data.json`, which tells which images are also in COCO; see `VisualGenomeQA`.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type. An empty question or answer is raised when
            its row is read.
    """

    questions: Path | str
    images: Path | str
    image_data: Path | str | None = None
    name: str = "gqa"
    _files: tuple[Path, ...] = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _ids: VisualGenomeIds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.questions)
        files = _files(path)
        rows = tuple(row for index, file in enumerate(files) for row in _read(index, file, Path(self.images)))
        if not rows:
            raise DataError("questions: got none; want at least one", path=path)
        if len({row.question_id for row in rows}) != len(rows):
            raise DataError("questions: got an id in two files; want every id once", path=path)
        object.__setattr__(self, "_files", files)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_ids", VisualGenomeIds.load(self.image_data))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, the same as in `VisualGenomeQA`."""
        return (self._ids.image_id(self._rows[index].image),)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        question, answer = unwrap(row.question), unwrap(row.answer)
        labels: dict[str, object] = {} if answer is None else {"answers": (answer,), "answer": answer}
        if row.full_answer:
            labels["full_answer"] = row.full_answer
        file = Path(self.images) / f"{row.image}.jpg"
        return Example(
            id=f"{self.name}/{row.question_id}",
            images=(image_at(file, path=self._files[row.file_index], row=row.question_id),),
            image_ids=self.keys(index),
            text=question,
            labels=labels,
        )


def _files(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return (path,)
    files = tuple(path / name for name in file_names(path) if name.endswith(".json"))
    if not files:
        raise DataError("questions: got a folder without .json files; want at least one", path=path)
    return files


def _read(file_index: int, path: Path, images: Path) -> Iterator[_Row]:
    for key, entry in check_type(load_json(path), dict, "file", path=path).items():
        image = get_field(entry, "imageId", str, path=path, row=key)
        path_inside(images, f"{image}.jpg", path=path, row=key)
        get_field(entry, "question", str, path=path, row=key)
        if "answer" in entry:
            get_field(entry, "answer", str, path=path, row=key)
        yield _Row(
            key,
            image,
            capture(get_text, entry, "question", path=path, row=key),
            capture(get_text, entry, "answer", path=path, row=key) if "answer" in entry else None,
            check_type(entry.get("fullAnswer", ""), str, "fullAnswer", path=path, row=key),
            file_index,
        )
