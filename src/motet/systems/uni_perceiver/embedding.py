"""The embedding of images, videos and texts: tokens of one width under one norm (sections 2 and 3.2)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import ConfigError
from motet.systems.uni_perceiver.layers import NORM_EPS


def grid_positions(height: int, width: int, channels: int, scale: float = 1.0) -> Float[Tensor, "n d"]:
    """Returns fixed positions of a grid, row by row: sin and cos of y, then of x, of channels / 4 wavelengths each.

    Source: the official code, `transformer_util.py` (as MAE's).

    Args:
        height: rows of the grid.
        width: columns of the grid.
        channels: a multiple of 4.
        scale: factor of the coordinates.

    Raises:
        ConfigError: a number of channels that is no multiple of 4.
    """
    if channels % 4:
        raise ConfigError(f"EncoderSize.width: got {channels}; want a multiple of 4, for positions in images")
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    frequencies = 1.0 / 10_000 ** (torch.arange(channels // 4).double() / (channels // 4))
    angles = [coordinate.flatten()[:, None] * scale * frequencies for coordinate in (y, x)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], 1).float()


class Embedding(nn.Module):
    """Embeds texts, images and videos as tokens.

    Every sequence starts with the special token, which has neither position nor type. All tokens pass the same norm.

    Source: Uni-Perceiver-MoE builds on Zhu et al., "Uni-Perceiver", CVPR 2022, section 3.1; the official
    `token_embed.py`, `video_embed.py`, `transformer_util.py`.

    Args:
        width: of tokens.
        vocabulary_size: of the tokeniser, with the special token.
        special: id of the special token.
        max_tokens: number of positions of texts.
        patches: embeds patches of pixels (a convolution) or stored features (a linear layer); None: no task has
            images.
        grid_hw: rows and columns of an image's tokens.
        position_scale: see `grid_positions`.
        max_frames: number of positions of frames.
        special_bias: adds a vector to the special token, which prompt tuning trains.
    """

    def __init__(
        self,
        width: int,
        vocabulary_size: int,
        special: int,
        max_tokens: int,
        *,
        patches: nn.Conv2d | nn.Linear | None,
        grid_hw: tuple[int, int],
        position_scale: float = 1.0,
        max_frames: int = 8,
        special_bias: bool = False,
    ) -> None:
        super().__init__()
        self.special = special
        self.words, self.positions = nn.Embedding(vocabulary_size, width), nn.Embedding(max_tokens, width)
        self.text_type = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width, NORM_EPS)
        self.patches = patches
        self.frames = None if patches is None else nn.Embedding(max_frames, width)
        if patches is not None:
            self.register_buffer("spatial_positions", grid_positions(*grid_hw, width, position_scale), persistent=False)
        self.special_bias = nn.Parameter(torch.zeros(width)) if special_bias else None

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.text_type.device

    def special_token(self, rows: int) -> Float[Tensor, "b 1 d"]:
        """Returns the special token that every sequence starts with."""
        token = self.words.weight[self.special]
        first: Tensor = self.norm(token if self.special_bias is None else token + self.special_bias)
        return first.expand(rows, 1, -1)

    def text(self, ids: Int[Tensor, "b t"], start: Int[Tensor, "b"] | None = None) -> Float[Tensor, "b t d"]:
        """Embeds token ids at consecutive positions, from each row's `start` on, or from 0."""
        at = torch.arange(ids.shape[1], device=ids.device)
        if start is not None:
            # Only padding can be beyond the last position.
            at = (start[:, None] + at).clamp(max=self.positions.num_embeddings - 1)
        x = self.words(ids) + self.positions(at) + self.text_type
        if self.special_bias is not None:
            x = x + (ids == self.special)[..., None] * self.special_bias
        found: Tensor = self.norm(x)
        return found

    def images(self, values: Float[Tensor, "b f *v"], *, features: bool) -> Float[Tensor, "b n d"]:
        """Embeds frames one after the other, each with its position in time; an image is one frame.

        In training the position of the first frame is random, so that few frames train all positions.

        Args:
            values: frames of pixels (3, h, w), or of an encoder's features (n, c).
            features: the values are features, not pixels.
        """
        assert self.patches is not None  # a task with images has them
        assert self.frames is not None
        b, f = values.shape[:2]
        x = self.patches(values.flatten(0, 1).to(self.patches.weight.dtype))
        x = x if features else x.flatten(2).transpose(1, 2)
        room = self.frames.num_embeddings - f
        if room < 0:
            raise ConfigError(
                f"frames: got {f}; want at most {self.frames.num_embeddings}, UniPerceiverConfig.max_frames"
            )
        first = int(torch.randint(room + 1, ())) if self.training and room else 0
        at = torch.arange(first, first + f, device=x.device)
        x = x.view(b, f, *x.shape[1:]) + self.spatial_positions + self.frames(at)[:, None]
        found: Tensor = self.norm(x.flatten(1, 2))
        return found
