"""easy-VQA: simple questions on drawn shapes, from the `easy-vqa` package or a folder of the same layout."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from motet.core import ConfigError, DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.json_file import check_type, load_json, short_repr
from motet.data.formats.paths import image_at
from motet.data.formats.text_file import read_lines

_ENTRY = ("question", "answer", "image")


class _Row(NamedTuple):
    image: int
    question_answer: tuple[str, str] | DataError


@dataclass(frozen=True)
class EasyVqa:
    """easy-VQA, one Example per question; labels: "answers" (one), "answer"; `names` are all possible answers.

    Args:
        part: "train" or "test".
        root: the folder with `train/`, `test/` and `answers.txt`; by default the data inside the installed package.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, not JSON, an entry that is not [question, answer, image number]. An answer that
            `answers.txt` lacks, and an empty question, raise when the row is read.
        ConfigError: no root and no package.
    """

    part: Literal["train", "test"] = "train"
    root: Path | str | None = None
    name: str = "easy_vqa"
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _root: Path = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        root = _package_data() if self.root is None else Path(self.root)
        names = tuple(line.strip() for line in read_lines(root / "answers.txt") if line.strip())
        path = root / self.part / "questions.json"
        entries = check_type(load_json(path), list, "file", path=path)
        if not entries:
            raise DataError("questions: got none; want at least one", path=path)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_root", root)
        object.__setattr__(self, "_rows", tuple(_row(entry, names, path, row) for row, entry in enumerate(entries)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.name}/{self.part}/{self._rows[index].image}",)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        question, answer = unwrap(row.question_answer)
        folder = self._root / self.part
        image = image_at(folder / "images" / f"{row.image}.png", path=folder / "questions.json", row=index)
        return Example(
            id=f"{self.name}/{self.part}/question/{index}",
            images=(image,),
            image_ids=self.keys(index),
            text=question,
            labels={"answers": (answer,), "answer": answer},
        )


def _package_data() -> Path:
    found = importlib.util.find_spec("easy_vqa")
    if found is None or not found.submodule_search_locations:
        raise ConfigError("EasyVqa: got no root and no package easy_vqa; want one of them (pip install 'motet[demo]')")
    return Path(found.submodule_search_locations[0]) / "data"


def _row(entry: object, names: tuple[str, ...], path: Path, row: int) -> _Row:
    values = check_type(entry, list, "entry", path=path, row=row)
    if len(values) != len(_ENTRY):
        raise DataError(f"entry: got {len(values)} values; want {len(_ENTRY)} {_ENTRY}", path=path, row=row)
    question = check_type(values[0], str, "question", path=path, row=row)
    answer = check_type(values[1], str, "answer", path=path, row=row)
    return _Row(
        check_type(values[2], int, "image", path=path, row=row),
        capture(_question_answer, question, answer, names, path, row),
    )


def _question_answer(question: str, answer: str, names: tuple[str, ...], path: Path, row: int) -> tuple[str, str]:
    if not question.strip():
        raise DataError("question: got an empty text; want words", path=path, row=row)
    if answer not in names:
        raise DataError(f"answer: got {short_repr(answer)}; want one of answers.txt", path=path, row=row)
    return question, answer
