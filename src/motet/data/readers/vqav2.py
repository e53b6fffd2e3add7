"""VQA v2: questions, ten answers each, on COCO images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import ConfigError, DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.json_file import check_type, get_field, get_id, get_number, get_text, load_json
from motet.data.formats.paths import coco_id, image_at

NUM_ANSWERS = 10
_SUBTYPE = re.compile(r"(train2014|val2014|test2015|test-dev2015)")
_NO_ANSWERS: Mapping[str, object] = {}


class _Annotation(NamedTuple):
    answers: tuple[str, ...]
    answer: str
    question_type: str
    answer_type: str


class _Row(NamedTuple):
    question_id: str
    image: int
    question: str | DataError
    annotation: _Annotation | DataError | None


@dataclass(frozen=True)
class Vqav2:
    """VQA v2, one Example per question; labels: "answers" (ten), "answer", "question_type", "answer_type".

    "answer" is the file's `multiple_choice_answer`, the most frequent answer. The two types are "" in your own files
    that lack them.

    Args:
        questions: `v2_OpenEnded_mscoco_train2014_questions.json`.
        annotations: `v2_mscoco_train2014_annotations.json`; None for the test parts, whose answers are not public:
            their rows have no labels.
        images: the folder of the images.
        pattern: an image's file name by its number, such as "{:012d}.jpg" for a COCO 2017 folder; by default the
            official "COCO_train2014_{:012d}.jpg" with the part the questions are of.
        name: prefix of Example ids; by default "vqav2/train".
        image_prefix: prefix of image ids, before the file's name. The default is correct for COCO images only, whose
            number follows it; your own questions about other images need another one.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type, or another number of annotations than questions.
            Another number of answers than ten, and an empty question, raise when the row is read.
        ConfigError: a pattern without a place for the number.
    """

    questions: Path | str
    annotations: Path | str | None
    images: Path | str
    pattern: str = ""
    name: str = ""
    image_prefix: str = "coco"
    _prefix: str = field(init=False, repr=False, compare=False)
    _pattern: str = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.questions)
        data = load_json(path)
        subtype = _subtype(data, path)
        annotations = None if self.annotations is None else _annotations(Path(self.annotations))
        rows = _rows(data, path, annotations, self.annotations)
        object.__setattr__(self, "_prefix", self.name or f"vqav2/{re.sub('[0-9]+$', '', subtype) or path.stem}")
        object.__setattr__(self, "_pattern", _checked_pattern(self.pattern or _official_pattern(subtype, path)))
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row; of COCO's images, the same as in every COCO reader."""
        image = self._rows[index].image
        return (coco_id(image) if self.image_prefix == "coco" else f"{self.image_prefix}/{self._file(image)}",)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        question, annotation = unwrap(row.question), unwrap(row.annotation)
        file = Path(self.images) / self._file(row.image)
        return Example(
            id=f"{self._prefix}/{row.question_id}",
            images=(image_at(file, path=Path(self.questions), row=index),),
            image_ids=self.keys(index),
            text=question,
            labels=_NO_ANSWERS if annotation is None else annotation._asdict(),
        )

    def _file(self, image: int) -> str:
        return self._pattern.format(image)


def _subtype(data: object, path: Path) -> str:
    """Returns the part of COCO that the questions use, from the file or else its name; "" where neither states it."""
    found = _SUBTYPE.search(path.name)
    stated = data.get("data_subtype") if isinstance(data, dict) else None
    return stated if isinstance(stated, str) else found[1] if found else ""


def _official_pattern(subtype: str, path: Path) -> str:
    if not _SUBTYPE.fullmatch(subtype):
        raise DataError(f"data_subtype: got {subtype!r}; want 'train2014' or its like, or give a pattern", path=path)
    return f"COCO_{subtype.replace('test-dev', 'test')}_{{:012d}}.jpg"


def _checked_pattern(pattern: str) -> str:
    try:
        if pattern.format(1) != pattern.format(2):
            return pattern
    except (ValueError, IndexError, KeyError) as error:
        raise ConfigError(f"Vqav2.pattern: got {pattern!r} ({error}); want a place for a number: {{:012d}}") from error
    raise ConfigError(f"Vqav2.pattern: got {pattern!r}; want a place for the image's number: {{:012d}}")


def _rows(
    data: object, path: Path, annotations: dict[str, _Annotation | DataError] | None, annotation_file: Path | str | None
) -> tuple[_Row, ...]:
    rows: list[_Row] = []
    known: set[str] = set()
    for row, entry in enumerate(get_field(data, "questions", list, path=path)):
        key = get_id(entry, "question_id", path=path, row=row)
        if key in known:
            raise DataError(f"question_id: got {key} twice; want every id once", path=path, row=row)
        known.add(key)
        if annotations is not None and key not in annotations:
            raise DataError(
                f"annotations: got none of question {key}; want one in {annotation_file}", path=path, row=row
            )
        image = get_number(entry, "image_id", path=path, row=row)
        get_field(entry, "question", str, path=path, row=row)
        annotation = None if annotations is None else annotations[key]
        rows.append(_Row(key, image, capture(get_text, entry, "question", path=path, row=row), annotation))
    if not rows:
        raise DataError("questions: got none; want at least one", path=path)
    if annotations is not None and len(annotations) != len(rows):
        raise DataError(
            f"annotations: got {len(annotations)}; want {len(rows)}, one per question", path=annotation_file
        )
    return tuple(rows)


def _annotations(path: Path) -> dict[str, _Annotation | DataError]:
    annotations: dict[str, _Annotation | DataError] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row, entry in enumerate(get_field(load_json(path), "annotations", list, path=path)):
        key = get_id(entry, "question_id", path=path, row=row)
        get_field(entry, "answers", list, path=path, row=row)
        annotations[key] = capture(_annotation, entry, path, row, shared)
    return annotations


def _annotation(entry: object, path: Path, row: int, shared: dict[tuple[str, ...], tuple[str, ...]]) -> _Annotation:
    entries = get_field(entry, "answers", list, path=path, row=row)
    if len(entries) != NUM_ANSWERS:
        raise DataError(f"answers: got {len(entries)}; want {NUM_ANSWERS}", path=path, row=row)
    answers = tuple(_answer(answer, path, row) for answer in entries)
    answers = shared.setdefault(answers, answers)  # many questions have equal answers, which share one tuple
    return _Annotation(
        answers,
        get_field(entry, "multiple_choice_answer", str, path=path, row=row),
        check_type(_optional(entry, "question_type"), str, "question_type", path=path, row=row),
        check_type(_optional(entry, "answer_type"), str, "answer_type", path=path, row=row),
    )


def _answer(entry: object, path: Path, row: int) -> str:
    """Returns one annotator's answer; the fast path is for the four million answers of the training part."""
    answer = entry.get("answer") if isinstance(entry, dict) else None
    return answer if isinstance(answer, str) else get_field(entry, "answer", str, path=path, row=row)


def _optional(entry: object, key: str) -> object:
    """Returns the value of an optional key."""
    return entry.get(key, "") if isinstance(entry, dict) else ""
