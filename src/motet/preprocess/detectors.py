"""Regions from any detector, and class-agnostic proposals from the feature map of a frozen trunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from motet.core import ConfigError, ImageFile
from motet.preprocess.images import decode
from motet.preprocess.regions import BoxGrid, ImageRegions


@dataclass(frozen=True)
class DetectorOutput:
    """The output of a detector for one image.

    Args:
        boxes_xyxy: (n, 4) in pixels of the image.
        features: (n, d).
        scores: (n,); the boxes with the highest are kept.
        classes: (n, k) probabilities, or None.
    """

    boxes_xyxy: Tensor
    features: Tensor
    scores: Tensor
    classes: Tensor | None = None


Detector: TypeAlias = Callable[[Image.Image], DetectorOutput]
"""Detects regions in an image. Wrap any model in a function of this form."""


def find_regions(
    images: Iterable[tuple[str, ImageFile]],
    detector: Detector,
    *,
    max_regions: int = 36,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[str, ImageRegions]]:
    """Runs a detector on images and yields the regions of each; `write_npz` and `write_lmdb` write them.

    Args:
        images: image id and image; the detector runs once per id.
        detector: see `Detector`.
        max_regions: number of regions that are kept per image, those with the highest scores first.
        progress: called with the number of images that are done.

    Raises:
        ConfigError: a detector whose arrays differ in length.
        DataError: an image that cannot be read.
    """
    done: set[str] = set()
    for image_id, image in images:
        if image_id in done:
            continue
        done.add(image_id)
        pixels = decode(image)
        with torch.no_grad():
            detections = detector(pixels)
        yield image_id, _regions(detections, pixels, max_regions)
        if progress is not None:
            progress(len(done))


def _regions(found: DetectorOutput, image: Image.Image, most: int) -> ImageRegions:
    count = len(found.scores)
    lengths = [len(found.boxes_xyxy), len(found.features), *([] if found.classes is None else [len(found.classes)])]
    if not count or any(length != count for length in lengths):
        raise ConfigError(
            f"detector: got {lengths} boxes, features, classes for {count} scores; want the same number of each, at "
            "least one"
        )
    order = found.scores.argsort(descending=True, stable=True)[:most]
    return ImageRegions(
        _array(found.features[order]),
        _array(found.boxes_xyxy[order]),
        (image.height, image.width),
        None if found.classes is None else _array(found.classes[order]),
    )


def _array(values: Tensor) -> Float[np.ndarray, "n d"]:
    array: np.ndarray = values.float().cpu().numpy()
    return array


class TorchvisionDetector:
    """A two-stage detector of torchvision (Faster R-CNN and similar) as a `Detector`.

    The features are those of the box head; the classes are the class probabilities without the background. The box of a
    proposal is that of its most probable class; class-agnostic non-maximum suppression follows.

    Args:
        model: such as `torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=...)`; it is set to eval mode.
        overlap: the IoU with a box of higher score above which a box is suppressed.
        proposals: number of proposals of the first stage that are used.

    Raises:
        ConfigError: a model without torchvision's two stages.
    """

    def __init__(self, model: nn.Module, *, overlap: float = 0.7, proposals: int = 300) -> None:
        missing = [name for name in ("transform", "backbone", "rpn", "roi_heads") if not hasattr(model, name)]
        if missing:
            raise ConfigError(
                f"TorchvisionDetector: got a {type(model).__name__} without {missing[0]!r}; want a two-stage detector "
                "of torchvision, or your own function from a PIL image to DetectorOutput"
            )
        self.model: Any = model.eval()
        self.overlap, self.proposals = overlap, proposals

    def __call__(self, image: Image.Image) -> DetectorOutput:
        from torchvision.ops import nms  # two seconds, with torch._dynamo

        device = next(self.model.parameters()).device
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().to(device) / 255
        batch, _ = self.model.transform([pixels])
        maps = self.model.backbone(batch.tensors)
        maps = {"0": maps} if isinstance(maps, Tensor) else maps
        boxes, _ = self.model.rpn(batch, maps)
        boxes = [boxes[0][: self.proposals]]
        heads = self.model.roi_heads
        features = heads.box_head(heads.box_roi_pool(maps, boxes, batch.image_sizes))
        logits, deltas = heads.box_predictor(features)
        probabilities = logits.softmax(dim=1)[:, 1:]
        scores, best = probabilities.max(dim=1)
        decoded = heads.box_coder.decode(deltas, boxes)[torch.arange(len(best)), best + 1]
        height, width = batch.image_sizes[0]
        scale_y, scale_x = image.height / height, image.width / width
        decoded = decoded * decoded.new_tensor([scale_x, scale_y, scale_x, scale_y])
        border = decoded.new_tensor([image.width, image.height, image.width, image.height])
        decoded = torch.minimum(decoded.clamp(min=0), border)
        large = ((decoded[:, 2:] - decoded[:, :2]) >= 1).all(dim=1)
        keep = large.nonzero().flatten()
        if not len(keep):  # no box of a pixel is left inside the image: use the whole image
            keep, decoded = torch.zeros(1, dtype=torch.long, device=device), _whole_image(border)
        keep = keep[nms(decoded[keep], scores[keep], self.overlap)]
        return DetectorOutput(decoded[keep], features[keep], scores[keep], probabilities[keep])


def _whole_image(border: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(border[:2]), border[2:]])[None]


class TrunkProposals:
    """Class-agnostic proposals from the feature map of a frozen trunk: no detector, no training, no download.

    Each box of a dense grid has the score

        |mean in the box - mean in the enlarged box| / |mean in the enlarged box|

    of the map; non-maximum suppression follows. The feature of a box is the mean of the map in it.

    Source: ours, after the idea that an object stands out from its surroundings (Alexe et al. 2012, "Measuring the
    Objectness of Image Windows").

    Args:
        encode: pixels (1, 3, h, w) to a map (1, c, i, j), such as `FeatureMap.map` of a frozen trunk.
        pixels: returns the input of the trunk, (3, h, w): the whole image, resized.
        grid: the candidate boxes.
        overlap: the IoU with a box of higher score above which a box is suppressed.
        ring: side of the enlarged box / side of the box.
    """

    def __init__(
        self,
        encode: Callable[[Tensor], Tensor],
        pixels: Callable[[Image.Image], np.ndarray],
        *,
        grid: BoxGrid | None = None,
        overlap: float = 0.5,
        ring: float = 1.6,
    ) -> None:
        self.encode, self.pixels, self.overlap, self.ring = encode, pixels, overlap, ring
        self.grid = BoxGrid(sides=(0.2, 0.3, 0.45, 0.65), shapes=(0.6, 1.0, 1.6), step=0.34) if grid is None else grid

    def __call__(self, image: Image.Image) -> DetectorOutput:
        from torchvision.ops import batched_nms

        features = self.encode(torch.from_numpy(self.pixels(image))[None])
        rows, columns = features.shape[2:]
        boxes = torch.from_numpy(self.grid.boxes((image.height, image.width))).to(features.device)
        scale = boxes.new_tensor([columns / image.width, rows / image.height] * 2)
        inside, around = (_pool(features, part * scale) for part in (boxes, _enlarged(boxes, self.ring, image)))
        scores = (inside - around).norm(dim=1) / around.norm(dim=1).clamp(min=1e-6)
        keep = batched_nms(boxes, scores, torch.zeros_like(scores, dtype=torch.long), self.overlap)
        return DetectorOutput(boxes[keep], inside[keep], scores[keep])


def _pool(features: Tensor, boxes: Tensor) -> Tensor:
    from torchvision.ops import roi_align

    pooled: Tensor = roi_align(features.float(), [boxes], 2, sampling_ratio=2, aligned=True)
    return pooled.mean(dim=(2, 3))


def _enlarged(boxes: Tensor, factor: float, image: Image.Image) -> Tensor:
    centre, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * factor
    border = boxes.new_tensor([image.width, image.height])
    return torch.cat([(centre - sides / 2).clamp(min=0), torch.minimum(centre + sides / 2, border)], dim=1)
