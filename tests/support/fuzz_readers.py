"""What the fuzzer reads of data sets: every reader with detection and `motet data check`, and region files."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub.constants
from fuzz_target import Target, files_below, make_old, module_of
from PIL import Image

from motet.cli import main
from motet.core import MemoryImage, MotetError, Reader
from motet.data.detect import detect
from motet.data.readers import READERS, HfDataset, ImageFolder, Table
from motet.preprocess.images import decode

_MAX_ROWS = 6


def reader_targets(root: Path) -> dict[str, Callable[[], Target]]:
    """Returns, by name, what makes the target of each reader and of each file format."""
    layouts = module_of("contract/test_readers.py").LAYOUTS | _MORE
    folders: dict[str, Callable[[], Target]] = {
        f"folder:{name}": partial(_folder, root, name, write) for name, write in _FOLDERS.items()
    }
    return {f"reader:{name}": partial(_reader, root, name, build) for name, build in layouts.items()} | folders


def region_targets(root: Path) -> dict[str, Callable[[], Target]]:
    """Returns, by name, what makes the target of each layout of a region file."""
    layouts = module_of("data/formats/regions/test_layouts.py").LAYOUTS
    return {f"regions:{name}": partial(_regions, root, name) for name in layouts}


# Readers, detection and check


def _reader(root: Path, name: str, build: Callable[[Path], Any]) -> Target:
    folder = root / "readers" / name.lower().replace(" ", "_")
    folder.mkdir(parents=True)
    layout = build(folder)
    make_old(folder)
    exercise(layout.read())  # which writes what is cached beside the files
    return Target(f"reader:{name}", _reading(layout.read, folder), folder, files_below(folder))


def _folder(root: Path, name: str, write: Callable[[Path], None]) -> Target:
    folder = root / "folders" / name.lower().replace(" ", "_")
    folder.mkdir(parents=True)
    write(folder)
    return Target(f"folder:{name}", _detecting(folder), folder, files_below(folder))


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

    rows = {"image": [_png(0), _png(1)], "text": ["A dog.", "Two."], "tags": [["a"], []], "score": [0.5, None]}
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


def _csv(folder: Path) -> _Layout:
    for kind in ("dog", "cat"):
        (folder / "images").mkdir(exist_ok=True)
        Image.new("RGB", (6, 4)).save(folder / "images" / f"{kind}.jpg")
    rows = 'file;kind;text\nimages/dog.jpg;dog;"A dog; it runs."\nimages/cat.jpg;cat;A cat.\n'
    (folder / "rows.csv").write_text(rows)
    (folder / "rows.tsv.gz").write_bytes(gzip.compress(rows.replace(";", "\t").encode()))
    return _Layout(lambda: Table(folder / "rows.csv", image="file", text="text", labels={"class": "kind"}))


def _hf_parquet(folder: Path) -> _Layout:
    import pyarrow
    from pyarrow import parquet

    rows = [{"image": {"bytes": _png(place), "path": None}, "label": place % 2, "text": "A dog."} for place in range(3)]
    (folder / "data").mkdir()
    for part in ("train", "test"):
        parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "data" / f"{part}-00000-of-00001.parquet")
    config = "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n"
    (folder / "README.md").write_text(f"---\n{config}  - split: test\n    path: data/test-*\n---\n# Rows\n")
    labels = {"class": "label", "captions": "text"}
    return _Layout(lambda: HfDataset(folder, image="image", labels=labels, names=("cat", "dog")))


def _hf_images(folder: Path) -> _Layout:
    (folder / "train").mkdir()
    for place in range(2):
        (folder / "train" / f"{place}.png").write_bytes(_png(place))
    (folder / "train" / "metadata.csv").write_text("file_name,text\n0.png,A dog.\n1.png,A cat.\n")
    return _Layout(lambda: HfDataset(folder, image="image", labels={"captions": "text"}))


def _hf_lines(folder: Path) -> _Layout:
    rows = [{"text": "A dog.", "label": "x", "score": 0.5}, {"text": "Two.", "label": "y", "score": 1.5}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return _Layout(lambda: HfDataset(folder, text="text", labels={"class": "label", "score": "score"}))


def _hf_splits(folder: Path) -> _Layout:
    rows = datasets.Dataset.from_dict({"text": ["A dog.", "Two."], "label": [0, 1]})
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(str(folder))
    return _Layout(lambda: HfDataset(folder, text="text", labels={"class": "label"}, names=("x", "y")))


def _png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), (shade, 255 - shade, 40)).save(file, "PNG")
    return file.getvalue()


_MORE = {
    "formats": _image_formats, "Table of Parquet": _parquet, "Table of JSON": _json_lines, "Table of CSV": _csv,
    "HfDataset of Parquet": _hf_parquet, "HfDataset of images": _hf_images, "HfDataset of JSON": _hf_lines,
    "HfDataset of splits": _hf_splits,
}  # fmt: skip


# Folders that no reader of the table reads as they are: detection must say so, or find what they hold.


def _images(folder: Path) -> None:
    (folder / "images").mkdir()
    for place in range(3):
        (folder / "images" / f"{place}.png").write_bytes(_png(place))


def _labelme(folder: Path) -> None:
    _images(folder)
    for place in range(3):
        shape = {"label": "dog", "points": [[1, 1], [3, 3]], "shape_type": "rectangle", "flags": {}}
        data: dict[str, Any] = {"version": "5.0.1", "flags": {}, "shapes": [shape], "imagePath": f"{place}.png"}
        size = {"imageHeight": 4, "imageWidth": 6, "imageData": None}
        (folder / "images" / f"{place}.json").write_text(json.dumps(data | size))


def _label_studio(folder: Path) -> None:
    _images(folder)
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["dog"]}
    result = {"original_width": 6, "original_height": 4, "value": value, "from_name": "label", "to_name": "image",
              "type": "rectanglelabels"}  # fmt: skip
    tasks = [{"id": place, "data": {"image": f"images/{place}.png"}, "annotations": [{"result": [result]}]}
             for place in range(3)]  # fmt: skip
    (folder / "export.json").write_text(json.dumps(tasks))


def _cvat(folder: Path) -> None:
    _images(folder)
    box = '<box label="dog" occluded="0" xtl="1" ytl="1" xbr="3" ybr="3" z_order="0"></box>'
    images = "".join(f'<image id="{place}" name="{place}.png" width="6" height="4">{box}</image>' for place in range(3))
    labels = "<meta><task><labels><label><name>dog</name></label></labels></task></meta>"
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version>{labels}{images}</annotations>")


def _createml(folder: Path) -> None:
    _images(folder)
    box = {"label": "dog", "coordinates": {"x": 2, "y": 2, "width": 2, "height": 2}}
    (folder / "boxes.json").write_text(json.dumps([{"image": f"{n}.png", "annotations": [box]} for n in range(3)]))


def _yolo(folder: Path) -> None:
    _images(folder)
    (folder / "labels").mkdir()
    for place in range(3):
        (folder / "labels" / f"{place}.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images\nval: images\nnc: 2\nnames:\n  0: dog\n  1: cat\n")


def _unread(folder: Path) -> None:
    """Files of kinds that are told about and not read."""
    _images(folder)
    (folder / "rows.pkl").write_bytes(pickle.dumps([{"image": "0.png", "text": "A dog."}]))
    (folder / "notes.yaml").write_text("names: &a [x, y]\nmore: *a\n")
    (folder / "boxes.csv").write_text("image,x1,y1,x2,y2,label\nimages/0.png,1,1,3,3,dog\nimages/1.png,1,1,3,3,cat\n")
    (folder / "captions.txt").write_text("0.png\tA dog.\n1.png\tA cat.\n2.png\tTwo.\n")
    (folder / "chat.json").write_text(
        json.dumps([{"image": "0.png", "conversations": [{"from": "human", "value": "<image>\nWhat?"}] * 2}])
    )


_FOLDERS = {
    "LabelMe": _labelme, "Label Studio": _label_studio, "CVAT": _cvat, "CreateML": _createml, "YOLO": _yolo,
    "mixed": _unread,
}  # fmt: skip


def _reading(read: Callable[[], Reader], folder: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        _without_hub(folder)
        with kept() as errors:
            with errors():
                exercise(read())
            with errors():
                _checked(folder) if rng.random() < 0.3 else _detected(folder)

    return act


def _detecting(folder: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        _without_hub(folder)
        with kept() as errors:
            with errors():
                _checked(folder)
            with errors():
                _detected(folder)

    return act


def _without_hub(folder: Path) -> None:
    """Nothing is asked for on the Hub, and no earlier case is in the cache: changed files may be as old as before."""
    cache = folder.parent / "hf_cache"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ.update(HF_DATASETS_CACHE=str(cache), HF_HUB_OFFLINE="1")  # for processes that motet starts
    datasets.config.HF_DATASETS_CACHE = cache
    datasets.config.HF_HUB_OFFLINE = huggingface_hub.constants.HF_HUB_OFFLINE = True


def exercise(reader: Reader) -> None:
    """Reads the first rows of a reader: ids, annotations, maps and images. Raises the first error after all of them."""
    with kept() as errors:
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
def kept() -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
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
    with kept() as errors:
        for found in detect(folder):
            if not found.problems:
                with errors():
                    exercise(READERS[found.reader](**found.arguments))


def _checked(folder: Path) -> None:
    before = os.environ.get("MOTET_DEBUG")
    os.environ["MOTET_DEBUG"] = "1"  # errors come as they are
    try:
        main(["data", "check", str(folder)])
    except SystemExit:
        pass
    except BaseException as error:
        if type(error).__name__ not in ("Exit", "Abort"):
            raise
    finally:  # a process that runs other tests goes on without it
        os.environ.pop("MOTET_DEBUG")
        os.environ.update({} if before is None else {"MOTET_DEBUG": before})


# Region files


def _regions(root: Path, name: str) -> Target:
    conftest = module_of("data/formats/regions/conftest.py")
    image, folder = conftest.image.__wrapped__(), root / "regions" / name.replace(" ", "_")
    folder.mkdir(parents=True)
    source = module_of("data/formats/regions/test_layouts.py").LAYOUTS[name](folder, conftest.regions.__wrapped__())
    make_old(folder)
    of_kind: Callable[..., Any] = type(source)
    kind = partial(of_kind, keys=source.keys, dataset=source.dataset)
    path = Path(source.path)
    kind(path=path).regions(image, "coco/9")  # which writes what is cached beside the file
    files = {place: data for place, data in files_below(folder).items() if not place.endswith("lock.mdb")}
    return Target(f"regions:{name}", _reading_regions(kind, path, image), folder, files)


def _reading_regions(kind: Any, path: Path, image: MemoryImage) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with kept() as errors:
            for width in (0, 8):
                with errors():
                    source = kind(path=path, width=width)
                    source.regions(image, "coco/9")
                    source.at(image, "coco/9", source.regions(image, "coco/9").boxes_xyxy[:1])

    return act
