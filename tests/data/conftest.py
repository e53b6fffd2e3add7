"""Small pictures and files, made where a test wants them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image


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
