"""How likely a target is for an input: how alike what the encoder makes of both (section 4 of Uni-Perceiver)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.uni_perceiver.layers import NORM_EPS
from motet.systems.uni_perceiver.targets import Family

MAX_SCALE = 100.0


class Similarity(nn.Module):
    """Scores of targets: cosines of projected states, times a learned scale for each family of tasks.

        P(target | input) = softmax over targets of scale cos(f(input), f(target)),   f = W norm(state) + bias

    A scale starts at 1 / 0.07 and counts no more than 100.

    Source: Zhu et al., "Uni-Perceiver", CVPR 2022, equation 1; the official `embed_cls_predictor.py`.

    Args:
        width: of states.
        families: that have a scale.
    """

    def __init__(self, width: int, families: Iterable[Family]) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(width, NORM_EPS), nn.Linear(width, width)
        self.log_scales = nn.ParameterDict({f: nn.Parameter(torch.tensor(math.log(1 / 0.07))) for f in families})

    def features(self, states: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """States on the unit sphere; in 32 bits."""
        projected = self.project(self.norm(states))
        found: Tensor = F.normalize(projected.float(), dim=-1)
        return found

    def scale(self, family: Family) -> Float[Tensor, ""]:
        """What cosines of a family are multiplied with."""
        found: Tensor = self.log_scales[family].exp().clamp(max=MAX_SCALE)
        return found

    def scores(
        self, inputs: Float[Tensor, "*b d"], targets: Float[Tensor, "k d"], family: Family
    ) -> Float[Tensor, "*b k"]:
        """Of every input with every target, both from `features`."""
        with torch.autocast(inputs.device.type, enabled=False):
            return self.scale(family) * (inputs @ targets.T)
