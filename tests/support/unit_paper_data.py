"""The data sets of UniT's run on eight tasks in their published layouts, a few rows each."""

import json
from pathlib import Path

from published_files import image, write_json, write_vqav2

GLUE = {
    "QNLI": ("index\tquestion\tsentence\tlabel", "what?\ta square.\tentailment", ("train", "dev")),
    "MNLI": ("index\tsentence1\tsentence2\tgold_label", "a square\ta shape\tentailment", ("train", "dev_mismatched")),
    "QQP": ("id\tquestion1\tquestion2\tis_duplicate", "what?\twhy?\t0", ("train", "dev")),
    "SST-2": ("sentence\tlabel", "a fine square\t1", ("train", "dev")),
}


def write_unit_paper_data(root: Path) -> None:
    """Writes them all under one folder, as `unit:paper` reads them."""
    coco, genome = root / "coco", root / "visual_genome"
    write_vqav2(root / "vqav2", 20)
    # As in COCO: val2017 has images of train2014 and of val2014, and so has train2017.
    for part, numbers in (("train", (0, 20)), ("val", (1, 21))):
        images = [{"id": n, "file_name": f"{n:012d}.jpg", "height": 8, "width": 8} for n in numbers]
        boxes = [{"id": n, "image_id": n, "category_id": 18, "bbox": [1, 1, 4, 4], "iscrowd": 0} for n in numbers]
        known = {"images": images, "annotations": boxes, "categories": [{"id": 18, "name": "dog"}]}
        write_json(coco / "annotations" / f"instances_{part}2017.json", known)
        for number in numbers:
            image(coco / f"{part}2017" / f"{number:012d}.jpg")
    for number in (4, 5):
        image(genome / "VG_100K" / f"{number}.jpg")
    thing = {"object_id": 1, "x": 1, "y": 1, "w": 4, "h": 4, "names": ["dog"]}
    write_json(genome / "objects.json", [{"image_id": n, "objects": [thing | {"object_id": n}]} for n in (4, 5)])
    described = {"object_id": 4, "x": 1, "y": 1, "w": 4, "h": 4, "names": ["dog"], "attributes": ["brown"]}
    write_json(genome / "attributes.json", [{"image_id": 4, "attributes": [described]}])
    write_json(genome / "image_data.json", [{"image_id": 4, "coco_id": None}, {"image_id": 5, "coco_id": 21}])
    write_json(
        genome / "question_answers.json",
        [{"id": n, "qas": [{"qa_id": n, "image_id": n, "question": "what?", "answer": "square"}]} for n in (4, 5)],
    )
    (genome / "objects_vocab.txt").write_text("dog\n")
    (genome / "attributes_vocab.txt").write_text("brown\n")
    entail = root / "snli_ve"
    image(entail / "flickr30k-images" / "1000.jpg")
    row = {"Flickr30K_ID": "1000", "sentence1": "a square", "sentence2": "a shape", "gold_label": "entailment"}
    for part in ("train", "dev"):
        (entail / f"snli_ve_{part}.jsonl").write_text(json.dumps(row | {"pairID": "1000.jpg#0r1e"}) + "\n")
    for name, (header, line, parts) in GLUE.items():
        (root / "glue" / name).mkdir(parents=True)
        first = "" if name == "SST-2" else "0\t"
        for part in parts:
            (root / "glue" / name / f"{part}.tsv").write_text(f"{header}\n{first}{line}\n")
