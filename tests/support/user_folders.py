"""Folders as users have them, and a summary of the data sets that are detected in them."""

import io
import json
from pathlib import Path

from PIL import Image

from motet.core import Reader
from motet.data.detect import DetectedDataset, detect
from motet.data.readers import READERS


def jpeg(shade: int = 0) -> bytes:
    """Returns an encoded image."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def write(path: Path, content: object) -> None:
    """Writes a file and the folders above it; anything but bytes and text is written as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def image(path: Path, *, shade: int = 0, size: tuple[int, int] = (12, 10)) -> Path:
    """Writes one image of 12 x 10 pixels, in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 0, 0)).save(path)
    return path


def images(root: Path, *places: str) -> None:
    """Writes a different image to each place."""
    for shade, place in enumerate(places):
        write(root / place, jpeg(shade))


def summaries(root: Path) -> list[tuple[str, str, str, str, int]]:
    """Returns reader, kind, label, split and rows of each detected data set."""
    return [(one.reader, one.kind, one.label, one.split, one.rows) for one in detect(root)]


def read(detected: DetectedDataset) -> Reader:
    """Builds the reader of a detected data set, as a recipe does."""
    reader: Reader = READERS[detected.reader](**detected.arguments)
    return reader


def coco(root: Path, **misspelled: str) -> None:
    """Writes COCO captions with one image per split; keys of annotations may be misspelled."""
    images(root, "train2017/000000000009.jpg", "val2017/000000000025.jpg")
    for split, number in (("train", 9), ("val", 25)):
        entry = {"image_id": number, "id": 1, "caption": "A dog."}
        data = {
            "info": {},
            "images": [{"id": number, "file_name": f"{number:012d}.jpg"}],
            "annotations": [{misspelled.get(key, key): value for key, value in entry.items()}],
        }
        write(root / "annotations" / f"captions_{split}2017.json", data)


def vqa(root: Path, *, answers: int = 10) -> None:
    """Writes VQA v2 with one question."""
    images(root, "train2014/COCO_train2014_000000000009.jpg")
    question = {"image_id": 9, "question_id": 1, "question": "What?"}
    annotation = {
        "question_id": 1,
        "multiple_choice_answer": "dog",
        "answers": [{"answer": "dog", "answer_id": number} for number in range(answers)],
    }
    write(
        root / "v2_OpenEnded_mscoco_train2014_questions.json",
        {"data_subtype": "train2014", "questions": [question]},
    )
    write(root / "v2_mscoco_train2014_annotations.json", {"annotations": [annotation]})
