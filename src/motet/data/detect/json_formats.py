"""Detection of COCO, VQA, GQA, Visual Genome and easy-VQA by the keys of their JSON."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.json_file import load_json

_MAX_BYTES = 1024**3
_VQA_PATTERNS = ("COCO_train2014_{:012d}.jpg", "COCO_val2014_{:012d}.jpg", "COCO_test2015_{:012d}.jpg", "{:012d}.jpg")
_OFFICIAL_PATTERNS = _VQA_PATTERNS[:3]


def find_json_formats(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds the formats that have all data in one large JSON file."""
    answers: list[tuple[Path, Any]] = []
    questions: list[tuple[Path, Any]] = []
    boxes: list[tuple[Path, Any]] = []
    attributes: list[Path] = []
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
                questions.append((path, data))
            case {"annotations": [{"question_id": _}, *_]} | {"annotations": [{"answers": list()}, *_]}:
                answers.append((path, data))
            case {"images": [dict(), *_], "annotations": [dict() as one, *_]} if _has_key_like("caption", one):
                yield from _coco_captions(survey, path, data)
            case {"images": [dict(), *_], "annotations": [dict() as one, *_], "categories": list()} if _has_key_like(
                "bbox", one
            ):
                boxes.append((path, data))
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
    for path, data in questions:
        yield from _vqa(survey, path, data, answers)
    for path, data in objects:
        yield from _vg_objects(survey, path, data, attributes)
    # Keypoint files repeat the boxes of the people in the same images: they count only where no other file has boxes.
    plain = [(path, data) for path, data in boxes if "keypoints" not in data["annotations"][0]]
    for path, data in plain or boxes:
        yield from _coco_boxes(survey, path, data)


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


def _has_key_like(key: str, entry: dict[str, Any]) -> bool:
    """Checks for a key, or a misspelling of it."""
    return key in entry or bool(difflib.get_close_matches(key, entry, n=1, cutoff=0.8))


def _coco_captions(survey: Survey, path: Path, data: Any) -> Iterator[DetectedDataset]:
    names = [str(entry.get("file_name", "")) for entry in data["images"][:5] if isinstance(entry, dict)]
    images = survey.image_folder(names, path)
    survey.claimed.update({path} if images is None else {path, images})
    arguments: dict[str, object] = {"annotations": path, "images": images or path.parent}
    if images is not None and not all(name.removesuffix(".jpg").split("_")[-1].isdigit() for name in names):
        arguments["image_prefix"] = path.absolute().parent.name  # other images than COCO's: their ids must not collide
    problems = () if images or not any(names) else (_no_images(path, names[0]),)
    yield from try_read(
        "CocoCaptions", arguments, kind="captioning", labels={"captions": "en"},
        evidence=f"COCO captions ({path.name})", split=split_of(path, survey.root), problems=problems,
    )  # fmt: skip


def _coco_boxes(survey: Survey, path: Path, data: Any) -> Iterator[DetectedDataset]:
    names = [str(entry.get("file_name", "")) for entry in data["images"][:5] if isinstance(entry, dict)]
    images = survey.image_folder(names, path)
    survey.claimed.update({path} if images is None else {path, images})
    # Boxes are clipped at the border: a run should not stop at the rounding error of a tool.
    arguments: dict[str, object] = {"annotations": path, "images": images or path.parent, "clip": True}
    if images is not None and not all(name.removesuffix(".jpg").split("_")[-1].isdigit() for name in names):
        arguments["image_prefix"] = path.absolute().parent.name
    problems = () if images or not any(names) else (_no_images(path, names[0]),)
    yield from try_read(
        "CocoInstances", arguments, kind="detection", labels={"boxes": "en"}, evidence=f"COCO boxes ({path.name})",
        split=split_of(path, survey.root), problems=problems,
    )  # fmt: skip


def _vg_objects(survey: Survey, path: Path, data: Any, attributes: list[Path]) -> Iterator[DetectedDataset]:
    first = data[0]
    name = f"{first.get('image_id', first.get('id', ''))}.jpg"
    images = survey.image_folder([name], path)
    beside = [file for file in attributes if file.parent == path.parent]
    claimed = {path, *beside} if images is None else {path, *beside, images}
    root = images.parent if images is not None and images.name.startswith("VG_100K") else images
    arguments: dict[str, object] = {"objects": path, "images": root or path.parent}
    if beside:
        arguments["attributes"] = beside[0]
    if (image_data := path.with_name("image_data.json")).is_file():
        arguments["image_data"] = image_data
        claimed.add(image_data)
    survey.claimed.update(claimed)
    content = "objects with attributes" if beside else "objects"
    yield from try_read(
        "VisualGenomeObjects", arguments, kind="detection", labels={"boxes": "en"},
        evidence=f"Visual Genome {content} ({path.name})", split=split_of(path, survey.root),
        problems=() if images else (_no_images(path, name),),
    )  # fmt: skip


def _vqa(survey: Survey, path: Path, data: Any, answers: list[tuple[Path, Any]]) -> Iterator[DetectedDataset]:
    first = data["questions"][0]
    annotations = next((file for file, other in answers if _answers_question(other, first)), None)
    image = first.get("image_id")
    patterns = _VQA_PATTERNS if isinstance(image, int) else ()
    folders = [(pattern, survey.image_folder([pattern.format(image)], path)) for pattern in patterns]
    pattern, images = next(((pattern, folder) for pattern, folder in folders if folder is not None), ("", None))
    survey.claimed.update(place for place in (path, annotations, images) if place is not None)
    arguments: dict[str, object] = {"questions": path, "annotations": annotations, "images": images or path.parent}
    if pattern and pattern not in _OFFICIAL_PATTERNS:
        arguments["pattern"] = pattern
    problems: tuple[str, ...] = ()
    if annotations is None:
        problems = (f"{path}: got questions without annotations; want the file with their answers in this folder",)
    elif images is None and isinstance(image, int):
        problems = (_no_images(path, _VQA_PATTERNS[0].format(image)),)
    yield from try_read(
        "Vqav2", arguments, kind="question answering", labels={"answers": "en"},
        evidence=f"VQA questions ({path.name})" + (f" with {annotations.name}" if annotations else ""),
        split=split_of(path, survey.root), problems=problems,
    )  # fmt: skip


def _answers_question(data: Any, question: Any) -> bool:
    """Checks for an annotation of this question."""
    number = question.get("question_id")
    return any(isinstance(entry, dict) and entry.get("question_id") == number for entry in data["annotations"])


def _visual_genome(survey: Survey, path: Path, data: Any) -> Iterator[DetectedDataset]:
    listed = (entry.get("qas") for entry in data if isinstance(entry, dict))
    qas = [qa for found in listed if isinstance(found, list) for qa in found if isinstance(qa, dict)][:1]
    name = f"{qas[0].get('image_id')}.jpg" if qas else ""
    images = survey.image_folder([name], path)
    survey.claimed.update({path} if images is None else {path, images})
    root = images.parent if images is not None and images.name.startswith("VG_100K") else images
    yield from try_read(
        "VisualGenomeQA", {"questions": path, "images": root or path.parent}, kind="question answering",
        labels={"answers": "en"}, evidence=f"Visual Genome questions ({path.name})", split=split_of(path, survey.root),
        problems=() if images else (_no_images(path, name),),
    )  # fmt: skip


def _gqa(survey: Survey, path: Path, entry: Any) -> Iterator[DetectedDataset]:
    name = f"{entry.get('imageId', '')}.jpg"
    images = survey.image_folder([name], path)
    survey.claimed.update({path} if images is None else {path, images})
    yield from try_read(
        "Gqa", {"questions": path, "images": images or path.parent}, kind="question answering",
        labels={"answers": "en"}, evidence=f"GQA questions ({path.name})", split=split_of(path, survey.root),
        problems=() if images or "imageId" not in entry else (_no_images(path, name),),
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


def _no_images(path: Path, name: str) -> str:
    return f"{path}: got no folder with the image {name}; want it in this folder"
