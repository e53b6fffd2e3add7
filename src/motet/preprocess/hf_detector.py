"""Detectors of transformers: each query is a region, with its last hidden state as the feature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from motet.core import ConfigError
from motet.preprocess.detectors import Detector, DetectorOutput


def transformers_detector(folder: Path, *, device: str = "cpu") -> Detector:
    """Loads a detector and its image processor from a folder of `save_pretrained`, without download or remote code.

    Raises:
        ConfigError: a folder without a detector that has queries, or a damaged one.
    """
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    try:
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        model = AutoModelForObjectDetection.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ConfigError(f"--detector: got {got}; want a folder with a detector of transformers ({folder})") from error
    return QueryDetector(model.to(device), processor)


class QueryDetector:
    """A detector that predicts one box per query (DETR, YOLOS and similar) as a `Detector`.

    The feature of a region is the last hidden state of its query. Class probabilities are the softmax without "no
    object", or the sigmoids of a model with one binary output per class.

    Args:
        model: returns `logits`, `pred_boxes` and `last_hidden_state`.
        processor: makes the input of the model from an image.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model.eval(), processor

    def __call__(self, image: Image.Image) -> DetectorOutput:
        from torchvision.ops import box_convert

        device = next(self.model.parameters()).device
        inputs = self.processor(images=image, return_tensors="pt").to(device)
        outputs = self.model(**inputs)
        states, boxes = getattr(outputs, "last_hidden_state", None), getattr(outputs, "pred_boxes", None)
        if states is None or boxes is None:
            raise ConfigError(
                f"detector: got a {type(self.model).__name__} without hidden states of its queries; want a detector "
                "with pred_boxes and last_hidden_state, or your own function from a PIL image to DetectorOutput"
            )
        # Where other tokens come before the queries (YOLOS), the queries are the last.
        states = states[0][-boxes.shape[1] :]
        classes = _probabilities(outputs.logits[0].float(), int(self.model.config.num_labels))
        border = boxes.new_tensor([image.width, image.height] * 2)
        corners = box_convert(boxes[0].float(), "cxcywh", "xyxy").clamp(0, 1) * border
        large = ((corners[:, 2:] - corners[:, :2]) >= 1).all(dim=1)
        corners = torch.where(large[:, None], corners, torch.cat([torch.zeros_like(border[:2]), border[2:]]))
        return DetectorOutput(corners, states.float(), classes.max(dim=1).values, classes)


def _probabilities(logits: Tensor, num_labels: int) -> Tensor:
    if logits.shape[-1] == num_labels + 1:
        return logits.softmax(dim=-1)[:, :-1]
    return logits.sigmoid()
