"""Test images in training: reading and hashing, and searching, per 1,000 images; is the search linear?

python bench/bench_leaks.py
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from measure import in_turns, machine, write_table
from motet.core import DiskImage, rng_for
from motet.data.image_hashes import WINDOWS, Hashes, hash_images
from motet.data.leakage import near_duplicates
from motet.preprocess.images import decode

SIZE_HW = (480, 640)
"""Of COCO's photographs."""


def images(folder: Path, count: int) -> dict[str, DiskImage]:
    """JPEG files of soft shapes with some grain, as many bytes as a photograph has."""
    found = {}
    height, width = SIZE_HW
    for number in range(count):
        rng = rng_for("bench", number)
        soft = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((width, height))
        grain = rng.normal(0, 12, (height, width, 1))
        whole = np.clip(np.asarray(soft, dtype=np.float32) + grain, 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(whole).save(file, "JPEG", quality=88)
        path = folder / f"{number}.jpg"
        path.write_bytes(file.getvalue())
        found[f"{number}"] = DiskImage(path)
    return found


def drawn(name: str, count: int) -> Hashes:
    """Hashes as unrelated images have them: half of the bits of pHash are set, as its median says."""
    rng = rng_for("bench hashes", name, count)
    values = rng.integers(0, 2**64, (count, len(WINDOWS), 2), dtype=np.uint64)
    bits = np.argsort(rng.random((count, len(WINDOWS), 64)), axis=-1) < 32
    values[..., 0] = np.packbits(bits, axis=-1).view(">u8")[..., 0]
    return Hashes(tuple(f"{name}/{n}" for n in range(count)), values, np.zeros(count, dtype=bool), {})


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400, help="how many are read and hashed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[7_500, 30_000, 120_000])
    parser.add_argument("--held", type=float, default=0.2, help="test images for each training image")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = images(Path(folder), arguments.images)
        start = time.perf_counter()
        hash_images(files, decode, workers=0)
        read = 1000 * (time.perf_counter() - start) / len(files)
    rows: list[tuple[object, ...]] = []
    first = 0.0
    for size in arguments.sizes:
        held, others = drawn("test", round(size * arguments.held)), drawn("train", size)
        timing = in_turns({"search": partial(near_duplicates, held, others)}, repeats=arguments.repeats)["search"]
        per = 1000 * timing.median / size
        first = first or per
        rows.append((f"{size:,}", f"{len(held.names):,}", timing, f"{per:.3f} s", f"{per / first:.2f}"))
    write_table(
        "bench_leaks",
        "Test images in training",
        [
            machine(),
            f"Reading and hashing 1,000 images of {SIZE_HW[1]} x {SIZE_HW[0]} pixels takes one process {read:.1f} s: "
            f"120,000 take it {read * 120 / 60:.0f} minutes, shared by all cores, and once, since hashes are kept.",
            "Below: the search alone, in seven windows both ways. A linear search has 1 in the last column.",
        ],
        ("training images", "test images", "search", "per 1,000", "against the first row"),
        rows,
    )


if __name__ == "__main__":
    main()
