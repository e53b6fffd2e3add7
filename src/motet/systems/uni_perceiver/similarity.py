"""The similarity of inputs and targets, from which the likelihood of a target follows (Uni-Perceiver, section 4)."""

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
    """Scores of targets: cosines of projected states, times a learned scale per family of tasks.

        P(target | input) = softmax over targets of scale cos(f(input), f(target)),   f = W norm(state) + bias

    A scale starts at 1 / 0.07; above 100 it counts as 100.

    Source: Zhu et al., "Uni-Perceiver", CVPR 2022, equation 1; the official `embed_cls_predictor.py`.

    Args:
        width: of states.
        families: those that have a scale.
    """

    def __init__(self, width: int, families: Iterable[Family]) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(width, NORM_EPS), nn.Linear(width, width)
        self.log_scales = nn.ParameterDict({f.value: nn.Parameter(torch.tensor(math.log(1 / 0.07))) for f in families})

    def features(self, states: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Projects states to the unit sphere, in float32."""
        projected = self.project(self.norm(states))
        found: Tensor = F.normalize(projected.float(), dim=-1)
        return found

    def scale(self, family: Family) -> Float[Tensor, ""]:
        """Returns the factor of a family's cosines."""
        found: Tensor = self.log_scales[family.value].exp().clamp(max=MAX_SCALE)
        return found

    def scores(
        self, inputs: Float[Tensor, "*b d"], targets: Float[Tensor, "k d"], family: Family
    ) -> Float[Tensor, "*b k"]:
        """Returns the score of every input with every target, both given as `features`."""
        with torch.autocast(inputs.device.type, enabled=False):
            return self.scale(family) * (inputs @ targets.T)
