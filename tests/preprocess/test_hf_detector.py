"""Detectors of transformers, from a folder: every query a region."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

from motet.core import ConfigError
from motet.preprocess.hf_detector import QueryDetector, transformers_detector


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
        patch_size=16, num_detection_tokens=5, num_labels=3,
    )  # fmt: skip
    YolosForObjectDetection(config).save_pretrained(tmp_path / "yolos")
    size = {"shortest_edge": 48, "longest_edge": 64}
    YolosImageProcessor(size=size).save_pretrained(tmp_path / "yolos")
    return tmp_path / "yolos"


def test_every_query_is_a_region_inside_the_image(folder) -> None:
    detector = transformers_detector(folder)
    with torch.no_grad():
        found = detector(Image.new("RGB", (80, 60), "red"))
    assert found.features.shape == (5, 16)
    assert found.classes is not None
    assert found.classes.shape == (5, 3)
    assert (found.classes.sum(dim=1) < 1).all()
    boxes = found.boxes_xyxy.numpy()
    assert (boxes[:, 2:] - boxes[:, :2] >= 1).all()
    assert boxes.min() >= 0
    assert np.all(boxes <= [80, 60, 80, 60])


def test_a_folder_without_a_detector_is_one_line(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--detector: got .*; want a folder with a detector of transformers"):
        transformers_detector(tmp_path)


def test_a_model_that_says_no_boxes_is_refused() -> None:
    class Model(torch.nn.Linear):
        def forward(self, **given):
            return type("Said", (), {"logits": given["pixel_values"]})()

    class Given(dict):
        def to(self, device):
            return self

    detector = QueryDetector(Model(1, 1), lambda **_: Given(pixel_values=torch.zeros(1, 3)))
    with pytest.raises(ConfigError, match="detector: got a Model without hidden states of its queries"):
        detector(Image.new("RGB", (8, 8)))
