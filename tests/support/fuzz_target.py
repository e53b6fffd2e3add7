"""Something that the fuzzer reads: a folder of small files, changed for each case."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from fuzz_mutations import mutate

TESTS = Path(__file__).parents[1]
KINDS = (
    "pipe", "socket", "endless device", "empty device", "folder", "loop", "loop of folders", "no permission",
    "elsewhere", "nothing", "empty file",
)  # fmt: skip
"""What is put in the place of a file, or beside it."""
_ENDINGS = (
    "json", "jsonl", "csv", "tsv", "txt", "xml", "yaml", "jpg", "png", "tar", "npz", "npy", "mat", "mp4", "parquet",
    "arrow", "lmdb", "h5", "safetensors", "zip", "gz",
)  # fmt: skip
_TIME_NS = 1_700_000_000 * 10**9  # files of a case are as old as those of their caches' stamps


def module_of(place: str) -> ModuleType:
    """Returns a test file as a module: it has the small files of all formats."""
    path = TESTS / place
    name = f"fuzz_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Target:
    """Something that reads files.

    Args:
        name: kind and name: "reader:Table".
        act: reads the folder of base files, which a case has changed; the generator chooses between ways to do so.
        root: the folder.
        files: its base files by their place in it.
    """

    name: str
    act: Callable[[random.Random], None]
    root: Path
    files: dict[str, bytes]

    def restore(self) -> None:
        """Writes the base files again."""
        shutil.rmtree(self.root, ignore_errors=True)
        for place, content in self.files.items():
            (self.root / place).parent.mkdir(parents=True, exist_ok=True)
            (self.root / place).write_bytes(content)
            os.utime(self.root / place, ns=(_TIME_NS, _TIME_NS))

    def change(self, rng: random.Random) -> str:
        """Changes one or two files; returns their names."""
        if not self.files:
            return ""
        # Images are most of the files, and all are read by one decoder.
        images = (".jpg", ".png", ".ppm", ".tif", ".webp", ".bmp", ".gif")
        tables = sorted(place for place in self.files if not place.endswith(images))
        every = sorted(self.files)
        changed = []
        for _ in range(rng.choice((1, 1, 1, 2))):
            place = rng.choice(tables if tables and rng.random() < 0.75 else every)
            path = self.root / place
            if rng.random() < 0.1:
                changed.append(self.replace(place, rng.choice(KINDS)))
            elif rng.random() < 0.05:
                changed.append(self.replace(_beside(place, rng), rng.choice(KINDS)))
            elif path.is_file():
                path.write_bytes(mutate(path.read_bytes(), rng))
                changed.append(place)
                if rng.random() < 0.5:  # as old as before: what is cached beside it counts as current
                    os.utime(path, ns=(_TIME_NS, _TIME_NS))
        return ", ".join(changed)

    def case(self, seed: str) -> tuple[str, Callable[[], None]]:
        """Restores the base files, changes them, and returns their names and what reads them.

        Args:
            seed: of the changes; or "place=kind", for `replace` with underscores as spaces.
        """
        rng = random.Random(f"{self.name} {seed}")
        self.restore()
        place, is_kind, kind = seed.rpartition("=")
        changed = self.replace(place, kind.replace("_", " ")) if is_kind else self.change(rng)
        return changed, lambda: self.act(rng)

    def places(self) -> Sequence[str]:
        """Returns one file of each ending in each folder: those that are read alike are not all tried."""
        found = {(Path(place).parent, Path(place).suffix): place for place in sorted(self.files, reverse=True)}
        return sorted(found.values())

    def replace(self, place: str, kind: str) -> str:
        """Puts something in the place of a file that is no whole file; returns what."""
        path = self.root / place
        if path.is_dir():
            return place  # an earlier change has put it there
        path.unlink(missing_ok=True)
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "socket":
                _bind(path)
            case "endless device":
                path.symlink_to("/dev/zero")
            case "empty device":
                path.symlink_to("/dev/null")
            case "folder":
                path.mkdir()
            case "loop":
                path.symlink_to(path.name)
            case "loop of folders":
                path.symlink_to("..", target_is_directory=True)
            case "no permission":
                path.write_bytes(self.files.get(place, b""))
                path.chmod(0)
            case "elsewhere":
                path.symlink_to("/etc/passwd")
            case "nothing":
                pass
            case "empty file":
                path.touch()
        return f"{place} ({kind})"


def _beside(place: str, rng: random.Random) -> str:
    return str(Path(place).parent / f"{rng.choice(('a', 'train', 'x.index'))}.{rng.choice(_ENDINGS)}")


def _bind(path: Path) -> None:
    """Makes a socket; its own name may have a hundred characters, so that it is made by a short one."""
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}"[:107])
    finally:
        os.close(here)


def files_below(root: Path) -> dict[str, bytes]:
    """Returns the content of all files below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def make_old(root: Path) -> None:
    """Gives all files the time that `restore` gives them, so that a cache written now fits them."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, ns=(_TIME_NS, _TIME_NS))
