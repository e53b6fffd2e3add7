"""Pictures, videos and texts as tokens of one width, under one norm (sections 2 and 3.2)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import ConfigError
from motet.systems.uni_perceiver.layers import NORM_EPS


def grid_positions(height: int, width: int, channels: int, scale: float = 1.0) -> Float[Tensor, "n d"]:
    """Fixed positions of a grid, row by row: sin and cos of y, then of x, of channels / 4 wavelengths each.

    Source: the official code, `transformer_util.py` (as MAE's).

    Args:
        height: rows of the grid.
        width: columns.
        channels: a multiple of 4.
        scale: what places are multiplied with.

    Raises:
        ConfigError: channels that cannot be cut in four.
    """
    if channels % 4:
        raise ConfigError(f"UniPerceiverConfig.width: got {channels}; want a multiple of 4, for places in pictures")
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    rate = 1.0 / 10_000 ** (torch.arange(channels // 4).double() / (channels // 4))
    angles = [place.flatten()[:, None] * scale * rate for place in (y, x)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], 1).float()


class Embedding(nn.Module):
    """Tokens of texts, pictures and videos.

    Every sequence starts with the special token, which has neither position nor type. All pass the same norm.

    Source: Uni-Perceiver-MoE builds on Zhu et al., "Uni-Perceiver", CVPR 2022, section 3.1; the official
    `token_embed.py`, `video_embed.py`, `transformer_util.py`.

    Args:
        width: of tokens.
        num_pieces: of the tokeniser, the special one among them.
        special: its id.
        max_tokens: positions of texts.
        patches: what makes tokens of a picture: a convolution of patches, a layer on stored features; None where no
            task sees one.
        grid_hw: rows and columns of a picture's tokens.
        position_scale: see `grid_positions`.
        max_frames: positions of frames.
        special_bias: whether the special token has a vector of its own that is trained alone (prompt tuning).
    """

    def __init__(
        self,
        width: int,
        num_pieces: int,
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
        self.words, self.positions = nn.Embedding(num_pieces, width), nn.Embedding(max_tokens, width)
        self.text_type = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width, NORM_EPS)
        self.patches = patches
        self.frames = None if patches is None else nn.Embedding(max_frames, width)
        if patches is not None:
            self.register_buffer("places", grid_positions(*grid_hw, width, position_scale), persistent=False)
        self.special_bias = nn.Parameter(torch.zeros(width)) if special_bias else None

    def start(self, rows: int) -> Float[Tensor, "b 1 d"]:
        """The special token in front of sequences."""
        token = self.words.weight[self.special]
        first: Tensor = self.norm(token if self.special_bias is None else token + self.special_bias)
        return first.expand(rows, 1, -1)

    def text(self, ids: Int[Tensor, "b t"], first: Int[Tensor, "b"] | None = None) -> Float[Tensor, "b t d"]:
        """Pieces at their positions, the first of each row at `first`, or at 0."""
        at = torch.arange(ids.shape[1], device=ids.device)
        if first is not None:
            at = (first[:, None] + at).clamp(max=self.positions.num_embeddings - 1)  # of what only fills up
        x = self.words(ids) + self.positions(at) + self.text_type
        if self.special_bias is not None:
            x = x + (ids == self.special)[..., None] * self.special_bias
        found: Tensor = self.norm(x)
        return found

    def images(self, values: Float[Tensor, "b f *v"], *, features: bool) -> Float[Tensor, "b n d"]:
        """Frames one behind the other, each at its place in time; a picture is one frame.

        In training the place of the first is drawn, so that all places are learned from few frames.

        Args:
            values: frames of pixels (3, h, w), or of an encoder's features (n, c).
            features: which of the two.
        """
        assert self.patches is not None  # a task that sees a picture has them
        assert self.frames is not None
        b, f = values.shape[:2]
        x = self.patches(values.flatten(0, 1).to(self.patches.weight.dtype))
        x = x if features else x.flatten(2).transpose(1, 2)
        room = self.frames.num_embeddings - f
        if room < 0:
            raise ConfigError(f"frames: got {f}; want at most {self.frames.num_embeddings}, the places in time")
        first = int(torch.randint(room + 1, ())) if self.training and room else 0
        at = torch.arange(first, first + f, device=x.device)
        x = x.view(b, f, *x.shape[1:]) + self.places + self.frames(at)[:, None]
        found: Tensor = self.norm(x.flatten(1, 2))
        return found
