"""Options of ViT adapters: the points where the paper, its code and the ablations differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from motet.core import ConfigError
from motet.systems.vit_adapters.adapter import Activation

Unfrozen = Literal["patch embedding", "adapted blocks", "biases"]


@dataclass(frozen=True)
class TimmTrunk:
    """A trunk by its name in timm: Swin, Swin V2, ViT, PVT v2 or FocalNet.

    Args:
        name: as `timm.list_models()` has it.
        size: height and width of its input; None for the size it was trained at.
        pretrained: whether timm's weights are fetched; else the weights are random (or come from another run).
        options: further arguments of `timm.create_model`, such as ``embed_dim`` and ``depths``.
    """

    name: str = "swinv2_base_window12_192.ms_in22k"
    size: int | None = None
    pretrained: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Passing:
    """The bottleneck between one adapter and the next.

    Args:
        reduction: the hidden width is the width divided by this.
        activation: between its two layers; None for none, as in the official code.
        everywhere: whether a bottleneck follows every block of the trunk, as in the official code, or only the adapted
            ones, as in the paper.
    """

    reduction: int = 3
    activation: Activation = "gelu"
    everywhere: bool = False

    def __post_init__(self) -> None:
        if self.reduction < 1:
            raise ConfigError(f"Passing.reduction: got {self.reduction}; want at least 1")
        if self.activation not in ("gelu", None):
            raise ConfigError(f"Passing.activation: got {self.activation!r}; want 'gelu' or None")


@dataclass(frozen=True)
class Adapters:
    """The parts that are trained inside the frozen trunk.

    Args:
        attention: the task's part of the attention: "block", as in the official code; "full", equation 3 taken
            literally; None for none.
        norm: the task's part of the norms: "weight", as in the official code; "weight and bias", equation 4 taken
            literally; None for none.
        bottleneck: the link between adapters; None: decoders read the trunk's own last map.
        condition_width: channels of a task's embedding; 343 in the official code.
        blocks: by stage, the indices of the adapted blocks, from 0; None for the last four (or fewer) of the third
            stage and all of the fourth; "all" for every block.
        window: height and width of the windows of the adapters' own attention, in trunks without queries
            and keys (FocalNet).
        own_reduction: the width of that attention is the trunk's divided by this.
        lr_scale: the adapters' multiple of the run's learning rate, which decoders and heads have.
    """

    attention: Literal["block", "full"] | None = "block"
    norm: Literal["weight", "weight and bias"] | None = "weight"
    bottleneck: Passing | None = field(default_factory=Passing)
    condition_width: int = 343
    blocks: tuple[tuple[int, ...], ...] | Literal["all"] | None = None
    window: int = 7
    own_reduction: int = 3
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.attention not in ("block", "full", None):
            raise ConfigError(f"Adapters.attention: got {self.attention!r}; want 'block', 'full' or None")
        if self.norm not in ("weight", "weight and bias", None):
            raise ConfigError(f"Adapters.norm: got {self.norm!r}; want 'weight', 'weight and bias' or None")
        if isinstance(self.blocks, str) and self.blocks != "all":
            raise ConfigError(f"Adapters.blocks: got {self.blocks!r}; want 'all', indices per stage, or None")
        for name in ("condition_width", "window", "own_reduction"):
            if getattr(self, name) < 1:
                raise ConfigError(f"Adapters.{name}: got {getattr(self, name)}; want at least 1")
        if not self.lr_scale > 0:
            raise ConfigError(f"Adapters.lr_scale: got {self.lr_scale}; want a positive number")
        if self.attention is None and self.norm is None and self.bottleneck is None:
            raise ConfigError("Adapters: got no attention, no norm and no bottleneck; want at least one of them")


@dataclass(frozen=True)
class Troa:
    """Task affinities from the gradients of the tasks' losses, updated at intervals during training.

    The defaults are the paper's. With them the affinities end one-hot: a task's cosine with itself is 1, every refresh
    multiplies its share by it, and a share that has become zero never returns.

    Args:
        every: steps of training between two updates.
        kappa: step size of the update; of "average", the inverse temperature of its softmax.
        sign: +1, tasks whose gradients agree gain, as in the code it builds on (TAWT); -1, as the paper writes it.
        gradients: of the shared adapters' "parameters", or of the "activations" that decoders read.
        weigh_losses: whether the affinities weight the tasks' losses too, or only condition the adapters.
        shuffled: an ablation: adapters and losses read each row of the affinities in a random order, drawn at each
            update: the same values, without their meaning.
        update: "multiply", algorithm 1, which multiplies the shares by exp(kappa cos) at every refresh; "decaying", the
            same with kappa divided by the number of refreshes; "average", a softmax of the cosines' average over all
            refreshes.
        diagonal: whether a task's cosine with itself counts; otherwise its own share stays 1 / tasks, and the cosines
            divide the rest among the others.
        floor: each share is at least this divided by the number of tasks; 1 makes all equal.
        batches: the steps before an update whose cosines are averaged for it; their spread is logged where there are
            several.
    """

    every: int = 100
    kappa: float = 1.0
    sign: Literal[1, -1] = 1
    gradients: Literal["parameters", "activations"] = "parameters"
    weigh_losses: bool = True
    shuffled: bool = False
    update: Literal["multiply", "decaying", "average"] = "multiply"
    diagonal: bool = True
    floor: float = 0.0
    batches: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"Troa.every: got {self.every}; want at least 1")
        if self.sign not in (1, -1):
            raise ConfigError(f"Troa.sign: got {self.sign}; want 1 or -1")
        if not self.kappa > 0:
            raise ConfigError(f"Troa.kappa: got {self.kappa}; want above 0")
        if self.gradients not in ("parameters", "activations"):
            raise ConfigError(f"Troa.gradients: got {self.gradients!r}; want 'parameters' or 'activations'")
        if self.update not in ("multiply", "decaying", "average"):
            raise ConfigError(f"Troa.update: got {self.update!r}; want 'multiply', 'decaying' or 'average'")
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"Troa.floor: got {self.floor}; want from 0 to 1")
        if not 1 <= self.batches <= self.every:
            raise ConfigError(f"Troa.batches: got {self.batches}; want from 1 to every={self.every}")

    def reads_gradients(self, step: int) -> bool:
        """Returns whether the gradients of this step count for an update."""
        return step > 0 and -step % self.every < self.batches

    def is_due(self, step: int) -> bool:
        """Returns whether the affinities are updated after this step."""
        return step > 0 and step % self.every == 0


@dataclass(frozen=True)
class FixedAffinities:
    """Task affinities that never change; a run that starts from the weights of another keeps the other's.

    Args:
        start: "one-hot", each task reads its own embedding alone, as in the official code; or "uniform".
    """

    start: Literal["one-hot", "uniform"] = "one-hot"

    def __post_init__(self) -> None:
        if self.start not in ("one-hot", "uniform"):
            raise ConfigError(f"FixedAffinities.start: got {self.start!r}; want 'one-hot' or 'uniform'")


Affinities: TypeAlias = Troa | FixedAffinities


@dataclass(frozen=True)
class SwinUnet:
    """The decoder; each dense task has one.

    Args:
        width: channels of its finest level, doubled at each coarser one; None for an eighth of the trunk's last map.
        depths: blocks of each level, coarse to fine: (0, 2, 2, 2) is the official code, (2, 2, 2, 2) the paper.
        heads: of each level's attention, coarse to fine; None for one head per 32 channels.
        window: height and width of its windows.
        dropout: probability of dropout before the head; the official code's scripts have 0.6.
        skips: the maps that it reads. "start", as in the official code: those at the start of the stages, and what the
            last bottleneck wrote; no adapter touches the first map, and decoders of small images learn to read it
            alone. "end": those at the end of the stages, each with what the stage's last bottleneck wrote added.
        bias: whether the head has a bias, which the official code's has not. It starts at what is likely: normals
            towards the viewer, an edge at one pixel in ten, all classes alike (for depth see `DepthOutput.middle_m`).
            Without it the features must grow a part that is the same for all images, until it hides in the decoder's
            norms what the coarser maps, and so the adapters, know of the image.
        start: the weights that the tasks' decoders begin with: drawn "apart" for each task, as in the official code; or
            "alike", drawn once for all, and heads of one shape too. Gradients of two tasks pass through their decoders
            to what they share: through decoders drawn apart even those of one task under two names are unrelated, and
            so affinities from them find nothing.
    """

    width: int | None = None
    depths: tuple[int, int, int, int] = (0, 2, 2, 2)
    heads: tuple[int, int, int, int] | None = None
    window: int = 7
    dropout: float = 0.0
    skips: Literal["start", "end"] = "start"
    bias: bool = False
    start: Literal["apart", "alike"] = "apart"

    def __post_init__(self) -> None:
        if self.width is not None and self.width < 1:
            raise ConfigError(f"SwinUnet.width: got {self.width}; want at least 1")
        if self.skips not in ("start", "end"):
            raise ConfigError(f"SwinUnet.skips: got {self.skips!r}; want 'start' or 'end'")
        if self.start not in ("apart", "alike"):
            raise ConfigError(f"SwinUnet.start: got {self.start!r}; want 'apart' or 'alike'")
        if len(self.depths) != 4 or min(self.depths) < 0:
            raise ConfigError(
                f"SwinUnet.depths: got {self.depths}; want four numbers of blocks, coarse to fine, each 0 or more"
            )
        if self.heads is not None and (len(self.heads) != 4 or min(self.heads) < 1):
            raise ConfigError(
                f"SwinUnet.heads: got {self.heads}; want four numbers of heads, coarse to fine, each 1 or more"
            )
        if self.window < 1:
            raise ConfigError(f"SwinUnet.window: got {self.window}; want at least 1")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"SwinUnet.dropout: got {self.dropout}; want from 0 to below 1")


@dataclass(frozen=True)
class DepthOutput:
    """The quantity that a depth head predicts, and in which its loss is computed.

    Disparities of a 128th of a pixel are depths of tens of kilometres: in metres and without a cap, few such pixels
    are most of the loss. The paper says nothing of either, and the default is metres without a cap.

    Args:
        unit: "metre"; "inverse", 1 / m, as in DenseMTL, in which far pixels hardly count; or "log" of metres, in which
            errors are ratios.
        cap_m: pixels that are farther have no target in training, and no prediction is farther; 80 in DenseMTL. None
            for no cap.
        least_m: depths are at least this before they are inverted or their logarithm is taken.
        middle_m: the depth of a score of 0, with which training begins. Heads have no bias: without it the features of
            the decoder must grow a large constant part, which hides in its norms what they know of the image. None for
            0 m (or its inverse 0, or its logarithm 0, which is 1 m).
    """

    unit: Literal["metre", "inverse", "log"] = "metre"
    cap_m: float | None = None
    least_m: float = 0.1
    middle_m: float | None = None

    def __post_init__(self) -> None:
        if self.unit not in ("metre", "inverse", "log"):
            raise ConfigError(f"DepthOutput.unit: got {self.unit!r}; want 'metre', 'inverse' or 'log'")
        if not self.least_m > 0:
            raise ConfigError(f"DepthOutput.least_m: got {self.least_m}; want above 0")
        if self.middle_m is not None and not self.middle_m >= self.least_m:
            raise ConfigError(
                f"DepthOutput.middle_m: got {self.middle_m}; want at least least_m={self.least_m}, or None"
            )
        if self.cap_m is not None and not self.cap_m > self.least_m:
            raise ConfigError(f"DepthOutput.cap_m: got {self.cap_m}; want above least_m={self.least_m}, or None")
