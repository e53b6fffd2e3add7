"""The ten data sets of the LiT decoder paper in their published layouts, a few rows each."""

import json
from pathlib import Path

from published_files import image, write_json, write_vqav2


def write_paper_data(root: Path) -> None:
    """Writes them all under one folder, as `lit_decoder:paper` reads them."""
    for name, parts in {"imagenet": ("train", "val"), "sun397": ("train", "test"), "food101": ("train", "val"),
                        "pet": ("train", "test"), "resisc45": ("",)}.items():  # fmt: skip
        for part in parts:
            for number in range(20):
                image(root / name / part / ("one", "two")[number % 2] / f"{part}{number}.jpg")
    write_vqav2(root / "vqav2", 40)
    for part in ("train", "val"):
        coco = root / "coco"
        images = [{"id": n, "file_name": f"{n:012d}.jpg", "height": 8, "width": 8} for n in range(4)]
        captions = [{"id": n, "image_id": n, "caption": "a square"} for n in range(4)]
        write_json(coco / "annotations" / f"captions_{part}2017.json", {"images": images, "annotations": captions})
        for number in range(4):
            image(coco / f"{part}2017" / f"{number:012d}.jpg")
    flickr = root / "flickr30k"
    lines = ["image_name| comment_number| comment"]
    for number, part in enumerate(("train", "test")):
        image(flickr / "flickr30k-images" / f"{1000 + number}.jpg")
        lines.append(f"{1000 + number}.jpg| 0| a square")
        (flickr / f"{part}.txt").write_text(f"{1000 + number}\n")
    (flickr / "results.csv").write_text("\n".join(lines) + "\n")
    ocr = root / "ocr_vqa"
    image(ocr / "images" / "book.jpg")
    row = json.dumps({"image": "book.jpg", "question": "who wrote it?", "answer": "nobody"})
    for part in ("train", "test"):
        (ocr / f"{part}.jsonl").write_text(row + "\n")
    image(root / "gqa" / "images" / "7.jpg")
    question = {"1": {"imageId": "7", "question": "what?", "answer": "square", "fullAnswer": "A square."}}
    for part in ("train", "testdev"):
        write_json(root / "gqa" / f"{part}_balanced_questions.json", question)
