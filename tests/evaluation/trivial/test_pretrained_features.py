"""Feature vectors of images and videos from a pretrained encoder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from motet.core import Example, MemoryImage
from motet.evaluation.task_evaluation import eval_mode
from motet.evaluation.trivial.pretrained_features import PretrainedFeatures
from motet.nn.encoders import PlainViT
from motet.recipes.uni_perceiver import small
from motet.systems import build_system
from motet.systems.uni_perceiver.options import EncoderSize
from motet.tasks import classification, video_classification


def shown(name: str, shades: Sequence[int]) -> Example:
    """A row of one or more grey images."""
    images = []
    for place, shade in enumerate(shades):
        file = io.BytesIO()
        Image.new("RGB", (32, 32), (shade, shade, 255 - shade)).save(file, "PNG")
        images.append(MemoryImage(f"{name}/{place}", file.getvalue()))
    ids = tuple(image.name for image in images)
    return Example(id=name, images=tuple(images), image_ids=ids, labels={"class": 0})


def test_the_vector_of_a_video_is_the_mean_of_its_frames() -> None:
    still, film = classification("kind", ("a", "b")), video_classification("action", ("a", "b"))
    sizes, encoder = EncoderSize(width=16, depth=1, heads=1, hidden=16), PlainViT(size=32, width=16, depth=1, heads=1)
    config = replace(small(frames=2), sizes=sizes, encoder=encoder)
    system = build_system(config, [still, film], texts=lambda: ["a", "b"])
    features = PretrainedFeatures(system, batch_size=2)
    with eval_mode(system):
        dark, light = features.of_images(still, [shown("dark", [20]), shown("light", [220])])
        same, mixed = features.of_images(film, [shown("same", [20, 20]), shown("mixed", [20, 220])])
    assert same == pytest.approx(dark, abs=1e-5)
    assert mixed == pytest.approx((dark + light) / 2, abs=1e-5)
