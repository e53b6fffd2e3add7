"""UViM's autoencoder of label maps: a ViT, a short sequence of discrete codes, and a ViT back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.transformer import NORM_EPS, EncoderBlock

_PERTURB = 0.001
_STANDARD_EPS = 1e-5  # of jax.nn.standardize


@dataclass(frozen=True, kw_only=True)
class VQVAEConfig:
    """The sizes of an autoencoder of label maps; the defaults are those of UViM's panoptic model.

    Source: Kolesnikov et al., "UViM", NeurIPS 2022; big_vision `models/proj/uvim/vit.py` and
    `configs/proj/uvim/vqvae_coco_panoptic.py`.

    Args:
        size: height and width of the label maps.
        patch: height and width of a patch.
        code_length: number of codes per map.
        num_codes: number of words of the dictionary.
        code_width: channels of a word.
        width: channels of both ViTs.
        heads: of each attention.
        hidden: channels inside the MLPs.
        encoder_depth: number of layers.
        decoder_depth: number of layers.
        bottleneck: grid to codes and back by a learned "linear" map, or by a "resize" of the grid to a smaller square.
        context: both ViTs see the image too.
        momentum: of the dictionary's sums and counts.
        min_count: a word whose count falls below it is replaced by half of the most frequent one.
        code_dropout: in training, a random share of each map's codes is hidden from the decoder.

    Raises:
        ConfigError: sizes that do not divide each other.
    """

    size: int = 512
    patch: int = 16
    code_length: int = 256
    num_codes: int = 4096
    code_width: int = 768
    width: int = 768
    heads: int = 12
    hidden: int = 3072
    encoder_depth: int = 6
    decoder_depth: int = 12
    bottleneck: Literal["linear", "resize"] = "resize"
    context: bool = True
    momentum: float = 0.995
    min_count: float = 0.1
    code_dropout: bool = True

    def __post_init__(self) -> None:
        if self.size % self.patch or self.width % self.heads:
            raise ConfigError(
                f"VQVAEConfig: got size {self.size}, patch {self.patch}, width {self.width}, heads {self.heads}; want "
                "divisors of size and width"
            )
        if self.bottleneck == "resize" and self.code_side**2 != self.code_length:
            raise ConfigError(f"VQVAEConfig.code_length: got {self.code_length} with 'resize'; want a square number")
        if not 0 < self.momentum < 1 or self.num_codes < 2:
            raise ConfigError(
                f"VQVAEConfig: got momentum {self.momentum} and {self.num_codes} codes; want a momentum between 0 "
                "and 1, and at least 2 codes"
            )

    @property
    def grid(self) -> int:
        """Patches per side."""
        return self.size // self.patch

    @property
    def code_side(self) -> int:
        """Codes per side of their square."""
        return math.isqrt(self.code_length)


class Codebook(nn.Module):
    """A dictionary of code words of length 1, learned as discounted means of what was closest to them.

        counts <- m counts + n_k;   sums <- m sums + sum of x_k;   word_k = sums_k / |sums_k|

    Args:
        num_codes: number of words.
        width: channels of a word.
        momentum: m.
        min_count: see `VQVAEConfig`.
    """

    sums: Tensor
    counts: Tensor

    def __init__(self, num_codes: int, width: int, *, momentum: float = 0.995, min_count: float = 0.1) -> None:
        super().__init__()
        self.momentum, self.min_count = momentum, min_count
        self.register_buffer("sums", torch.randn(num_codes, width) / num_codes**0.5)
        self.register_buffer("counts", torch.ones(num_codes))

    def words(self) -> Float[Tensor, "k d"]:
        """Returns the code words."""
        words = self.sums / self.counts[:, None]
        unit: Tensor = words / words.norm(dim=-1, keepdim=True)
        return unit

    def forward(self, x: Float[Tensor, "b n d"]) -> tuple[Float[Tensor, "b n d"], Int[Tensor, "b n"]]:
        """Returns the closest word of each vector, whose gradient passes to the vector unchanged, and its index."""
        words = self.words()
        distances = (x * x).sum(-1, keepdim=True) - 2 * x @ words.T + (words * words).sum(-1)
        codes = distances.argmin(-1)
        return x + (words[codes] - x).detach(), codes

    @torch.no_grad()
    def update(self, x: Float[Tensor, "b n d"], codes: Int[Tensor, "b n"]) -> None:
        """Adds a batch to the sums and counts, over all ranks, and replaces words that nothing is close to.

        Args:
            x: the vectors before they were replaced.
            codes: of each.
        """
        flat, index = x.detach().reshape(-1, x.shape[-1]).to(self.sums.dtype), codes.reshape(-1)
        counts = torch.bincount(index, minlength=len(self.counts)).to(self.counts.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, index, flat)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for part in (counts, sums):
                torch.distributed.all_reduce(part)
        self.counts.mul_(self.momentum).add_(counts)
        self.sums.mul_(self.momentum).add_(sums)
        while bool((self.counts < self.min_count).any()):
            self._split()

    def _split(self) -> None:
        """Replaces the rarest word by a slightly different copy of the most frequent; both keep half of its weight."""
        most, least = int(self.counts.argmax()), int(self.counts.argmin())
        # The same on every rank, which have equal counts.
        draw = torch.Generator().manual_seed(int(self.counts.sum().item() * 1000) % 2**31)
        factor = 1 + _PERTURB * (2 * torch.rand(self.sums.shape[1], generator=draw) - 1)
        self.counts[most] /= 2
        self.counts[least] = self.counts[most]
        self.sums[most] /= 2
        self.sums[least] = self.sums[most] * factor.to(self.sums)


class LabelVQVAE(nn.Module):
    """An autoencoder of label maps through a sequence of discrete codes.

    Source: see `VQVAEConfig`.

    Args:
        config: its sizes.
        kinds: number of values of each kind of label: semantic classes with 0 for none, numbers of instances.
    """

    def __init__(self, config: VQVAEConfig, kinds: Mapping[str, int]) -> None:
        super().__init__()
        self.config, self.kinds = config, dict(kinds)
        pixels, places = config.patch**2, config.grid**2
        self.inputs = nn.ModuleDict({name: nn.Linear(n * pixels, config.width) for name, n in kinds.items()})
        self.encoder_positions = nn.Parameter(torch.randn(1, places, config.width) / config.width**0.5)
        self.decoder_positions = nn.Parameter(torch.randn(1, places, config.width) / config.width**0.5)
        self.encoder = _blocks(config, config.encoder_depth)
        self.decoder = _blocks(config, config.decoder_depth)
        self.encoder_norm = nn.LayerNorm(config.width, NORM_EPS)
        self.decoder_norm = nn.LayerNorm(config.width, NORM_EPS)
        linear = config.bottleneck == "linear"
        self.down = nn.Parameter(torch.empty(places, config.code_length)) if linear else None
        self.up = nn.Parameter(torch.empty(config.code_length, places)) if linear else None
        for weight in (self.down, self.up):
            if weight is not None:
                nn.init.xavier_uniform_(weight)
        self.to_code = nn.Linear(config.width, config.code_width)
        self.from_code = nn.Linear(config.code_width, config.width)
        self.codebook = Codebook(
            config.num_codes, config.code_width, momentum=config.momentum, min_count=config.min_count
        )
        patches = (config.patch, config.patch)
        self.encoder_context = nn.Conv2d(3, config.width, patches, patches) if config.context else None
        self.decoder_context = nn.Conv2d(3, config.width, patches, patches) if config.context else None
        self.heads = nn.ModuleDict({name: nn.Linear(config.width, n * pixels) for name, n in kinds.items()})
        for head in self.heads.values():
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def patches(self, labels: Mapping[str, Int[Tensor, "b h w"]]) -> dict[str, Float[Tensor, "b n k p"]]:
        """Returns label maps as patches of pixels, one-hot over values.

        Args:
            labels: by kind, of the configured size.
        """
        return {name: self._patches(value, self.kinds[name]) for name, value in labels.items()}

    def vectors(
        self, patches: Mapping[str, Float[Tensor, "b n k p"]], image: Float[Tensor, "b 3 h w"] | None = None
    ) -> Float[Tensor, "b c d"]:
        """Returns the standardised vectors that codes are the closest words of.

        Args:
            patches: see `patches`.
            image: of the labels, where the model has a context.
        """
        x = torch.stack([self.inputs[name](value.flatten(2)) for name, value in patches.items()]).sum(0)
        x = self._with_context(x, self.encoder_context, image) + self.encoder_positions
        x = self.encoder_norm(self.encoder(x))
        x = self.to_code(self._shortened(x))
        mean = x.mean(-1, keepdim=True)
        vectors: Tensor = (x - mean) * torch.rsqrt(((x - mean) ** 2).mean(-1, keepdim=True) + _STANDARD_EPS)
        return vectors

    def encode(
        self, labels: Mapping[str, Int[Tensor, "b h w"]], image: Float[Tensor, "b 3 h w"] | None = None
    ) -> Int[Tensor, "b c"]:
        """Returns the codes of label maps.

        Args:
            labels: by kind.
            image: of the labels, where the model has a context.
        """
        codes: Tensor = self.codebook(self.vectors(self.patches(labels), image))[1]
        return codes

    def decode(
        self, codes: Int[Tensor, "b c"], image: Float[Tensor, "b 3 h w"] | None = None
    ) -> dict[str, Float[Tensor, "b n k p"]]:
        """Returns the logits of every pixel's value in patches, from codes.

        Args:
            codes: numbers of words.
            image: where the model has a context.
        """
        return self.decode_vectors(self.codebook.words()[codes], image)

    def decode_vectors(
        self, words: Float[Tensor, "b c d"], image: Float[Tensor, "b 3 h w"] | None = None
    ) -> dict[str, Float[Tensor, "b n k p"]]:
        """As `decode`, from the words themselves."""
        x = self._lengthened(self.from_code(words))
        x = self._with_context(x, self.decoder_context, image) + self.decoder_positions
        x = self.decoder_norm(self.decoder(x))
        return {
            name: head(x).unflatten(-1, (self.kinds[name], self.config.patch**2)) for name, head in self.heads.items()
        }

    def losses(
        self, labels: Mapping[str, Int[Tensor, "b h w"]], image: Float[Tensor, "b 3 h w"] | None = None
    ) -> dict[str, Float[Tensor, ""]]:
        """Returns the mean cross entropy per pixel of each kind of label; in training the dictionary learns too.

        Args:
            labels: by kind.
            image: where the model has a context.
        """
        patches = self.patches(labels)
        vectors = self.vectors(patches, image)
        words, codes = self.codebook(vectors)
        if self.training:
            self.codebook.update(vectors, codes)
            words = self._dropped(words)
        logits = self.decode_vectors(words, image)
        return {
            name: F.cross_entropy(value.flatten(0, 1), patches[name].flatten(0, 1).argmax(1))
            for name, value in logits.items()
        }

    def maps(self, logits: Mapping[str, Float[Tensor, "b n k p"]]) -> dict[str, Float[Tensor, "b h w k"]]:
        """Returns logits in patches as maps.

        Args:
            logits: of `decode`.
        """
        grid, patch = self.config.grid, self.config.patch
        found = {}
        for name, value in logits.items():
            x = value.reshape(len(value), grid, grid, -1, patch, patch)  # b i j k y x
            found[name] = x.permute(0, 1, 4, 2, 5, 3).flatten(3, 4).flatten(1, 2)
        return found

    def _patches(self, labels: Int[Tensor, "b h w"], count: int) -> Float[Tensor, "b n k p"]:
        grid, patch = self.config.grid, self.config.patch
        x = labels.reshape(len(labels), grid, patch, grid, patch)  # b i y j x
        x = x.permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2)
        return F.one_hot(x.long(), count).transpose(-1, -2).to(self.encoder_positions.dtype)

    def _with_context(self, x: Tensor, stem: nn.Conv2d | None, image: Tensor | None) -> Tensor:
        if stem is None:
            return x
        if image is None:
            raise ConfigError("LabelVQVAE: got no image; want it, since this model's codes depend on it")
        context: Tensor = stem(image)
        return x + context.flatten(2).transpose(1, 2)

    def _shortened(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b c d"]:
        if self.down is not None:
            return torch.einsum("btc,tn->bnc", x, self.down)
        return _resized(x, self.config.grid, self.config.code_side)

    def _lengthened(self, x: Float[Tensor, "b c d"]) -> Float[Tensor, "b n d"]:
        if self.up is not None:
            return torch.einsum("bnc,nt->btc", x, self.up)
        return _resized(x, self.config.code_side, self.config.grid)

    def _dropped(self, words: Float[Tensor, "b c d"]) -> Float[Tensor, "b c d"]:
        """Hides a random number of each map's codes, at random places."""
        if not self.config.code_dropout:
            return words
        rows, length = words.shape[:2]
        importance = torch.linspace(1, 0, length + 2, device=words.device)[1:-1]
        kept = importance > torch.rand(rows, 1, device=words.device)
        order = torch.rand(rows, length, device=words.device).argsort(1)
        return words * kept.gather(1, order)[..., None]


def _blocks(config: VQVAEConfig, depth: int) -> nn.Sequential:
    return nn.Sequential(*(EncoderBlock(config.width, config.heads, config.hidden) for _ in range(depth)))


def _resized(x: Float[Tensor, "b n d"], before: int, after: int) -> Float[Tensor, "b m d"]:
    """Resizes a square grid of tokens, bilinear and with antialiasing, as jax.image.resize does."""
    grid = x.transpose(1, 2).reshape(len(x), -1, before, before)
    out = F.interpolate(grid, (after, after), mode="bilinear", antialias=True)
    return out.flatten(2).transpose(1, 2)
