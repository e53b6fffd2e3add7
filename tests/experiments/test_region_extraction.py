"""Regions of all pictures of some sources: found once, gone on with, and the detectors by name."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision.models import get_model

from motet.core import ConfigError, MemoryImage
from motet.data.formats.regions import DetectorOutput, region_writer
from motet.experiments.region_extraction import detector_named, trunk_detector, write_regions
from motet.nn.feature_maps import TimmMap


def picture(shade: int) -> MemoryImage:
    image = Image.new("RGB", (96, 64), (shade, 90, 200))
    ImageDraw.Draw(image).rectangle((50, 10, 80, 40), fill="yellow")
    file = io.BytesIO()
    image.save(file, "PNG")
    return MemoryImage(f"{shade}.png", file.getvalue())


class Counting:
    """Says one box, and how often it was asked."""

    asked = 0

    def __call__(self, image: Image.Image) -> DetectorOutput:
        self.asked += 1
        return DetectorOutput(torch.tensor([[1.0, 2.0, 30.0, 40.0]]), torch.ones(1, 4), torch.ones(1))


def test_each_image_is_looked_at_once_also_after_a_stop(tmp_path) -> None:
    images = {f"i/{shade}": picture(shade) for shade in (10, 60, 110)}
    detector, told = Counting(), []
    with region_writer(tmp_path / "out", {}) as writer:
        found = write_regions(dict(list(images.items())[:1]), detector, writer, max_regions=5)
        assert (found.there, found.done) == (0, 1)
    with region_writer(tmp_path / "out", {}) as writer:
        found = write_regions(
            images, detector, writer, max_regions=5, progress=lambda done, total: told.append((done, total))
        )
    assert (found.there, found.done, found.unread, detector.asked) == (1, 2, {}, 3)
    assert told == [(2, 3), (3, 3)]


def test_an_image_that_cannot_be_read_is_told_and_passed_over(tmp_path) -> None:
    images = {"bad": MemoryImage("bad.png", b"none"), "good": picture(10)}
    with region_writer(tmp_path / "out", {}) as writer:
        found = write_regions(images, Counting(), writer, max_regions=5)
        assert (found.done, writer.has("good"), writer.has("bad")) == (1, True, False)
    assert "bad.png" in found.unread["bad"]


def test_proposals_and_a_grid_over_a_trunk(tmp_path) -> None:
    trunk = TimmMap("tf_efficientnet_lite0", stage=-1, size=64)
    image = Image.open(io.BytesIO(picture(10).data))
    from unittest.mock import patch

    import timm

    made = timm.create_model
    with patch.object(
        timm, "create_model", lambda name, pretrained, **options: made(name, pretrained=False, **options)
    ):
        proposals, grid = trunk_detector(trunk), trunk_detector(trunk, whole_grid=True)
    with torch.no_grad():
        found, every = proposals(image), grid(image)
    assert found.features.shape[1] == every.features.shape[1] == 320
    assert every.boxes_xyxy[0].tolist() == [0, 0, 96, 64]
    assert (every.scores.diff() < 0).all()
    assert np.isfinite(found.features.numpy()).all()


def test_torchvisions_detectors_go_by_name_and_take_local_weights(tmp_path) -> None:
    torch.manual_seed(0)
    model = get_model("fasterrcnn_mobilenet_v3_large_320_fpn", weights=None, weights_backbone=None, num_classes=4)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    detector = detector_named("fasterrcnn_mobilenet_v3_large_320_fpn", weights=tmp_path / "weights.pth")
    with torch.no_grad():
        found = detector(Image.new("RGB", (96, 64)))
    assert found.features.shape[1] == 1024
    assert found.classes is not None
    assert found.classes.shape[1] == 3


@pytest.mark.parametrize(
    ("name", "weights", "error"),
    [
        (
            "fasterrcnn",
            None,
            "--detector: got 'fasterrcnn'; want 'embedded', 'grid', a folder of transformers', or one",
        ),
        ("embedded", "w.pth", "--weights: got .*w.pth with 'embedded'; want none"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "missing.pth", "--weights: got FileNotFoundError"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "bad.pth", "--weights: got .*; want those of fasterrcnn"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "empty.pth", "--weights: got .*; want those of fasterrcnn"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "broken.pth", "--weights: got .*; want those of fasterrcnn"),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "bad.safetensors", "--weights: got .*; want those of fasterrcnn"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, name, weights, error) -> None:
    for bad, content in (("bad", b"no weights at all"), ("empty", b""), ("broken", b"\x80\x02aq\x00.")):
        (tmp_path / f"{bad}.pth").write_bytes(content)
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(ConfigError, match=error):
        detector_named(name, weights=tmp_path / weights if weights else None)
