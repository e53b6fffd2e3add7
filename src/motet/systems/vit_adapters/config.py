"""The configuration of ViT adapters; where the paper gives a value, it is the default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from motet.core import ConfigError
from motet.nn.feature_maps import MapConfig
from motet.nn.tower import EncoderMode, Frozen
from motet.preprocess.crops import Crop, Whole
from motet.systems.base.suggestion import Suggestion
from motet.systems.vit_adapters.domains import Adaptation
from motet.systems.vit_adapters.options import Adapters, Affinities, DepthOutput, SwinUnet, TimmTrunk, Troa, Unfrozen
from motet.systems.vit_adapters.suggestion import ViTAdaptersSuggestion


@dataclass(frozen=True, kw_only=True)
class ViTAdaptersConfig:
    """A frozen vision transformer with task-conditioned adapters, and one decoder per dense task.

    Source: Bhattacharjee, Suesstrunk and Salzmann, "Vision Transformer Adapters for Generalizable Multitask Learning",
    ICCV 2023.

    The paper's baselines use the same trunk. All weights trained and no adapters: ``adapters=None,
    affinities=FixedAffinities(), mode=Finetune(1.0)``. Without one of the adapter's parts:
    ``Adapters(attention=None)``, ``Adapters(norm=None)``, ``Adapters(bottleneck=None)``. Without task affinities:
    ``affinities=FixedAffinities()``.

    Args:
        trunk: the vision transformer.
        mode: of the trunk; frozen, in the paper.
        adapters: the parts that are trained inside the trunk; None for none.
        affinities: how much each task takes from the others.
        decoder: of each dense task.
        unfrozen: parts of a frozen trunk that are trained nevertheless; the official code trains "patch embedding" and
            "adapted blocks", against the paper. "biases" alone, without adapters, is BitFit (Ben Zaken et al., 2022).
        adapt: how images of another domain without annotations are used; None: they are not used.
        crop: of training images, for tasks that allow it; maps are cropped alike.
        hflip: whether training images are mirrored, for tasks that allow it; maps are mirrored alike.
        antialias: whether images are resized by averaging instead of from two by two pixels.
        scale_depth: whether depth is divided by the zoom of a crop, see `ViTAdaptersProcessor`.
        linear: a frozen feature map, whose linear scores at each place add to the decoders' scores. They begin as the
            linear probe of maps (`System.linear_maps`), and the heads of the decoders at 0. None: there is none, as in
            the paper.
        depth: the quantity that heads of depth predict, and its cap.

    Raises:
        ConfigError: options that do not fit each other.
    """

    name: ClassVar[str] = "vit_adapters"
    suggestion: ClassVar[Suggestion] = ViTAdaptersSuggestion()

    trunk: TimmTrunk = field(default_factory=TimmTrunk)
    mode: EncoderMode = field(default_factory=Frozen)
    adapters: Adapters | None = field(default_factory=Adapters)
    affinities: Affinities = field(default_factory=Troa)
    decoder: SwinUnet = field(default_factory=SwinUnet)
    unfrozen: tuple[Unfrozen, ...] = ()
    adapt: Adaptation | None = None
    crop: Crop = field(default_factory=Whole)
    hflip: bool = True
    antialias: bool = True
    scale_depth: bool = False
    linear: MapConfig | None = None
    depth: DepthOutput = field(default_factory=DepthOutput)

    def __post_init__(self) -> None:
        if type(self.trunk) is not TimmTrunk:
            got = type(self.trunk).__name__
            raise ConfigError(f"ViTAdaptersConfig.trunk: got a {got}; want a TimmTrunk: adapters are in its blocks")
        if self.adapters is None and isinstance(self.affinities, Troa):
            raise ConfigError(
                "ViTAdaptersConfig.affinities: got Troa without adapters; want FixedAffinities(), or adapters"
            )
        if self.linear is not None and self.depth != DepthOutput():
            raise ConfigError(
                f"ViTAdaptersConfig.depth: got {self.depth} with linear maps, whose probe predicts metres; want "
                "DepthOutput(), or linear=None"
            )
        if unknown := sorted(set(self.unfrozen) - {"patch embedding", "adapted blocks", "biases"}):
            raise ConfigError(
                f"ViTAdaptersConfig.unfrozen: got {unknown}; want only 'patch embedding', 'adapted blocks' and "
                "'biases', or an empty tuple"
            )
        if self.unfrozen and not isinstance(self.mode, Frozen):
            raise ConfigError(
                f"ViTAdaptersConfig.unfrozen: got {self.unfrozen} with a trunk that is trained as a whole; want an "
                "empty tuple, or mode=Frozen()"
            )

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> ViTAdaptersConfig:
        """Returns the configuration restricted to some of the tasks."""
        del sources
        if self.adapt is None or not self.adapt.tasks:
            return self
        names = tuple(name for name in self.adapt.tasks if name in tasks)
        # No name would mean every dense task.
        return replace(self, adapt=replace(self.adapt, tasks=names) if names else None)
