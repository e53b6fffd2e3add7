"""Any detector's regions, and proposals over a frozen trunk's map for who has none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torchvision.ops import MultiScaleRoIAlign, batched_nms, nms, roi_align

from motet.core import ConfigError, ImageFile
from motet.preprocess.images import decode
from motet.preprocess.regions import BoxGrid, ImageRegions


@dataclass(frozen=True)
class Detections:
    """What a detector says of one picture.

    Args:
        boxes_xyxy: (n, 4) in pixels of the picture.
        features: (n, d).
        scores: (n,), by which the surest are kept.
        classes: (n, k) probabilities, or None.
    """

    boxes_xyxy: Tensor
    features: Tensor
    scores: Tensor
    classes: Tensor | None = None


Detector: TypeAlias = Callable[[Image.Image], Detections]
"""A picture in, its regions out: wrap any model in a function of this form (one of transformers, say)."""


def find_regions(
    images: Iterable[tuple[str, ImageFile]],
    detector: Detector,
    *,
    max_regions: int = 36,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[str, ImageRegions]]:
    """Runs a detector over pictures; `write_npz` and `write_lmdb` write what it gives.

    Args:
        images: image id and picture; one that comes twice is looked at once.
        detector: see `Detector`.
        most: how many regions are kept of each, the surest first.
        progress: told how many pictures are done.

    Raises:
        ConfigError: a detector whose arrays do not fit one another.
        DataError: a picture that cannot be read.
    """
    seen: set[str] = set()
    for image_id, image in images:
        if image_id in seen:
            continue
        seen.add(image_id)
        picture = decode(image)
        with torch.no_grad():
            found = detector(picture)
        yield image_id, _regions(found, picture, max_regions)
        if progress is not None:
            progress(len(seen))


def _regions(found: Detections, image: Image.Image, most: int) -> ImageRegions:
    count = len(found.scores)
    lengths = [len(found.boxes_xyxy), len(found.features), *([] if found.classes is None else [len(found.classes)])]
    if not count or any(length != count for length in lengths):
        raise ConfigError(
            f"detector: got {lengths} boxes, features, classes for {count} scores; want as many, one or more"
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
    """A two-stage detector of torchvision (Faster R-CNN and its kin) as a `Detector`.

    Features are those of the box head, class probabilities without the background are the classes. Boxes are the
    class-agnostic best of each proposal's classes after suppression at `overlap`.

    Args:
        model: such as `torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=...)`; put into eval mode.
        overlap: boxes that overlap a surer one more are left out.
        proposals: how many stay before that.

    Raises:
        ConfigError: a model without torchvision's two stages.
    """

    def __init__(self, model: nn.Module, *, overlap: float = 0.7, proposals: int = 300) -> None:
        missing = [name for name in ("transform", "backbone", "rpn", "roi_heads") if not hasattr(model, name)]
        if missing:
            raise ConfigError(
                f"TorchvisionDetector: got a {type(model).__name__} without {missing[0]!r}; want a two-stage detector "
                "of torchvision, or a function picture -> Detected of your own"
            )
        self.model: Any = model.eval()
        self.overlap, self.proposals = overlap, proposals

    def __call__(self, image: Image.Image) -> Detections:
        device = next(self.model.parameters()).device
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().to(device) / 255
        batch, _ = self.model.transform([pixels])
        maps = self.model.backbone(batch.tensors)
        maps = {"0": maps} if isinstance(maps, Tensor) else maps
        boxes, _ = self.model.rpn(batch, maps)
        boxes = [boxes[0][: self.proposals]]
        heads = self.model.roi_heads
        pool: MultiScaleRoIAlign = heads.box_roi_pool
        features = heads.box_head(pool(maps, boxes, batch.image_sizes))
        logits, moves = heads.box_predictor(features)
        probabilities = logits.softmax(dim=1)[:, 1:]
        scores, best = probabilities.max(dim=1)
        moved = heads.box_coder.decode(moves, boxes)[torch.arange(len(best)), best + 1]
        height, width = batch.image_sizes[0]
        tall, wide = image.height / height, image.width / width
        moved = moved * moved.new_tensor([wide, tall, wide, tall])
        far = moved.new_tensor([image.width, image.height, image.width, image.height])
        moved = torch.minimum(moved.clamp(min=0), far)
        whole = ((moved[:, 2:] - moved[:, :2]) >= 1).all(dim=1)
        kept = whole.nonzero().flatten()
        if not len(kept):  # nothing of it lies in the picture: the picture itself
            kept, moved = torch.zeros(1, dtype=torch.long, device=device), _whole_image(far)
        kept = kept[nms(moved[kept], scores[kept], self.overlap)]
        return Detections(moved[kept], features[kept], scores[kept], probabilities[kept])


def _whole_image(far: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(far[:2]), far[2:]])[None]


class TrunkProposals:
    """Class-agnostic proposals over a frozen trunk's map: no detector, no training, nothing to download.

    Of a dense grid of boxes those are kept in which the map differs most from a ring around them,

        score = |mean in the box - mean in the box enlarged| / |mean in the box enlarged|,

    less what overlaps a better one. A feature is the map's mean in the box. Ours, after the idea that a thing is what
    stands out from its surroundings (Alexe et al. 2012, "Measuring the Objectness of Image Windows").

    Args:
        encode: pixels (1, 3, h, w) to a map (1, c, i, j), such as `FeatureMap.map` of a frozen trunk.
        pixels: a picture as the trunk wants it, (3, h, w), the whole picture resized.
        grid: boxes to choose from.
        overlap: boxes that overlap a better one more are left out.
        ring: how much larger the surroundings are than the box.
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

    def __call__(self, image: Image.Image) -> Detections:
        found = self.encode(torch.from_numpy(self.pixels(image))[None])
        rows, columns = found.shape[2:]
        boxes = torch.from_numpy(self.grid.boxes((image.height, image.width))).to(found.device)
        scale = boxes.new_tensor([columns / image.width, rows / image.height] * 2)
        inside, around = (self._pooled(found, part * scale) for part in (boxes, _enlarged(boxes, self.ring, image)))
        scores = (inside - around).norm(dim=1) / around.norm(dim=1).clamp(min=1e-6)
        kept = batched_nms(boxes, scores, torch.zeros_like(scores, dtype=torch.long), self.overlap)
        return Detections(boxes[kept], inside[kept], scores[kept])

    def _pooled(self, found: Tensor, boxes: Tensor) -> Tensor:
        pooled: Tensor = roi_align(found.float(), [boxes], 2, sampling_ratio=2, aligned=True)
        return pooled.mean(dim=(2, 3))


def _enlarged(boxes: Tensor, by: float, image: Image.Image) -> Tensor:
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * by
    far = boxes.new_tensor([image.width, image.height])
    return torch.cat([(middle - sides / 2).clamp(min=0), torch.minimum(middle + sides / 2, far)], dim=1)
