"""One small export for the tests here: a classifier of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motet.nn.encoders import PlainViT
from motet.nn.tower import FromScratch
from motet.systems import build_system
from motet.systems.lit_decoder import FeedforwardConfig
from motet.tasks import classification

NAMES = ("cat", "dog", "bird")


@pytest.fixture(scope="session")
def system():
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    config = FeedforwardConfig(encoder=PlainViT(size=16, patch=8, width=48, depth=1, heads=2), mode=FromScratch())
    built = build_system(config, [classification("animal", NAMES)], texts=tuple)
    for parameter in built.parameters():  # heads start at zero
        torch.nn.init.normal_(parameter, std=0.2)
    return built.eval()


@pytest.fixture(scope="session")
def folder(system, tmp_path_factory):
    from motet.hub.exported import write_onnx

    out = tmp_path_factory.mktemp("onnx") / "out"
    write_onnx(system, out)
    return out


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20, 24, 3), dtype=np.uint8) for _ in range(5)]
