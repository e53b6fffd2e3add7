"""Detectors of transformers: each query is a region, its last state the feature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchvision.ops import box_convert

from motet.core import ConfigError
from motet.preprocess.detectors import Detections, Detector


def transformers_detector(folder: Path, *, device: str = "cpu") -> Detector:
    """A detector that `save_pretrained` wrote with its image processor; nothing is fetched, and no code of it is run.

    Raises:
        ConfigError: a folder without a detector that finds boxes with queries, or a damaged one.
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
    """A detector whose queries each say a box (DETR, YOLOS and their kin) as a `Detector`.

    A feature is the query's last state. Class probabilities are a softmax without "nothing", or, of a model whose
    classes are each a yes or no, their sigmoids.

    Args:
        model: gives `logits`, `pred_boxes` and `last_hidden_state`.
        processor: its pictures.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model.eval(), processor

    def __call__(self, image: Image.Image) -> Detections:
        device = next(self.model.parameters()).device
        given = self.processor(images=image, return_tensors="pt").to(device)
        said = self.model(**given)
        states, boxes = getattr(said, "last_hidden_state", None), getattr(said, "pred_boxes", None)
        if states is None or boxes is None:
            raise ConfigError(
                f"detector: got a {type(self.model).__name__} without states of its queries; want one with them, or a "
                "function picture -> Detected of your own"
            )
        # Where queries stand behind other tokens (YOLOS), they are the last.
        states = states[0][-boxes.shape[1] :]
        classes = _probabilities(said.logits[0].float(), int(self.model.config.num_labels))
        far = boxes.new_tensor([image.width, image.height] * 2)
        corners = box_convert(boxes[0].float(), "cxcywh", "xyxy").clamp(0, 1) * far
        whole = ((corners[:, 2:] - corners[:, :2]) >= 1).all(dim=1)
        corners = torch.where(whole[:, None], corners, torch.cat([torch.zeros_like(far[:2]), far[2:]]))
        return Detections(corners, states.float(), classes.max(dim=1).values, classes)


def _probabilities(logits: Tensor, num_labels: int) -> Tensor:
    if logits.shape[-1] == num_labels + 1:
        return logits.softmax(dim=-1)[:, :-1]
    return logits.sigmoid()
