"""Readers of many rows: bytes that each row keeps in memory, and CPU seconds until a mixture can start.

python bench/bench_reader_memory.py --rows 200000
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from measure import Goal, machine, write_table
from motet.core import Reader, Task
from motet.data.mixture import Mixture
from motet.data.readers import ImageFolder, Table, TextLines, WebDataset
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.tasks import classification, masked_words

MEMBERS_PER_SHARD = 10_000
CLASSES = tuple(f"class {number}" for number in range(100))


def jsonl(folder: Path, rows: int) -> Callable[[], Reader]:
    """Objects of an image, a question, an answer and a class."""
    path = folder / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            cells = {"image": f"{row:07d}.jpg", "question": f"how many in {row}?", "class": CLASSES[row % 100]}
            file.write(json.dumps(cells) + "\n")
    return lambda: Table(path, image="image", text="question", labels={"class": "class"}, names=CLASSES)


def csv(folder: Path, rows: int) -> Callable[[], Reader]:
    """The same rows with a header."""
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("image,question,class\n")
        for row in range(rows):
            file.write(f'{row:07d}.jpg,"how many, in {row}?",{CLASSES[row % 100]}\n')
    return lambda: Table(path, image="image", text="question", labels={"class": "class"}, names=CLASSES)


def text(folder: Path, rows: int) -> Callable[[], Reader]:
    """Lines of a dozen words."""
    path = folder / "lines.txt"
    path.write_text("".join(f"a line of some words, of which this is number {row}\n" for row in range(rows)))
    return lambda: TextLines(path)


def tars(folder: Path, rows: int) -> Callable[[], Reader]:
    """Shards of an image and a class per row, both of a few bytes."""
    place = folder / "tars"
    place.mkdir()
    for start in range(0, rows, MEMBERS_PER_SHARD):
        with tarfile.open(place / f"{start // MEMBERS_PER_SHARD:05d}.tar", "w") as tar:
            for row in range(start, min(start + MEMBERS_PER_SHARD, rows)):
                for ending, data in (("jpg", b"image"), ("cls", CLASSES[row % 100].encode())):
                    member = tarfile.TarInfo(f"{row:07d}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
                tar.members = []
    return lambda: WebDataset(place, labels={"class": "cls"}, names=CLASSES)


def image_folder(folder: Path, rows: int) -> Callable[[], Reader]:
    """Empty files in class folders: no image is decoded here."""
    root = folder / "images"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
    for row in range(rows):
        os.close(os.open(root / CLASSES[row % 100] / f"{row:07d}.jpg", os.O_CREAT | os.O_WRONLY))
    return lambda: ImageFolder(root)


WRITERS = {"JSONL": jsonl, "CSV": csv, "text lines": text, "WebDataset tars": tars, "ImageFolder": image_folder}


def kept_bytes(make: Callable[[], object]) -> int:
    """Bytes that Python and NumPy hold for what a call returns, beyond what they held before."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = make()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        del kept
    finally:
        tracemalloc.stop()
    return held


def cpu_seconds(make: Callable[[], object]) -> float:
    """CPU seconds of a call, which a busy machine does not change."""
    start = time.process_time()
    make()
    return time.process_time() - start


def start(reader: Reader, task: Task) -> Mixture:
    """What a run does with its rows before the first step: their index, the schedule, the fingerprint."""
    sources = (Source(name="a", reader=reader, tasks=(task,)),)
    mixture = Mixture(sources, Mixed(batch_size=32).bind(sources, seed=0))
    mixture.fingerprints()
    mixture.plan(0, rank=0, world=1, consumed=mixture.consumed)
    return mixture


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--readers", nargs="+", default=list(WRITERS), choices=list(WRITERS))
    arguments = parser.parse_args()
    rows, table = arguments.rows, []
    goals = list[Goal]()
    for name in arguments.readers:
        with tempfile.TemporaryDirectory() as folder:
            make = WRITERS[name](Path(folder), rows)
            task = masked_words() if name == "text lines" else classification("classes", CLASSES)
            first = cpu_seconds(make)
            again = cpu_seconds(make)
            reader = make()
            started = cpu_seconds(lambda reader=reader, task=task: start(reader, task))
            reads = cpu_seconds(lambda reader=reader: [reader.keys(row) for row in range(0, rows, 100)])
            index_bytes = kept_bytes(lambda reader=reader, task=task: start(reader, task))
            del reader
            kept = kept_bytes(make) / rows
            goals.append(Goal(f"bytes that {name} keeps per row", kept, at_most=150.0))
            goals.append(Goal(f"CPU seconds until a mixture of {rows:,} rows of {name} starts", started, at_most=10.0))
            table.append(
                (
                    name,
                    f"{rows:,}",
                    f"{kept:.0f}",
                    f"{index_bytes / rows:.0f}",
                    f"{first:.1f} s",
                    f"{again:.1f} s",
                    f"{started:.1f} s",
                    f"{reads / (rows / 100) * 1e6:.1f} us",
                )
            )
    write_table(
        "bench_reader_memory",
        "Readers of many rows",
        [
            machine(),
            "Bytes that Python and NumPy hold per row, and CPU seconds. A mixture is its index of images, its "
            "schedule, its fingerprint and the rows of the first step. The first opening of tars scans them.",
        ],
        ("reader", "rows", "bytes per row", "of the mixture", "opened", "opened again", "mixture", "image id"),
        table,
        goals,
    )


if __name__ == "__main__":
    main()
