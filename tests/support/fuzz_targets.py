"""What the fuzzer reads: every reader, detection and check, region files, saved models, overrides of recipes."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from fuzz_mutations import change_value, mutate
from PIL import Image

from motet.cli import main
from motet.config.overrides import with_settings
from motet.core import MemoryImage, MotetError, Reader
from motet.core.model_folder import CONFIG, write_model
from motet.data.detect import detect
from motet.data.readers import READERS, ImageFolder, Table
from motet.hub import load_system
from motet.preprocess.images import decode
from motet.training.run import Run

_TESTS = Path(__file__).parents[1]
_MAX_ROWS = 6


def module_of(place: str) -> ModuleType:
    """Returns a test file as a module: it has the small files of all formats."""
    path = _TESTS / place
    name = f"fuzz_{path.stem}"
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

    def change(self, rng: random.Random) -> str:
        """Changes one or two files; returns their names."""
        if not self.files:
            return ""
        # Images are most of the files, and all are read by one decoder.
        images = (".jpg", ".png", ".ppm", ".tif", ".webp", ".bmp", ".gif")
        tables = sorted(place for place in self.files if not place.endswith(images))
        every = sorted(self.files)
        chosen = [
            rng.choice(tables if tables and rng.random() < 0.75 else every) for _ in range(rng.choice((1, 1, 1, 2)))
        ]
        for place in chosen:
            path = self.root / place
            if rng.random() < 0.06:
                _replace(path, rng)
            elif path.is_file():
                path.write_bytes(mutate(path.read_bytes(), rng))
        return ", ".join(chosen)

    def case(self, seed: str) -> tuple[str, Callable[[], None]]:
        """Restores the base files, changes them, and returns their names and what reads them."""
        rng = random.Random(seed)
        self.restore()
        changed = self.change(rng)
        return changed, lambda: self.act(rng)


def _replace(path: Path, rng: random.Random) -> None:
    """Puts something in the place of a file that is no file."""
    if path.is_dir():
        return  # an earlier change has put it there
    path.unlink(missing_ok=True)
    match rng.randrange(6):
        case 0:
            path.mkdir(exist_ok=True)
        case 1:
            path.symlink_to(path.name)
        case 2:
            os.mkfifo(path)
        case 3:
            path.symlink_to("/dev/zero")
        case 4:
            path.symlink_to("/etc/passwd")
        case _:
            pass


def targets(root: Path) -> dict[str, Callable[[], Target]]:
    """Returns, by name, what makes each target and its base files below a folder."""
    readers = module_of("contract/test_readers.py").LAYOUTS
    regions = module_of("data/formats/regions/test_layouts.py").LAYOUTS
    models = module_of("contract/test_systems.py").CASES
    return {
        **{f"reader:{name}": partial(_reader, root, name, build) for name, build in (readers | _MORE).items()},
        **{f"regions:{name}": partial(_regions, root, name) for name in regions},
        **{f"model:{name}": partial(_model, root, name) for name in models},
        "overrides": partial(_overrides, root),
    }


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# Readers, detection and check


def _reader(root: Path, name: str, build: Callable[[Path], Any]) -> Target:
    folder = root / "readers" / name.lower().replace(" ", "_")
    folder.mkdir(parents=True)
    layout = build(folder)
    exercise(layout.read())  # which writes what is cached beside the files
    return Target(f"reader:{name}", _reading(layout.read, folder), folder, _files(folder))


@dataclass(frozen=True)
class _Layout:
    read: Callable[[], Reader]


def _image_formats(folder: Path) -> _Layout:
    """One image in each format that is read, in colour and in grey."""
    endings = {"JPEG": "jpg", "PPM": "ppm", "TIFF": "tif", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "PNG": "png"}
    for mode in ("RGB", "L", "P", "RGBA", "I;16"):
        for form, ending in endings.items():
            path = folder / mode.replace(";", "") / f"{form}.{ending}"
            path.parent.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):  # a format that has no such mode
                Image.new(mode, (9, 7), 100).save(path, form)
    return _Layout(lambda: ImageFolder(folder))


def _parquet(folder: Path) -> _Layout:
    import pyarrow
    from pyarrow import parquet

    rows = {"image": [b"x", b"y"], "text": ["A dog.", "Two."], "tags": [["a"], []], "score": [0.5, None]}
    for compression in ("snappy", "zstd", "none"):
        parquet.write_table(pyarrow.table(rows), folder / f"{compression}.parquet", compression=compression)
    read = partial(Table, folder, labels={"captions": "text", "score": "score", "tags": "tags"})
    return _Layout(read)


def _json_lines(folder: Path) -> _Layout:
    rows = [{"q": "What?", "a": ["x", "y"], "class": kind, "score": 0.5} for kind in ("dog", "cat")]
    (folder / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "qa.json").write_text(json.dumps(rows))
    labels = {"answers": "a", "class": "class", "score": "score"}
    return _Layout(lambda: Table(folder / "qa.jsonl", text="q", labels=labels))


_MORE = {"formats": _image_formats, "Table of Parquet": _parquet, "Table of JSON": _json_lines}


def _reading(read: Callable[[], Reader], folder: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with _kept() as errors:
            with errors():
                exercise(read())
            with errors():
                _checked(folder) if rng.random() < 0.3 else _detected(folder)

    return act


def exercise(reader: Reader) -> None:
    """Reads the first rows of a reader: ids, annotations, maps and images. Raises the first error after all of them."""
    with _kept() as errors:
        for index in range(min(len(reader), _MAX_ROWS)):
            with errors():
                reader.keys(index)
                example = reader[index]
                for name in example.labels:
                    with errors():
                        example.labels[name]
                for image in example.images:
                    with errors():
                        decode(image)


@contextlib.contextmanager
def _kept() -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Goes on after a MotetError, and raises the first one at the end."""
    first: list[MotetError] = []

    @contextlib.contextmanager
    def keep() -> Iterator[None]:
        try:
            yield
        except MotetError as error:
            first.append(error)

    yield keep
    if first:
        raise first[0]


def _detected(folder: Path) -> None:
    with _kept() as errors:
        for found in detect(folder):
            if not found.problems:
                with errors():
                    exercise(READERS[found.reader](**found.arguments))


def _checked(folder: Path) -> None:
    os.environ["MOTET_DEBUG"] = "1"  # errors come as they are
    try:
        main(["data", "check", str(folder)])
    except SystemExit:
        pass
    except BaseException as error:
        if type(error).__name__ not in ("Exit", "Abort"):
            raise


# Region files


def _regions(root: Path, name: str) -> Target:
    conftest = module_of("data/formats/regions/conftest.py")
    image, folder = conftest.image.__wrapped__(), root / "regions" / name.replace(" ", "_")
    folder.mkdir(parents=True)
    source = module_of("data/formats/regions/test_layouts.py").LAYOUTS[name](folder, conftest.regions.__wrapped__())
    files = {place: data for place, data in _files(folder).items() if not place.endswith("lock.mdb")}
    return Target(f"regions:{name}", _reading_regions(type(source), Path(source.path), image), folder, files)


def _reading_regions(kind: Any, path: Path, image: MemoryImage) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with _kept() as errors:
            for width in (0, 8):
                with errors():
                    source = kind(path=path, width=width)
                    source.regions(image, "coco/9")
                    source.at(image, "coco/9", source.regions(image, "coco/9").boxes_xyxy[:1])

    return act


# Saved models


def _model(root: Path, name: str) -> Target:
    folder = root / "models" / name
    write_model(folder, module_of("contract/test_systems.py").build(name))
    return Target(f"model:{name}", _loading(folder), folder, _files(folder))


def _loading(folder: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        if rng.random() < 0.7:
            _sum_up(folder)
        torch.manual_seed(0)
        load_system(folder)

    return act


def _sum_up(folder: Path) -> None:
    """Writes the digests of changed assets, as whoever changed them would."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        if not (folder / CONFIG).is_symlink() and (folder / CONFIG).is_file():
            config = json.loads((folder / CONFIG).read_text())
            for name in config["assets"]:
                data = (folder / "assets" / name).read_bytes() if (folder / "assets" / name).is_file() else b""
                config["assets"][name] = hashlib.blake2b(data, digest_size=16).hexdigest()
            (folder / CONFIG).write_text(json.dumps(config))


# Overrides


def _overrides(root: Path) -> Target:
    from tiny_runs import images_run, write_image

    for kind in ("dark", "light"):
        write_image(root / "overrides" / "kinds" / kind / "0.png")
    run = images_run(root / "overrides")
    settings = [f"{path}={value}" for path, value in _paths(run, ())]
    return Target("overrides", _setting(run, settings), root / "overrides", {})


def _setting(run: Run, settings: list[str]) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with _kept() as errors:
            for _ in range(20):
                with errors():
                    with_settings(run, [_changed_setting(rng.choice(settings), rng)])

    return act


def _changed_setting(setting: str, rng: random.Random) -> str:
    path, _, value = setting.partition("=")
    match rng.randrange(5):
        case 0:
            value = str(change_value(rng.choice((value, [value], {"a": value})), rng))
        case 1:
            value = mutate(value.encode("utf-8", "replace"), rng).decode("utf-8", "surrogateescape")[:100_000]
        case 2:
            value = rng.choice(
                ("(" * 5000, "-" * 5000 + "1", "A(" * 300 + ")" * 300, "9" * 5000, "1e999", "[" * 99 + "]" * 99)
            )
        case 3:
            value = rng.choice(
                ("Adamw(lr=1e999)", "Mixed(batch_size=-1)", "None", "{'a': 1}", "x=1", "1,2,3", "\0", "''")
            )
        case _:
            parts = path.split(".")
            parts[rng.randrange(len(parts))] = rng.choice(("", "0", "-1", "__class__", "999", "x", "\ud800"))
            path = ".".join(parts)
    return f"{path}={value}"


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yields the places of all fields within a run, and their values as texts."""
    if path:
        yield ".".join(path), str(value)[:200]
    if is_dataclass(value) and len(path) < 5:
        for field in fields(value):
            if field.init:
                yield from _paths(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple) and len(path) < 5:
        for index, part in enumerate(value[:2]):
            yield from _paths(part, (*path, str(index)))
