"""The ten data sets of the LiT decoder paper in their published layouts, a few rows each."""

import json
from pathlib import Path

from PIL import Image


def write_paper_data(root: Path) -> None:
    """Writes them all under one folder, as `lit_decoder:paper` reads them."""
    for name, parts in {"imagenet": ("train", "val"), "sun397": ("train", "test"), "food101": ("train", "val"),
                        "pet": ("train", "test"), "resisc45": ("",)}.items():  # fmt: skip
        for part in parts:
            for number in range(20):
                _picture(root / name / part / ("one", "two")[number % 2] / f"{part}{number}.jpg")
    for part in ("train", "val"):
        coco, vqa = root / "coco", root / "vqav2"
        images = [{"id": n, "file_name": f"{n:012d}.jpg", "height": 8, "width": 8} for n in range(4)]
        captions = [{"id": n, "image_id": n, "caption": "a square"} for n in range(4)]
        _json(coco / "annotations" / f"captions_{part}2017.json", {"images": images, "annotations": captions})
        asked = [{"image_id": n, "question": "what?", "question_id": n} for n in range(40)]
        answers = [{"answer": "square", "answer_confidence": "yes", "answer_id": k + 1} for k in range(10)]
        known = [
            {"question_id": n, "image_id": n, "question_type": "what", "answer_type": "other",
             "multiple_choice_answer": "square", "answers": answers}
            for n in range(40)
        ]  # fmt: skip
        _json(vqa / f"v2_OpenEnded_mscoco_{part}2014_questions.json", {"questions": asked})
        _json(vqa / f"v2_mscoco_{part}2014_annotations.json", {"annotations": known})
        for number in range(4):
            _picture(coco / f"{part}2017" / f"{number:012d}.jpg")
        for number in range(40):
            _picture(vqa / f"{part}2014" / f"COCO_{part}2014_{number:012d}.jpg")
    flickr = root / "flickr30k"
    lines = ["image_name| comment_number| comment"]
    for number, part in enumerate(("train", "test")):
        _picture(flickr / "flickr30k-images" / f"{1000 + number}.jpg")
        lines.append(f"{1000 + number}.jpg| 0| a square")
        (flickr / f"{part}.txt").write_text(f"{1000 + number}\n")
    (flickr / "results.csv").write_text("\n".join(lines) + "\n")
    ocr = root / "ocr_vqa"
    _picture(ocr / "images" / "book.jpg")
    row = json.dumps({"image": "book.jpg", "question": "who wrote it?", "answer": "nobody"})
    for part in ("train", "test"):
        (ocr / f"{part}.jsonl").write_text(row + "\n")
    _picture(root / "gqa" / "images" / "7.jpg")
    question = {"1": {"imageId": "7", "question": "what?", "answer": "square", "fullAnswer": "A square."}}
    for part in ("train", "testdev"):
        _json(root / "gqa" / f"{part}_balanced_questions.json", question)


def _picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (90, 120, 200)).save(path)


def _json(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
