"""Detection of questions and their answers in VQA's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.data.detect.coco_ids import ListedImages
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.image_folders import find_images_by_names, image_prefix
from motet.data.detect.survey import Survey, distance, split_of

_PATTERNS = ("COCO_train2014_{:012d}.jpg", "COCO_val2014_{:012d}.jpg", "COCO_test2015_{:012d}.jpg", "{:012d}.jpg")
_OFFICIAL_PATTERNS = _PATTERNS[:3]


@dataclass(frozen=True)
class QuestionFile:
    """A file of questions.

    Args:
        listed: the file with its images.
        ids: of the questions.
        pattern: of the images' names; "" where none has the form of COCO's.
    """

    listed: ListedImages
    ids: frozenset[str]
    pattern: str


@dataclass(frozen=True)
class AnswerFile:
    """A file with the answers of questions.

    Args:
        path: of the file.
        ids: of the questions that it answers.
    """

    path: Path
    ids: frozenset[str]


def question_file(survey: Survey, path: Path, data: Any) -> QuestionFile:
    """Returns a file of questions with its images, and claims them."""
    entries = [entry for entry in data["questions"] if isinstance(entry, dict)]
    keys = (entry.get("image_id") for entry in entries)
    numbers = list(dict.fromkeys(int(key) for key in keys if isinstance(key, int | str) and str(key).isdecimal()))
    at = find_images_by_names(survey, (tuple(one.format(number) for one in _PATTERNS) for number in numbers), path)
    survey.claim(path, at.folder)
    pattern = ""
    if at.folder is not None:
        folder = at.folder
        pattern = next(one for one in _PATTERNS if (folder / one.format(numbers[0])).is_file())
    images = {str(number): pattern.format(number) for number in numbers}
    ids = frozenset(str(entry.get("question_id")) for entry in entries)
    return QuestionFile(ListedImages(path, data, images, at), ids, pattern)


def answer_file(path: Path, data: Any) -> AnswerFile:
    """Returns a file of answers."""
    entries = (entry for entry in data["annotations"] if isinstance(entry, dict))
    return AnswerFile(path, frozenset(str(entry.get("question_id")) for entry in entries))


def find_vqa(
    survey: Survey, questions: QuestionFile, answers: Sequence[AnswerFile], coco: frozenset[Path]
) -> Iterator[DetectedDataset]:
    """Yields the questions of a file with their answers.

    Args:
        survey: the folders.
        questions: the file.
        answers: all files with answers.
        coco: the files whose images are COCO's.
    """
    listed = questions.listed
    found = _answers_of(survey, questions, answers)
    annotations = found[0] if len(found) == 1 else None
    survey.claim(*found)
    arguments: dict[str, object] = {"questions": listed.path, "annotations": annotations, "images": listed.folder}
    if questions.pattern and questions.pattern not in _OFFICIAL_PATTERNS:
        arguments["pattern"] = questions.pattern
    if listed.path not in coco and listed.at.folder is not None:
        arguments["image_prefix"] = image_prefix(survey, listed.at.folder)
    yield from try_read(
        "Vqav2", arguments, kind="question answering", labels={"answers": "en"},
        evidence=f"VQA questions ({listed.path.name})" + (f" with {annotations.name}" if annotations else ""),
        split=split_of(listed.path, survey.root), problems=_answer_problems(listed.path, found) or listed.at.problems,
    )  # fmt: skip


def _answers_of(survey: Survey, questions: QuestionFile, answers: Sequence[AnswerFile]) -> tuple[Path, ...]:
    """Returns the files that answer the questions, of the same split and nearest; more than one where several fit.

    Splits may number their questions alike: then the names of the files decide which answers go with which questions.
    """
    path = questions.listed.path
    split = split_of(path, survey.root)
    fitting = [one for one in answers if questions.ids <= one.ids] or [
        one for one in answers if not questions.ids.isdisjoint(one.ids)
    ]
    of_split = [one.path for one in fitting if split_of(one.path, survey.root) == split]
    others = [one.path for one in fitting if not (split and split_of(one.path, survey.root))]
    places = of_split or others
    nearest = min((distance(place.parent, path.parent) for place in places), default=0)
    return tuple(place for place in places if distance(place.parent, path.parent) == nearest)


def _answer_problems(path: Path, found: Sequence[Path]) -> tuple[str, ...]:
    match found:
        case []:
            return (f"{path}: got questions without annotations; want the file with their answers in this folder",)
        case [_]:
            return ()
    shown = " and ".join(place.name for place in found)
    return (f"{path}: got answers in {shown}; want one file, or the split (train, val, test) in the files' names",)
