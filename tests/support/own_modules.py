"""Modules of a user's own, encoders in every form of features and a multi-task model; and grey squares to train on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import Answer, Example, Label, MemoryImage, Task
from motet.tasks import classification

WIDTH = 6
SHADE = classification("shade", ("dark", "grey", "light"), label="shade")


class Convolution(nn.Module):
    """A map of patches of 8 pixels, which the transform of another layout may turn."""

    def __init__(self, width: int = WIDTH, channels_last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 8, stride=8)
        self.channels_last = channels_last

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.conv(pixels)
        return found.permute(0, 2, 3, 1) if self.channels_last else found


class Tokens(nn.Module):
    """Tokens after a class token, in a mapping as Hugging Face's models give them."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.body = Convolution(width)
        self.first = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        tokens = self.body(pixels).flatten(2).transpose(1, 2)
        return {"last_hidden_state": torch.cat([self.first.expand(len(tokens), -1, -1), tokens], dim=1)}


class Vector(nn.Module):
    """One vector per image."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.body = Convolution(width)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.body(pixels).mean((2, 3))
        return found


def build_convolution(width: int = WIDTH, pretrained: bool = False) -> nn.Module:
    """Returns a convolution whose "pretrained" weights are all 0.01."""
    module = Convolution(width)
    if pretrained:
        nn.init.constant_(module.conv.weight, 0.01)
    return module


def halve(pixels: Tensor) -> Tensor:
    """A transform: values from -0.5 to 0.5."""
    return pixels - 0.5


def letters(text: str) -> list[int]:
    """Token ids of the letters of a text."""
    return [1 + ord(letter) % 50 for letter in text.lower()]


class Multi(nn.Module):
    """A trunk, an embedding of letters, and a head per task; one of the losses is its own."""

    def __init__(self, tasks: Mapping[str, Task], own_loss: str = "", width: int = 16) -> None:
        super().__init__()
        self.own_loss = own_loss
        self.trunk = nn.Sequential(nn.Conv2d(3, width, 8, stride=8), nn.GELU())
        self.letters = nn.Embedding(64, width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, _outputs(task)) for name, task in tasks.items()})

    def forward(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> dict[str, Any]:
        features = self.trunk(inputs["pixels"]).mean((2, 3)) if "pixels" in inputs else torch.zeros(())
        if "tokens" in inputs:
            features = features + self.letters(inputs["tokens"]).mean(1)
        outputs = {name: self.heads[name](features) for name in targets}
        losses = {}
        if targets.get(self.own_loss) is not None:
            losses[self.own_loss] = F.cross_entropy(outputs[self.own_loss], targets[self.own_loss], ignore_index=-100)
        return {"outputs": outputs, "losses": losses}


def _outputs(task: Task) -> int:
    assert isinstance(task.target, Label | Answer)
    return len(task.target.names)


class Squares:
    """Grey squares."""

    def __init__(self, first: int, count: int) -> None:
        self.first, self.count = first, count

    def __len__(self) -> int:
        return self.count

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"squares/{self.first + index}",)

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < self.count:
            raise IndexError(index)
        number = self.first + index
        shade = number % 3
        image = MemoryImage(f"{number}", b"P5 8 8 255\n" + bytes([100 * shade + number % 30]) * 64)
        labels = {
            "shade": shade, "bright": int(shade > 1), "answers": ("yes" if shade > 1 else "no",), "level": shade / 2,
            "captions": (f"shade {shade}",),
        }  # fmt: skip
        return Example(
            id=f"squares/{number}", images=(image,), image_ids=self.keys(index), text="is it light", labels=labels
        )
