"""Small files that would take the machine: bytes on disk, memory and CPU seconds until motet has refused or read them.

python bench/bench_hostile_files.py
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import multiprocessing
import os
import pickle
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from measure import machine, write_table
from motet.cli import main
from motet.core import DiskImage, MotetError
from motet.core.model_folder import CONFIG, FORMAT, TASKS, WEIGHTS, read_model, read_weights
from motet.core.plain_pickle import read_plain
from motet.core.saved_names import SavedNames
from motet.data.formats.hdf5_file import Hdf5File
from motet.data.formats.json_file import load_json, load_json_lines
from motet.data.formats.npz_file import read_npz
from motet.data.formats.png_values import png_values
from motet.data.formats.regions.lmdb_file import LmdbFile
from motet.data.formats.xml_file import load_xml
from motet.data.readers import HfDataset, Table, WebDataset
from motet.preprocess.images import decode
from motet.report.plots import curves, svg

MIB = 2**20


def names_that_are_code(folder: Path) -> Callable[[], object]:
    """Class folders called like statements, over every end of a line; `motet init` reads and trains nothing."""
    for number, end in enumerate(("\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", '"""', "'''", "{0}")):
        place = folder / "data" / f"a{end}import os; os.abort(){end}{number}"
        place.mkdir(parents=True)
        for image in range(3):
            Image.effect_noise((16, 16), 60).save(place / f"{image}.png")
    return lambda: main(["init", str(folder / "data"), "--out", str(folder / "recipe.py")])


def run_of_a_stranger(folder: Path) -> Callable[[], object]:
    """A run folder whose run names a module beside it."""
    (folder / "evil.py").write_text("import os\nos.abort()\n")
    (folder / "run").mkdir()
    (folder / "run" / "run.json").write_text(
        json.dumps({"run": {"py/object": "evil:Run"}, "files": {"evil": "evil.py"}})
    )
    return lambda: main(["evaluate", str(folder / "run")])


def model_that_calls(folder: Path) -> Callable[[], object]:
    """A saved model that names functions of other modules, 300 deep."""
    value: Any = {"class": "subprocess:run", "args": ["true"]}
    for _ in range(300):
        value = {"class": "motet.core.whole_files:os.abort", "x": value}
    _saved_model(folder, value, b"")
    return lambda: read_model(folder, SavedNames.of(()))


def weights_of_terabytes(folder: Path) -> Callable[[], object]:
    """Weights whose header declares 4 TB."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    _saved_model(folder, {}, struct.pack("<Q", len(header)) + header + bytes(64))
    return lambda: read_weights(folder)


def _saved_model(folder: Path, system: object, weights: bytes) -> None:
    (folder / CONFIG).write_text(json.dumps({"format": FORMAT, "system": system}))
    (folder / TASKS).write_text(json.dumps([system]))
    (folder / WEIGHTS).write_bytes(weights)


def memo_of_a_pickle(folder: Path) -> Callable[[], object]:
    """A memo index of 2^28: Python's own reader takes 3.8 GB."""
    return _pickle(folder, b"\x80\x02Nr" + struct.pack("<I", 2**28) + b".")


def tuples_of_a_pickle(folder: Path) -> Callable[[], object]:
    """Forty tuples, each of the one before twice: 2^40 values."""
    value: Any = ("x",)
    for _ in range(40):
        value = (value, value)
    return _pickle(folder, pickle.dumps(value))


def depth_of_a_pickle(folder: Path) -> Callable[[], object]:
    """A million lists, each in the one before."""
    return _pickle(folder, b"\x80\x02" + b"]" * 10**6 + b"a" * (10**6 - 1) + b".")


def _pickle(folder: Path, data: bytes) -> Callable[[], object]:
    (folder / "refs.p").write_bytes(data)
    return lambda: read_plain((folder / "refs.p").read_bytes(), path=folder / "refs.p", arrays=True)


def hdf5_of_80_terabytes(folder: Path) -> Callable[[], object]:
    """Arrays whose shapes declare 80 TB, and one of zeros in gzip."""
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("plain", (10**13,), "f8")
        file.create_dataset("chunks", (10**13,), "f8", chunks=(1000,))
        file.create_dataset("packed", data=np.zeros(10**7), compression="gzip")

    def read() -> str:
        with Hdf5File(folder / "a.h5", what="regions") as opened:
            return _all_refused([partial(opened.read, name) for name in ("plain", "chunks", "packed")])

    return read


def npz_of_zeros(folder: Path) -> Callable[[], object]:
    """A compressed npz of 400 MB of zeros."""
    np.savez_compressed(folder / "a.npz", x=np.zeros(5 * 10**7))
    return lambda: read_npz((folder / "a.npz").read_bytes(), path=folder / "a.npz")


def lmdb_of_loops(folder: Path) -> Callable[[], object]:
    """An LMDB whose pages are overwritten with the first of them."""
    import lmdb

    with lmdb.open(str(folder / "a"), map_size=2**24) as database, database.begin(write=True) as transaction:
        for number in range(3000):
            transaction.put(f"{number:05d}".encode(), bytes(300))
    path = folder / "a" / "data.mdb"
    data = bytearray(path.read_bytes())
    for page in range(4, len(data) // 4096):
        data[page * 4096 + 16 : (page + 1) * 4096] = data[3 * 4096 + 16 : 4 * 4096]
    path.write_bytes(data)

    def read() -> str:
        opened = LmdbFile(folder / "a")
        keys = [f"{number:05d}".encode() for number in range(0, 3000, 10)]
        return _all_refused([partial(opened.get, key) for key in keys])

    return read


def png_of_74_bytes(folder: Path) -> Callable[[], object]:
    """A 16-bit map of 1,536 x 4,100 million pixels in 74 bytes."""
    (folder / "a.png").write_bytes(_png(1536, 4_100_000, 16, 2, zlib.compress(b"\0" * 9)))
    return lambda: png_values(folder / "a.png")


def png_of_many_pixels(folder: Path) -> Callable[[], object]:
    """Half a megabyte of PNG that is 500 million pixels."""
    (folder / "a.png").write_bytes(_png(25_000, 20_000, 8, 2, zlib.compress(bytes(10**6)) + bytes(6 * 10**5)))
    return lambda: decode(DiskImage(folder / "a.png"))


def largest_png(folder: Path) -> Callable[[], object]:
    """The largest image that is still read: 8,192 x 8,192 pixels of one colour."""
    Image.new("RGB", (8192, 8192), (9, 9, 9)).save(folder / "a.png")
    return lambda: decode(DiskImage(folder / "a.png"))


def gzip_of_json(folder: Path) -> Callable[[], object]:
    """A gigabyte of spaces in JSON in gzip."""
    packer = zlib.compressobj(9, wbits=31)
    (folder / "a.json").write_bytes(b"".join(packer.compress(b" " * MIB) for _ in range(1024)) + packer.flush())
    return lambda: load_json(folder / "a.json")


def zip_for_datasets(folder: Path) -> Callable[[], object]:
    """A gigabyte in a zip in a Hugging Face folder."""
    with zipfile.ZipFile(folder / "train.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(1024 * MIB))
    return lambda: HfDataset(folder, image="image")


def parquet_of_repeats(folder: Path) -> Callable[[], object]:
    """A Parquet file of 200 million equal values."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([("text", pyarrow.string())])
    with parquet.ParquetWriter(folder / "a.parquet", schema) as writer:
        rows = pyarrow.table({"text": pyarrow.repeat("a text", 10**7)})
        for _ in range(20):
            writer.write_table(rows)
    return lambda: Table(folder / "a.parquet", text="text")


def tar_of_headers(folder: Path) -> Callable[[], object]:
    """A tar of a member of minus one byte and of one of 2^60."""
    data = b""
    for size in (b"\xff" * 12, b"\x80" + bytes(3) + struct.pack(">Q", 2**60)):
        header = bytearray(tarfile.TarInfo("a.jpg").tobuf())
        header[124:136] = size
        header[148:156] = b" " * 8
        header[148:156] = f"{sum(header):06o}\0 ".encode()
        data += bytes(header)
    (folder / "a.tar").write_bytes(data + bytes(1024))
    return lambda: WebDataset(folder / "a.tar", image="jpg")


def xml_of_entities(folder: Path) -> Callable[[], object]:
    """Entities of entities: a billion laughs."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    (folder / "a.xml").write_text(f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><annotation>&e9;</annotation>')
    return lambda: load_xml(folder / "a.xml", "annotation")


def digits_of_json(folder: Path) -> Callable[[], object]:
    """A whole number of ten million digits, in JSON, JSON lines and WebDataset."""
    digits = b"9" * 10**7
    (folder / "a.json").write_bytes(b'{"x": ' + digits + b"}")
    with tarfile.open(folder / "a.tar", "w") as archive:
        member = tarfile.TarInfo("a.json")
        member.size = len(digits)
        archive.addfile(member, io.BytesIO(digits))

    return lambda: _all_refused(
        [
            lambda: load_json(folder / "a.json"),
            lambda: list(load_json_lines(folder / "a.json")),
            lambda: WebDataset(folder / "a.tar", text="json.x")[0],
        ]
    )


def depth_of_json(folder: Path) -> Callable[[], object]:
    """Ten million lists, each in the one before."""
    (folder / "a.json").write_bytes(b"[" * 10**7)
    return lambda: load_json(folder / "a.json")


def text_of_gzip(folder: Path) -> Callable[[], object]:
    """A gigabyte of one line of a CSV in gzip."""
    with gzip.open(folder / "a.csv", "wb", compresslevel=9) as file:
        for _ in range(1024):
            file.write(b"a" * MIB)
    return lambda: Table(folder / "a.csv", text="a")


def names_of_formulas(_: Path) -> Callable[[], object]:
    """A plot of names that are formulas, codes of terminals, NUL, and half a character."""
    names = ["$\\frac{", "$" * 999, "\x1b[2J", "a\0b", "\ud800", "\u202e" * 50]
    return lambda: svg(curves(dict.fromkeys(names, ((0, 0.0), (1, 1.0))), label=names[0], baselines={}))


ITEMS: dict[str, tuple[Callable[[Path], Callable[[], object]], ...]] = {
    "1 names of folders": (names_that_are_code,),
    "2 runs of others": (run_of_a_stranger,),
    "3 saved models": (model_that_calls, weights_of_terabytes),
    "4 pickle": (memo_of_a_pickle, tuples_of_a_pickle, depth_of_a_pickle),
    "5 region files": (hdf5_of_80_terabytes, npz_of_zeros, lmdb_of_loops),
    "6 pictures and archives": (
        png_of_74_bytes, png_of_many_pixels, largest_png, gzip_of_json, text_of_gzip, zip_for_datasets,
        parquet_of_repeats, tar_of_headers, xml_of_entities,
    ),
    "7 JSON": (digits_of_json, depth_of_json),
    "8 names in pictures": (names_of_formulas,),
}  # fmt: skip


HELD_BY = {
    "1 names of folders": "scaffold/test_names_are_data",
    "2 runs of others": "training/test_run_data",
    "3 saved models": "core/test_saved_names, core/test_model_folder",
    "4 pickle": "core/test_pickle_machine, core/test_plain_pickle",
    "5 region files": "data/formats/test_hdf5_file, test_npz_file, regions/",
    "6 pictures and archives": "data/formats/test_{png_values,archive_sizes,text_file,parquet_file,tar_index,xml_file}"
    ", preprocess/test_images",
    "7 JSON": "data/formats/test_json_file, core/test_plain_json",
    "8 names in pictures": "report/test_names_from_data",
}
"""The tests of each item, below tests/."""


def _png(width: int, height: int, bits: int, colour: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _refused(call: Callable[[], object]) -> str:
    """Returns the one line of the refusal; "read" where there is none."""
    try:
        found = call()
    except MotetError as error:
        return str(error)
    except SystemExit as error:
        return f"exit {error.code}"
    match found:
        case str():
            return found
        case int():
            return f"exit {found}"
    return "read"


def _all_refused(calls: Sequence[Callable[[], object]]) -> str:
    """Returns the last refusal, and the number of calls that read something instead."""
    answers = [_refused(call) for call in calls]
    read = answers.count("read")
    return f"{read} of {len(calls)} read; {next((answer for answer in reversed(answers) if answer != 'read'), '')}"


def _measured(send: Any, write: Callable[[Path], Callable[[], object]], folder: Path) -> None:
    read = write(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    Path("/proc/self/clear_refs").write_text("5")  # the peak of making the file is forgotten
    before, started = _memory_mib("VmRSS"), os.times()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        answer = _refused(read)
    ended = os.times()
    send.send(
        (size, _memory_mib("VmHWM") - before, sum(ended[:4]) - sum(started[:4]), answer.replace(str(folder), "")[:110])
    )


def _memory_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def measure_all() -> None:
    """Writes the table."""
    context, rows = multiprocessing.get_context("spawn"), []
    for item, writers in ITEMS.items():
        for write in writers:
            with tempfile.TemporaryDirectory() as folder:
                receive, send = context.Pipe(duplex=False)
                process = context.Process(target=_measured, args=(send, write, Path(folder)))
                process.start()
                send.close()
                try:
                    size, memory, seconds, answer = receive.recv()
                except EOFError:
                    size, memory, seconds, answer = 0, float("nan"), float("nan"), "THE PROCESS ENDED"
                process.join()
            rows.append(
                (
                    item,
                    HELD_BY[item],
                    str(write.__doc__).rstrip("."),
                    f"{size:,}",
                    f"{memory:.0f}",
                    f"{seconds:.2f}",
                    answer,
                )
            )
    write_table(
        "bench_hostile_files",
        "Small files that would take the machine",
        [
            machine(),
            "Memory beyond that of the process before, CPU seconds with those of processes that it started.",
        ],
        ("item", "held by tests/", "file", "bytes", "MiB", "s", "answer"),
        [[cell.replace("|", "/").replace("\n", " ") for cell in row] for row in rows],
    )


if __name__ == "__main__":
    measure_all()
