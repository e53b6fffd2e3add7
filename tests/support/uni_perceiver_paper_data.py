"""The sets of Uni-Perceiver in the layouts that its recipes read, a few rows each."""

import gzip
import io
import tarfile
from pathlib import Path

from PIL import Image
from published_files import image, write_json, write_lines

COUNT = 3


def write_uni_perceiver_paper_data(root: Path) -> None:
    """Writes them all under one folder, as `uni_perceiver:paper_base` reads them; of videos the files are empty."""
    pictures = root / "imagenet22k"
    for synset in ("n01", "n02", "n03"):
        image(pictures / "train" / synset / "1.jpg")
    (pictures / "words.txt").write_text("n01\ttench, Tinca tinca\nn02\tcrane\nn03\tcrane, lifting device\n")
    for kind in ("abseiling", "yoga"):
        _touch(root / "kinetics700" / "train" / kind / "abcdefghijk_000010_000020.mp4")
        _touch(root / "moments" / "training" / kind / "1.mp4")
    (root / "moments" / "training.csv").write_text("abseiling/1.mp4,abseiling\nyoga/1.mp4,yoga\n")
    (root / "bookswiki").mkdir()
    (root / "bookswiki" / "train.txt.gz").write_bytes(gzip.compress(b"A sentence.\nAnother one.\n"))
    for name in ("yfcc", "cc12m", "cc3m", "sbu"):
        _shard(root / name / "00000.tar", name)
    genome = root / "visual_genome"
    image(genome / "VG_100K" / "1.jpg")
    write_lines(
        genome / "captions.jsonl", [{"id": 1, "image": "VG_100K/1.jpg", "captions": ["a red car", "the sky is blue"]}]
    )
    for part, first in (("train", 0), ("val", 100)):
        numbers = range(first, first + COUNT)
        images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in numbers]
        captions = [{"id": n, "image_id": n, "caption": f"square {n}"} for n in numbers]
        write_json(
            root / "coco" / "annotations" / f"captions_{part}2017.json", {"images": images, "annotations": captions}
        )
        for number in numbers:
            image(root / "coco" / f"{part}2017" / f"{number:012d}.jpg", number)


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def _shard(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 120, 200)).save(shown, "JPEG")
    with tarfile.open(path, "w") as tar:
        for row in range(COUNT):
            for ending, data in (("jpg", shown.getvalue()), ("txt", f"{name} {row}".encode())):
                member = tarfile.TarInfo(f"{row:05d}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
