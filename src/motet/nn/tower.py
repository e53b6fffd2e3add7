"""An encoder in one of four modes: frozen, with low-rank adapters, fine-tuned, from scratch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from motet.core.codec import to_json
from motet.nn.encoders import EncoderConfig
from motet.nn.lora import DoRA, LoRA, add_adapters


@dataclass(frozen=True)
class Frozen:
    """A constant encoder: no gradients, eval mode, pretrained batch statistics. Its features can be stored."""


@dataclass(frozen=True)
class Finetune:
    """A pretrained encoder that is trained too; batch statistics stay fixed, so that no row depends on others.

    Source: LiT decoder, appendix F: the encoder's learning rate is 0.1 of the decoder's; in appendix G's "FT strong"
    it is 1.0.

    Args:
        lr_scale: multiple of the run's learning rate.
    """

    lr_scale: float = 0.1


@dataclass(frozen=True)
class FromScratch:
    """A randomly initialised encoder that is trained as everything else, including its batch statistics."""


EncoderMode: TypeAlias = Frozen | Finetune | FromScratch | LoRA | DoRA


def lr_scale_of(mode: EncoderMode) -> float:
    """Returns the multiple of the learning rate for the parameters of an encoder; 0 if it is frozen.

    Examples:
        >>> lr_scale_of(Finetune(0.1)), lr_scale_of(Frozen())
        (0.1, 0.0)
    """
    match mode:
        case Frozen():
            return 0.0
        case Finetune(lr_scale) | LoRA(lr_scale=lr_scale):
            return lr_scale
        case FromScratch():
            return 1.0
        case other:
            assert_never(other)


def apply_mode(module: nn.Module, mode: EncoderMode) -> None:
    """Marks the parameters that a mode trains, in place; with `LoRA` it adds adapters.

    Raises:
        ConfigError: adapters that do not fit the module.
    """
    match mode:
        case Frozen():
            module.requires_grad_(False)
        case LoRA():
            add_adapters(module, mode)
        case Finetune() | FromScratch():
            pass
        case other:
            assert_never(other)


class Tower(nn.Module):
    """An image encoder in one of four modes.

    Args:
        config: of the encoder.
        mode: frozen, with low-rank adapters, fine-tuned or from scratch.
        fetch: whether pretrained weights are fetched, unless from scratch; a restored model brings its own.

    Raises:
        ConfigError: an encoder that cannot be built.
    """

    def __init__(self, config: EncoderConfig, mode: EncoderMode, *, fetch: bool = True) -> None:
        super().__init__()
        self.config, self.mode = config, mode
        self.encoder = config.build(pretrained=fetch and not isinstance(mode, FromScratch))
        self.pixels, self.width, self.num_tokens = self.encoder.pixels, self.encoder.width, self.encoder.num_tokens
        apply_mode(self.encoder, mode)
        self.train()

    @property
    def frozen(self) -> bool:
        """True if the encoder is constant, so that its features can be stored."""
        return isinstance(self.mode, Frozen)

    @property
    def lr_scale(self) -> float:
        """The multiple of the learning rate for its parameters."""
        return lr_scale_of(self.mode)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            tokens: Tensor = self.encoder(pixels)
        return tokens

    def train(self, mode: bool = True) -> Self:
        super().train(mode and not self.frozen)
        if isinstance(self.mode, Finetune | LoRA):
            for module in self.encoder.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def pretrained(self) -> nn.Module | None:
        """Returns the encoder with its weights of before the training, a new one if fine-tuned; None from scratch.

        Raises:
            ConfigError: its weights cannot be fetched.
        """
        match self.mode:
            case Frozen():
                return self
            case Finetune() | LoRA():
                device = next(self.parameters()).device
                return self.config.build(pretrained=True).requires_grad_(False).eval().to(device)
            case FromScratch():
                return None
            case other:
                assert_never(other)

    def key(self) -> str | None:
        """Returns a digest of the encoder and its weights, the key of stored features; None unless it is frozen."""
        if not self.frozen:
            return None
        return digest_of(self.config, self.encoder)


def digest_of(described: Any, module: nn.Module) -> str:
    """Returns a digest of a module's weights and of everything else that its features depend on.

    Args:
        described: plain values and dataclasses of them.
        module: the module whose weights are included.
    """
    digest = hashlib.blake2b(json.dumps(to_json(described), sort_keys=True).encode(), digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}:{value.dtype}:{tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
