"""Regions of one image, and the image."""

import io

import numpy as np
import pytest
from PIL import Image

from motet.core import MemoryImage
from motet.preprocess.regions import ImageRegions


@pytest.fixture
def image() -> MemoryImage:
    file = io.BytesIO()
    Image.new("RGB", (60, 40)).save(file, "PNG")
    return MemoryImage("train2014/COCO_train2014_000000000009.jpg", file.getvalue())


@pytest.fixture
def regions() -> ImageRegions:
    rng = np.random.default_rng(0)
    return ImageRegions(
        rng.normal(size=(3, 8)).astype(np.float16).astype(np.float32),
        np.array([[0, 0, 60, 40], [5, 5, 20, 30], [30.5, 10, 59, 39]], dtype=np.float32),
        (40, 60),
        np.full((3, 4), 0.25, dtype=np.float32),
    )


def same(one: ImageRegions, other: ImageRegions) -> bool:
    """Whether two agree in everything."""
    arrays = (one.features, other.features), (one.boxes_xyxy, other.boxes_xyxy)
    classes = (one.classes is None) == (other.classes is None) and (
        one.classes is None or np.array_equal(one.classes, other.classes)
    )
    return all(np.array_equal(a, b) for a, b in arrays) and one.size_hw == other.size_hw and classes


@pytest.fixture
def equal():
    return same
