"""Extraction of the regions of all images of a recipe into one file, for `motet data regions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from motet.core import ConfigError, DataError, ImageFile
from motet.core.regular_files import file_size
from motet.data.formats.regions import (
    Detector,
    DetectorOutput,
    RegionWriter,
    TorchvisionDetector,
    TrunkProposals,
    find_regions,
)
from motet.nn.feature_maps import BundledLite0Map, MapConfig
from motet.nn.regions import pool_regions
from motet.preprocess.crops import Whole
from motet.preprocess.hf_detector import transformers_detector
from motet.preprocess.images import ImageTransform
from motet.preprocess.regions import BoxGrid

EMBEDDED = "embedded"
GRID = "grid"


@dataclass(frozen=True)
class ExtractionCounts:
    """Numbers of images whose regions were extracted, were there already, or could not be read.

    Args:
        there: images whose regions were written before.
        done: images whose regions were extracted now.
        unread: images that could not be read, with the reason.
    """

    there: int
    done: int
    unread: Mapping[str, str] = field(default_factory=dict)


def write_regions(
    images: Mapping[str, ImageFile],
    detector: Detector,
    writer: RegionWriter,
    *,
    max_regions: int,
    progress: Callable[[int, int], None] | None = None,
) -> ExtractionCounts:
    """Writes the regions of images that the writer does not have yet; an image that cannot be read is skipped.

    Each image is written whole, so that after any stop the next call continues from there.

    Args:
        images: by image id.
        detector: finds the regions.
        writer: open for writing.
        max_regions: regions per image, the most confident first.
        progress: called with the number of images that are done, and of all images.
    """
    missing = {image_id: image for image_id, image in images.items() if not writer.has(image_id)}
    there, unread = len(images) - len(missing), dict[str, str]()
    for number, (image_id, image) in enumerate(missing.items()):
        try:
            for _, regions in find_regions([(image_id, image)], detector, max_regions=max_regions):
                writer.write(image_id, regions)
        except DataError as error:
            unread[image_id] = str(error)
        if progress is not None:
            progress(there + number + 1, len(images))
    return ExtractionCounts(there, len(missing) - len(unread), unread)


def detector_named(name: str, *, weights: Path | None = None, device: str = "cpu") -> Detector:
    """Returns a detector by name: the bundled ones, one of torchvision, or a folder of transformers'.

    Args:
        name: "embedded" (proposals over a frozen EfficientNet-Lite0), "grid" (all boxes of a grid over the same map), a
            two-stage model of `torchvision.models.detection`, or a folder that `save_pretrained` wrote.
        weights: of a torchvision model: a file of its parameters, instead of those that torchvision downloads.
        device: where it runs.

    Raises:
        ConfigError: no such detector, one that cannot be used here, or weights that do not fit.
    """
    if name in (EMBEDDED, GRID):
        if weights is not None:
            raise ConfigError(f"--weights: got {weights} with {name!r}; want none, since its own come with motet")
        return trunk_detector(BundledLite0Map(stage=(-2, -1)), whole_grid=name == GRID, device=device)
    if Path(name).is_dir():
        if weights is not None:
            raise ConfigError(f"--weights: got {weights} with a folder; want none, since the folder holds them")
        return transformers_detector(Path(name), device=device)
    return TorchvisionDetector(_torchvision(name, weights).to(device))


def trunk_detector(config: MapConfig, *, whole_grid: bool = False, device: str = "cpu") -> Detector:
    """Returns a detector over a frozen trunk's feature map, whose features are pooled by ROI align.

    Args:
        config: the trunk.
        whole_grid: whether to return all boxes of `BoxGrid`, as for a model without a source of regions; else the
            boxes that differ from their surroundings (`TrunkProposals`).
        device: where it runs.
    """
    trunk = config.build(pretrained=True).to(device).eval()
    pixels = trunk.pixels
    transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, Whole(), hflip=False, antialias=True)

    def encode(pixels: Tensor) -> Tensor:
        return trunk.map(pixels.to(device))

    def pixels_of(image: Image.Image) -> np.ndarray:
        return transform(image, transform.plain((image.height, image.width)))

    return _Grid(encode, pixels_of) if whole_grid else TrunkProposals(encode, pixels_of)


@dataclass(frozen=True)
class _Grid:
    """Every box of a grid with the map's pooled features, in the order of the grid."""

    encode: Callable[[Tensor], Tensor]
    pixels: Callable[[Image.Image], np.ndarray]
    grid: BoxGrid = field(default_factory=BoxGrid)

    def __call__(self, image: Image.Image) -> DetectorOutput:
        found = self.encode(torch.from_numpy(self.pixels(image))[None])
        shares = torch.from_numpy(self.grid.boxes((1, 1))).to(found.device)
        features = pool_regions(found.flatten(2).transpose(1, 2), shares[None], (found.shape[2], found.shape[3]))[0]
        boxes = shares * shares.new_tensor([image.width, image.height] * 2)
        return DetectorOutput(boxes, features, torch.linspace(1, 0.5, len(boxes)))


def _torchvision(name: str, weights: Path | None) -> Any:
    from torchvision.models import detection, get_model, list_models

    known = [one for one in list_models(module=detection) if "rcnn" in one]
    if name not in known:
        own = f"{EMBEDDED!r}, {GRID!r}, a folder of transformers', or one of"
        raise ConfigError(f"--detector: got {name!r}; want {own} {', '.join(known)}")
    if weights is None:
        try:
            return get_model(name, weights="DEFAULT")
        except OSError as error:  # no network, or a disk that is full
            raise ConfigError(
                f"--detector {name}: got {error}; want its weights from torchvision's server, or a file (--weights)"
            ) from error
    try:
        state = _state_in(weights)
        classes = state["roi_heads.box_predictor.cls_score.weight"].shape[0]
        model = get_model(name, weights=None, weights_backbone=None, num_classes=int(classes))
        model.load_state_dict(state)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        got = " ".join(str(error).split())[:200]
        raise ConfigError(f"--weights: got {type(error).__name__}: {got}; want those of {name} ({weights})") from error
    return model


def _state_in(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file, or of a `.pth` file with tensors only."""
    file_size(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors: dict[str, Tensor] = load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        return tensors
    import pickle

    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    # Its reader of pickles finds a broken one by whatever Python raises.
    except (
        ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, TypeError, pickle.UnpicklingError,
    ) as error:  # fmt: skip
        raise ValueError("more than tensors, or no whole file") from error
    return state
