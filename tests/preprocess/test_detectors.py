import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.rpn import AnchorGenerator

from motet.core import ConfigError, MemoryImage
from motet.data.formats.regions import (
    DetectorOutput,
    NpzRegions,
    TorchvisionDetector,
    TrunkProposals,
    find_regions,
    write_npz,
)
from motet.preprocess.images import ImageTransform
from motet.preprocess.regions import box_iou


@pytest.fixture
def image() -> MemoryImage:
    return image_of(Image.new("RGB", (60, 40)))


def tiny_detector() -> FasterRCNN:
    """A random two-stage detector of 5 classes."""
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 8, stride=8), torch.nn.ReLU())
    backbone.out_channels = 8
    anchors = AnchorGenerator(((8, 16, 32),), ((0.5, 1.0, 2.0),))
    return FasterRCNN(
        backbone, num_classes=5, rpn_anchor_generator=anchors, min_size=48, max_size=96, box_detections_per_img=10
    )


def test_a_detector_of_torchvision_gives_regions_that_are_read_again(tmp_path, image) -> None:
    detector = TorchvisionDetector(tiny_detector(), proposals=40)
    done: list[int] = []
    pairs = [("coco/9", image), ("coco/9", image)]
    for image_id, found in find_regions(pairs, detector, max_regions=7, progress=done.append):
        assert 1 <= len(found) <= 7
        assert found.features.shape[1] == 1024
        assert np.allclose(found.classes.sum(axis=1), found.classes.sum(axis=1).clip(0, 1))
        assert found.classes.shape[1] == 4
        write_npz(tmp_path, image_id, found, half=False)
    assert done == [1]
    read = NpzRegions(path=tmp_path).regions(image, "coco/9")
    assert np.allclose(read.features, found.features)
    assert (read.boxes_xyxy[:, 2:] > read.boxes_xyxy[:, :2]).all()
    assert read.boxes_xyxy.max() <= 60


def test_a_model_without_two_stages_is_refused() -> None:
    with pytest.raises(ConfigError, match="TorchvisionDetector: got a Linear without 'transform'; want a two-stage"):
        TorchvisionDetector(torch.nn.Linear(2, 2))


def test_any_function_is_a_detector_and_the_surest_are_kept(image) -> None:
    def detect(image: Image.Image) -> DetectorOutput:
        boxes = torch.tensor([[0.0, 0, 9, 9], [1, 1, 20, 20], [0, 0, image.width, image.height]])
        return DetectorOutput(boxes, torch.eye(3), torch.tensor([0.2, 0.9, 0.5]))

    ((_, found),) = find_regions([("coco/9", image)], detect, max_regions=2)
    assert found.boxes_xyxy.tolist() == [[1, 1, 20, 20], [0, 0, 60, 40]]
    assert found.size_hw == (40, 60)
    with pytest.raises(ConfigError, match=r"detector: got \[1, 2\] boxes, features, classes for 2 scores"):
        list(find_regions([("x", image)], lambda _: DetectorOutput(torch.zeros(1, 4), torch.eye(2), torch.zeros(2))))


def test_proposals_find_what_stands_out() -> None:
    image = Image.new("RGB", (128, 128), (120, 120, 120))
    ImageDraw.Draw(image).rectangle((16, 64, 48, 96), fill=(250, 10, 10))
    transform = ImageTransform((128, 128))
    detector = TrunkProposals(
        lambda pixels: torch.nn.functional.avg_pool2d(pixels, 8) + 2.0,
        lambda one: transform(one, transform.plain((one.height, one.width))),
    )
    ((_, found),) = find_regions([("x", image_of(image))], detector, max_regions=3)
    assert box_iou(found.boxes_xyxy[:1], np.array([[16, 64, 48, 96.0]]))[0, 0] > 0.4
    assert found.features.shape == (3, 3)


def image_of(image: Image.Image) -> MemoryImage:
    file = io.BytesIO()
    image.save(file, "PNG")
    return MemoryImage("x.png", file.getvalue())
