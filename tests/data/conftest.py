"""Small pictures and files, made where a test wants them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from motet.data.readers import ESnliVe, SnliVe


@pytest.fixture
def image() -> Callable[..., Path]:
    """Writes a picture, and the folders above it."""

    def write(path: Path, shade: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (shade, 0, 0)).save(path)
        return path

    return write


@pytest.fixture
def jpeg() -> bytes:
    """An encoded picture."""
    file = io.BytesIO()
    Image.new("RGB", (6, 4)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def write() -> Callable[..., Path]:
    """Writes a file, text as UTF-8 and anything that is no text as JSON, and the folders above it."""

    def to(path: Path, content: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8", newline="")
        return path

    return to


@pytest.fixture
def snli(tmp_path, image, write):
    def reader(*changes, **options):
        image(tmp_path / "images" / "10.jpg")
        row = {"Flickr30K_ID": "10", "sentence1": "A dog runs.", "sentence2": "It sleeps.", "gold_label": "neutral",
               "pairID": "10.jpg#0r1n"}  # fmt: skip
        lines = "".join(json.dumps({**row, **change}) + "\n" for change in changes or ({},))
        return SnliVe(write(tmp_path / "snli_ve_dev.jsonl", lines), tmp_path / "images", **options)

    return reader


@pytest.fixture
def esnli(tmp_path, image, write):
    def reader(row='0,10.jpg#1r1e,10.jpg,"A dog, running.",entailment,It runs.', **options):
        image(tmp_path / "images" / "10.jpg")
        table = f",pairID,Flickr30kID,hypothesis,gold_label,explanation\n{row}\n"
        return ESnliVe(write(tmp_path / "esnlive_dev.csv", table), tmp_path / "images", **options)

    return reader
