"""Readers of many rows: a row keeps at most 150 bytes, and a mixture asks at most twice for its image ids."""

import gc
import io
import json
import pickle
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from toys import ToyReader, label_task

from motet.core import Reader
from motet.data.formats.tar_index import tar_rows
from motet.data.mixture import Mixture
from motet.data.readers import ImageFolder, Table, TextLines, WebDataset
from motet.data.readers import image_folder as module
from motet.data.schedules import Mixed
from motet.data.source import Source

ROWS, MOST = 20_000, 150


def jsonl(folder: Path, count: int = ROWS) -> Callable[[], Reader]:
    path = folder / "rows.jsonl"
    rows = (
        {"image": f"{row:07d}.jpg", "question": f"how many in {row}?", "n": row, "unused": [row]}
        for row in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return lambda: Table(path, image="image", text="question", labels={"score": "n"})


def csv(folder: Path, count: int = ROWS) -> Callable[[], Reader]:
    path = folder / "rows.csv"
    path.write_text("image,question,n\n" + "".join(f'{row:07d}.jpg,"how, in {row}?",{row}\n' for row in range(count)))
    return lambda: Table(path, image="image", text="question", labels={"score": "n"}, only={"n": "7"})


def text(folder: Path, count: int = ROWS) -> Callable[[], Reader]:
    path = folder / "lines.txt"
    path.write_text("".join(f"a line of some words, of which this is number {row}\n" for row in range(count)))
    return lambda: TextLines(path)


def tars(folder: Path, count: int = ROWS) -> Callable[[], Reader]:
    path = folder / "tars" / "0.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as tar:
        for row in range(count):
            for ending in ("jpg", "txt"):
                member = tarfile.TarInfo(f"{row:07d}.{ending}")
                member.size = 1
                tar.addfile(member, io.BytesIO(b"x"))
    tar_rows(path, None)
    return lambda: WebDataset(path.parent, text="txt")


@pytest.mark.parametrize("write", [jsonl, csv, text, tars])
def test_a_row_keeps_few_bytes(tmp_path: Path, write: Callable[..., Callable[[], Reader]]) -> None:
    make = write(tmp_path)
    make()  # modules that load at the first call are not the reader's
    assert kept_bytes(make) / ROWS < MOST


def test_a_path_of_an_image_folder_keeps_few_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cat").mkdir()
    monkeypatch.setattr(module, "images_below", lambda root, name: [f"{name}/{row:07d}.jpg" for row in range(ROWS)])
    assert kept_bytes(lambda: ImageFolder(tmp_path)) / ROWS < 50


@pytest.mark.parametrize("write", [jsonl, text, tars])
def test_a_reader_reaches_a_loader_worker(tmp_path: Path, write: Callable[..., Callable[[], Reader]]) -> None:
    reader = write(tmp_path, 50)()
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.keys(33) == reader.keys(33)
    if write is not jsonl:  # its images do not exist
        assert copy[33].text == reader[33].text


def kept_bytes(make: Callable[[], object]) -> int:
    """Returns the bytes that Python and NumPy hold for what a call returns."""
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


def test_a_mixture_starts_without_a_third_pass_over_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    plain = ToyReader.keys
    monkeypatch.setattr(ToyReader, "keys", lambda self, index: asked.append(index) or plain(self, index))
    sources = (Source(name="a", reader=ToyReader("a", 100), tasks=(label_task("t"),)),)
    mixture = Mixture(sources, Mixed(batch_size=4).bind(sources, seed=0))
    mixture.fingerprints()
    mixture.plan(0, rank=0, world=1, consumed=mixture.consumed)
    assert len(asked) <= 2 * 100
