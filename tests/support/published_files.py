"""Small files in published layouts, for the data sets that papers train on."""

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def image(path: Path, shade: int = 90) -> None:
    """A picture of eight by eight pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade % 256, 120, 200)).save(path)


def write_json(path: Path, data: object) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def write_lines(path: Path, rows: Sequence[object]) -> None:
    """JSON, an object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_vqav2(folder: Path, count: int) -> None:
    """VQAv2's train2014 and val2014, a question a picture."""
    answers = [{"answer": "square", "answer_confidence": "yes", "answer_id": k + 1} for k in range(10)]
    for part, first in (("train", 0), ("val", count)):
        numbers = range(first, first + count)
        asked = [{"image_id": n, "question": "what?", "question_id": n} for n in numbers]
        known = [
            {"question_id": n, "image_id": n, "question_type": "what", "answer_type": "other",
             "multiple_choice_answer": "square", "answers": answers}
            for n in numbers
        ]  # fmt: skip
        write_json(folder / f"v2_OpenEnded_mscoco_{part}2014_questions.json", {"questions": asked})
        write_json(folder / f"v2_mscoco_{part}2014_annotations.json", {"annotations": known})
        for number in numbers:
            image(folder / f"{part}2014" / f"COCO_{part}2014_{number:012d}.jpg")
