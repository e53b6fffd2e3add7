"""Heads of boxes and their attributes on the decoder's states (section 3.4)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


class BoxMlp(nn.Module):
    """A box as centre and size relative to the image, by a three-layer MLP and a sigmoid.

    Args:
        width: channels in and between.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, 4)])

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b 4"]:
        first, second, last = self.layers
        boxes: Tensor = last(F.relu(second(F.relu(first(x)))))
        return boxes.float().sigmoid()


class AttributeHead(nn.Module):
    """Attribute scores, conditioned on the class of the object.

    Source: Anderson et al., CVPR 2018 (bottom-up attention), and UniT's official code, which passes the scores
    themselves through its ReLU and has none between the layers.

    Args:
        width: channels in.
        num_labels: classes, background included.
        num_attributes: scores out.
        relu: position of the ReLU: "between" the layers, or "after" both.
        label_width: channels of a class embedding.
        hidden: channels between the two layers.
    """

    def __init__(
        self,
        width: int,
        num_labels: int,
        num_attributes: int,
        *,
        relu: Literal["between", "after"] = "between",
        label_width: int = 256,
        hidden: int = 512,
    ) -> None:
        super().__init__()
        self.relu = relu
        self.labels = nn.Embedding(num_labels, label_width)
        self.hidden = nn.Linear(width + label_width, hidden)
        self.out = nn.Linear(hidden, num_attributes)

    def forward(self, x: Float[Tensor, "*b d"], labels: Int[Tensor, "*b"]) -> Float[Tensor, "*b k"]:
        embedded = self.labels(labels).expand(*x.shape[:-1], -1)
        y = self.hidden(torch.cat([x, embedded.to(x.dtype)], dim=-1))
        scores: Tensor = self.out(F.relu(y) if self.relu == "between" else y)
        return scores if self.relu == "between" else F.relu(scores)


class DetectionHead(nn.Module):
    """Class, box and attribute scores of every query.

    Args:
        width: channels in.
        num_names: classes without background, whose score is the last one.
        num_attributes: 0 for no attribute head.
        relu: see `AttributeHead`.
    """

    def __init__(
        self, width: int, num_names: int, num_attributes: int = 0, *, relu: Literal["between", "after"] = "between"
    ) -> None:
        super().__init__()
        self.num_names = num_names
        self.classes, self.boxes = nn.Linear(width, num_names + 1), BoxMlp(width)
        self.attributes = AttributeHead(width, num_names + 1, num_attributes, relu=relu) if num_attributes else None
