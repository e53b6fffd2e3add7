"""Detection of COCO, VQA, GQA, Visual Genome and easy-VQA by the keys of their JSON."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.detect.annotation_tools import find_label_studio
from motet.data.detect.coco import find_coco_boxes, find_coco_captions, find_coco_images, listed_images
from motet.data.detect.coco_ids import ListedImages, files_of_coco
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import find_images
from motet.data.detect.near_miss import NearMiss
from motet.data.detect.survey import Survey, split_of
from motet.data.detect.vqa import AnswerFile, QuestionFile, answer_file, find_vqa, question_file
from motet.data.formats.json_file import load_json
from motet.data.formats.label_studio_tasks import is_label_studio

_MAX_BYTES = 1024**3
_MAX_ENTRIES = 20  # whose keys tell what a file has


def find_json_formats(survey: Survey) -> Iterator[DetectedDataset | NearMiss]:
    """Finds the formats that have all data in one large JSON file."""
    answers: list[AnswerFile] = []
    questions: list[QuestionFile] = []
    captions: list[ListedImages] = []
    boxes: list[ListedImages] = []
    attributes: list[Path] = []
    studio: list[Path] = []
    objects: list[tuple[Path, Any]] = []
    for path in list(survey.files(".json", ".json.gz")):
        try:
            data = _load_bounded(path)
        except DataError:
            yield from _broken(survey, path)
            continue
        entry = _first_entry(data)
        match data:
            case {"questions": [dict(), *_]}:
                questions.append(question_file(survey, path, data))
            case {"annotations": [{"question_id": _}, *_]} | {"annotations": [{"answers": list()}, *_]}:
                answers.append(answer_file(path, data))
            case {"images": [dict(), *_], "annotations": [dict(), *_] as entries} if _have_key_like("caption", entries):
                captions.append(listed_images(survey, path, data))
            case {"images": [dict(), *_], "annotations": [dict(), *_] as entries} if _have_key_like("bbox", entries):
                boxes.append(listed_images(survey, path, data))
            case {"images": [{"file_name": _}, *_]} if not _have_key_like("segments_info", data.get("annotations")):
                yield from find_coco_images(survey, path, data)
            case list() if is_label_studio(data):
                studio.append(path)
            case list() if isinstance(entry, dict) and "qas" in entry:
                yield from _visual_genome(survey, path, data)
            case list() if isinstance(entry, dict) and "objects" in entry and "relationships" not in entry:
                objects.append((path, data))
            case list() if isinstance(entry, dict) and isinstance(entry.get("attributes"), list):
                attributes.append(path)
            case list() if _is_easy_vqa(path, entry):
                yield from _easy_vqa(survey, path)
            case dict() if isinstance(entry, dict) and "question" in entry and _has_key_like("imageId", entry):
                yield from _gqa(survey, path, entry)
    coco = files_of_coco([*captions, *boxes, *(file.listed for file in questions)])
    for file in captions:
        yield from find_coco_captions(survey, file, coco)
    yield from find_label_studio(survey, studio)
    for question in questions:
        yield from find_vqa(survey, question, answers, coco)
    yield from _unused(survey, questions, answers)
    for path, data in objects:
        yield from _vg_objects(survey, path, data, attributes)
    # Keypoint files repeat the boxes of the people in the same images: they count only where no other file has boxes.
    plain = [file for file in boxes if "keypoints" not in file.data["annotations"][0]]
    for file in plain or boxes:
        yield from find_coco_boxes(survey, file, coco)
    if plain:
        want = "boxes alone (instances_*.json): no reader is for keypoints"
        yield from (NearMiss(file.path, "COCO keypoints", want) for file in boxes if file not in plain)


def _load_bounded(path: Path) -> Any:
    return None if path.stat().st_size > _MAX_BYTES else load_json(path)


def _broken(survey: Survey, path: Path) -> Iterator[DetectedDataset]:
    """Yields an entry for a broken JSON file that begins like a known format; its reader finds the problem."""
    beginning = "\n".join(first_lines(path, 50))
    split, evidence = split_of(path, survey.root), f"a broken JSON ({path.name})"
    if '"question_id"' in beginning:
        yield from try_read(
            "Vqav2", {"questions": path, "annotations": None, "images": path.parent}, kind="question answering",
            labels={"answers": "en"}, evidence=evidence, split=split,
        )  # fmt: skip
    elif '"bbox"' in beginning or "instances" in path.name:
        yield from try_read(
            "CocoInstances", {"annotations": path, "images": path.parent}, kind="detection", labels={"boxes": "en"},
            evidence=evidence, split=split,
        )  # fmt: skip
    elif '"caption"' in beginning or "captions" in path.name:
        yield from try_read(
            "CocoCaptions", {"annotations": path, "images": path.parent}, kind="captioning",
            labels={"captions": "en"}, evidence=evidence, split=split,
        )  # fmt: skip


def _first_entry(data: Any) -> Any:
    values = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return next(iter(values), None)


def _have_key_like(key: str, entries: Any) -> bool:
    """Checks whether one of the first entries has a key like this: a tool may have left it out of some."""
    first = entries[:_MAX_ENTRIES] if isinstance(entries, list) else []
    return any(isinstance(entry, dict) and _has_key_like(key, entry) for entry in first)


def _has_key_like(key: str, entry: dict[str, Any]) -> bool:
    """Checks for a key, or a misspelling of it."""
    return key in entry or bool(difflib.get_close_matches(key, entry, n=1, cutoff=0.8))


def _unused(survey: Survey, questions: Sequence[QuestionFile], answers: Sequence[AnswerFile]) -> Iterator[NearMiss]:
    """Yields the files of answers that no question file takes; they are no tables either."""
    for one in answers:
        if not survey.is_claimed(one.path):
            survey.claim(one.path)
            asked = next((question for question in questions if not question.ids.isdisjoint(one.ids)), None)
            got = "no questions" if asked is None else f"questions in {asked.listed.path.name}, which has other answers"
            yield NearMiss(one.path, f"answers, and {got}", "the file with their questions beside it", "VQA answers")


def _vg_objects(survey: Survey, path: Path, data: Any, attributes: list[Path]) -> Iterator[DetectedDataset]:
    first = data[0]
    name = f"{first.get('image_id', first.get('id', ''))}.jpg"
    images, missing = find_images(survey, [name], path)
    beside = [file for file in attributes if file.parent == path.parent]
    survey.claim(path, images, *beside)
    root = images.parent if images is not None and images.name.startswith("VG_100K") else images
    arguments: dict[str, object] = {"objects": path, "images": root or path.parent}
    if beside:
        arguments["attributes"] = beside[0]
    if (image_data := path.with_name("image_data.json")).is_file():
        arguments["image_data"] = image_data
        survey.claim(image_data)
    content = "objects with attributes" if beside else "objects"
    yield from try_read(
        "VisualGenomeObjects", arguments, kind="detection", labels={"boxes": "en"},
        evidence=f"Visual Genome {content} ({path.name})", split=split_of(path, survey.root),
        problems=missing,
    )  # fmt: skip


def _visual_genome(survey: Survey, path: Path, data: Any) -> Iterator[DetectedDataset]:
    listed = (entry.get("qas") for entry in data if isinstance(entry, dict))
    qas = [qa for found in listed if isinstance(found, list) for qa in found if isinstance(qa, dict)][:1]
    name = f"{qas[0].get('image_id')}.jpg" if qas else ""
    images, missing = find_images(survey, [name], path)
    survey.claim(path, images)
    root = images.parent if images is not None and images.name.startswith("VG_100K") else images
    yield from try_read(
        "VisualGenomeQA", {"questions": path, "images": root or path.parent}, kind="question answering",
        labels={"answers": "en"}, evidence=f"Visual Genome questions ({path.name})", split=split_of(path, survey.root),
        problems=missing,
    )  # fmt: skip


def _gqa(survey: Survey, path: Path, entry: Any) -> Iterator[DetectedDataset]:
    name = f"{entry.get('imageId', '')}.jpg"
    images, missing = find_images(survey, [name], path)
    survey.claim(path, images)
    yield from try_read(
        "Gqa", {"questions": path, "images": images or path.parent}, kind="question answering",
        labels={"answers": "en"}, evidence=f"GQA questions ({path.name})", split=split_of(path, survey.root),
        problems=missing if "imageId" in entry else (),
    )  # fmt: skip


def _is_easy_vqa(path: Path, entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 3 and (path.parent.parent / "answers.txt").is_file()


def _easy_vqa(survey: Survey, path: Path) -> Iterator[DetectedDataset]:
    survey.claimed.add(path.parent)
    folder = path.parent.name
    yield from try_read(
        "EasyVqa", {"part": folder, "root": path.parent.parent}, kind="question answering", labels={"answers": "en"},
        evidence=f"easy-VQA questions ({folder}/{path.name})", split=split_of(path, survey.root),
    )  # fmt: skip
