"""The loader on JPEG files against a bare loop that decodes, resizes and makes arrays, at equal numbers of processes.

python bench/bench_loader.py
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, __version__

from measure import Goal, in_turns, machine, peak_mib, ratio, write_table
from motet.core import DiskImage, Example
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.recipes.lit_decoder import small
from motet.systems import build_system
from motet.tasks import classification

IMAGES, ROWS, SIZE = 300, 50, 224
SOURCE_HW = (375, 500)
MEAN, STD = 0.5, 0.5


@dataclass(frozen=True)
class Files:
    """JPEG files with a class each."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def keys(self, index: int) -> tuple[str, ...]:
        return (self.paths[index].name,)

    def __getitem__(self, index: int) -> Example:
        name = self.paths[index].name
        return Example(id=name, images=(DiskImage(self.paths[index]),), image_ids=(name,), labels={"class": index % 2})


def write_files(folder: Path) -> tuple[Path, ...]:
    """Photograph-like JPEGs: soft shapes with a little noise, of about 50 KB."""
    rng = np.random.default_rng(0)
    paths = []
    for index in range(IMAGES):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        soft = np.asarray(coarse.resize(SOURCE_HW[::-1], Image.Resampling.BICUBIC)).astype(np.int16)
        noisy = np.clip(soft + rng.integers(-8, 9, soft.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{index:04d}.jpg")
        Image.fromarray(noisy).save(paths[-1], quality=85)
    return tuple(paths)


def bare(path: Path) -> np.ndarray:
    """Decode, resize, to an array of floats: what has to be done."""
    with Image.open(path) as image:
        rgb = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    values = np.asarray(rgb).transpose(2, 0, 1).astype(np.float32)
    return (values / 255 - MEAN) / STD


def bare_batch(paths: Sequence[Path]) -> torch.Tensor:
    return torch.from_numpy(np.stack([bare(path) for path in paths]))


class Bare:
    """The bare loop over all files; each time it is called.

    Args:
        paths: of the files.
        workers: processes; 0 for this one. Batches come back in shared memory, as the loader's do.
    """

    def __init__(self, paths: tuple[Path, ...], workers: int) -> None:
        self.batches = [paths[start : start + ROWS] for start in range(0, len(paths), ROWS)]
        self.pool = torch.multiprocessing.get_context("fork").Pool(workers) if workers else None

    def __call__(self) -> None:
        found = map(bare_batch, self.batches) if self.pool is None else self.pool.imap(bare_batch, self.batches)
        assert sum(len(batch) for batch in found) == IMAGES


class Ours:
    """The same files through motet's Loader; each time it is called an epoch.

    Args:
        paths: of the files.
        workers: loader processes.
        antialias: resize as Pillow does, which is what the bare loop does; else as the paper does.
    """

    def __init__(self, paths: tuple[Path, ...], workers: int, antialias: bool) -> None:
        task = classification("class", ("cat", "dog"))
        source = Source(name="files", reader=Files(paths), tasks=(task,))
        config = replace(small(image_size=SIZE), antialias=antialias)
        system = build_system(config, (task,), texts=lambda: ["cat dog"])
        self.mixture = Mixture((source,), Mixed(batch_size=ROWS).bind((source,), seed=0), seed=0)
        self.loader = Loader(self.mixture, system.processor, workers=workers)

    def __call__(self) -> None:
        rows = 0
        for ready in self.loader.segment(0, IMAGES // ROWS):
            self.mixture.consumed = dict(ready.planned.consumed)
            rows += len(ready.batches[0][0])
        assert rows == IMAGES


def prepared(name: str, paths: tuple[Path, ...], workers: int) -> Callable[[], object]:
    return Bare(paths, workers) if name == "bare loop" else Ours(paths, workers, antialias=name == NAMES[1])


NAMES = ("bare loop", "motet, antialias=True", "motet")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(Path(folder))
        kilobytes = sum(path.stat().st_size for path in paths) / len(paths) / 1000
        for workers in (0, 2):
            times = in_turns({name: prepared(name, paths, workers) for name in NAMES}, repeats=args.repeats)
            for name in NAMES:
                least = ratio(times["bare loop"], times[name])
                if name != "bare loop":
                    goals.append(Goal(f"{name}: rows/s of a bare loop's, {workers} workers", least[0], at_least=0.9))
                peak = f"{peak_mib(prepared, name, paths, 0):.0f}" if workers == 0 else "-"
                share = "-" if name == "bare loop" else f"{least[0]:.3f} ({least[1]:.3f} to {least[2]:.3f})"
                rows.append((name, str(workers), f"{IMAGES / times[name].median:.0f}", share, peak))
    notes = [
        f"{IMAGES} JPEG files of {SOURCE_HW[1]} x {SOURCE_HW[0]} pixels ({kilobytes:.0f} KB each) to arrays of {SIZE} "
        f"x {SIZE}, batches of {ROWS}; 0 workers, or 2 against 2 processes. The bare loop resizes as Pillow does; so "
        f"does motet with `antialias=True`, while its default reads two by two pixels as the paper does. Medians of "
        f"{args.repeats} turns (least to most). {machine()}, Pillow {__version__}.",
        "At least 0.9 of the bare loop's rows per second is required.",
    ]
    columns = ["", "workers", "rows/s", "of the bare loop", "peak memory, MiB"]
    write_table("bench_loader", "The loader on JPEG files", notes, columns, rows, goals)


if __name__ == "__main__":
    main()
