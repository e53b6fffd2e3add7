"""The bundled EfficientNet-Lite0 as a teacher, for distillation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache

import torch
from torch import nn

from motet.core import ImageFile
from motet.nn.pretrained.lite0 import load_lite0
from motet.nn.timm_models import create_timm_model
from motet.preprocess.crops import Whole
from motet.preprocess.images import ImageTransform


@dataclass(frozen=True)
class Lite0Teacher:
    """Names an image by the best of ImageNet's 1,000 classes of the bundled EfficientNet-Lite0.

    Args:
        size: height and width of the teacher's input.
    """

    size: int = 128

    def __call__(self, image: ImageFile) -> int:
        return _best_class(_Input(image.stamp(), self.size, image))


@dataclass(frozen=True)
class _Input:
    """An image, compared by its stamp alone, so that later epochs find its class."""

    stamp: str
    size: int
    image: ImageFile = field(compare=False)


@lru_cache(maxsize=1 << 17)
def _best_class(item: _Input) -> int:
    transform = ImageTransform((item.size, item.size), crop=Whole(), hflip=False)
    pixels = torch.from_numpy(transform.read(item.image, frozenset(), None))
    with torch.inference_mode():
        return int(_teacher()(pixels[None]).argmax())


@cache
def _teacher() -> nn.Module:
    with torch.random.fork_rng([]):  # its first weights are drawn before they are replaced
        model: nn.Module = create_timm_model("tf_efficientnet_lite0", pretrained=False)
    load_lite0(model)
    return model.eval()
