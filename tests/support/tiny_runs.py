"""Runs of a tiny LiT decoder on grey images, and the one line with which they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from motet.core import MotetError
from motet.data.readers import ImageFolder
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import classification
from motet.training.config import TrainConfig
from motet.training.run import Run
from motet.training.run_training import run_training


def run_of(*sources: Source, **plan: Any) -> Run:
    """A LiT decoder of a few thousand parameters."""
    return Run(
        system=LiTDecoderConfig(
            encoder=PlainViT(size=32, width=16, depth=1, heads=1),
            depth=1,
            width=16,
            heads=1,
            max_tokens=32,
            tokenizer=TrainedTokenizer(size=300),
        ),
        sources=sources,
        schedule=Mixed(batch_size=4),
        train=TrainConfig(**{"steps": 2} | plan),
    )


def images_run(folder: Path) -> Run:
    """Kinds of grey, from class folders."""
    reader = ImageFolder(folder / "kinds")
    task = classification("kind", reader.names)
    return run_of(*(Source(name=role, reader=reader, tasks=(task,), role=role) for role in ("train", "val")))


def write_image(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 24), (grey, grey, grey)).save(path)
    return path


def line_of(run: Callable[[], Run], folder: Path) -> str:
    """What a run says when it fails, which must be one line."""
    with pytest.raises(MotetError) as raised:
        run_training(run(), folder, device="cpu", show=False)
    return one_line(str(raised.value))


def one_line(text: str) -> str:
    assert len(text.splitlines()) == 1
    return text
