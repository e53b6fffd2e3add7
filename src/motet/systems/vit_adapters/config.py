"""What ViT adapters are made of, as plain values; the defaults are the paper's where it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from motet.core import ConfigError
from motet.nn.tower import EncoderMode, Frozen
from motet.preprocess.crops import Crop, Whole
from motet.systems.base.suggestion import Suggestion
from motet.systems.vit_adapters.domains import Adaptation
from motet.systems.vit_adapters.options import Adapters, Affinities, SwinUnet, TimmTrunk, Troa, Unfrozen
from motet.systems.vit_adapters.suggestion import ViTAdaptersSuggestion


@dataclass(frozen=True, kw_only=True)
class ViTAdaptersConfig:
    """A frozen vision transformer with adapters that know the tasks, and a decoder a task.

    Source: Bhattacharjee, Suesstrunk and Salzmann, "Vision Transformer Adapters for Generalizable Multitask Learning",
    ICCV 2023.

    The paper's baselines stand on the same trunk: all weights trained and no adapters are ``adapters=None,
    affinities=FixedRates(), mode=Finetune(1.0)``; without one of the adapter's parts are ``Adapters(attention=None)``,
    ``Adapters(norm=None)``, ``Adapters(bottleneck=None)``; without task affinities is ``affinities=FixedRates()``.

    Args:
        trunk: the vision transformer.
        mode: of the trunk; frozen, in the paper.
        adapters: what is trained inside it; None for nothing.
        affinities: what each task takes from the others.
        decoder: of each dense task.
        unfrozen: parts of a frozen trunk that are trained all the same: the official code leaves both so, against the
            paper.
        adapt: how pictures of another domain without labels are used; None for not at all.
        crop: of training images, for tasks that allow it; maps move along.
        hflip: whether training images are mirrored, for tasks that allow it; maps move along.
        antialias: resize images by averaging, not by reading two by two pixels.
        scale_depth: whether depth is divided by how much larger a crop makes things look, see `ViTAdaptersProcessor`.

    Raises:
        ConfigError: parts that do not fit each other.
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

    def __post_init__(self) -> None:
        if self.adapters is None and isinstance(self.affinities, Troa):
            raise ConfigError(
                "ViTAdaptersConfig.affinities: got Troa without adapters that could use it; want FixedRates()"
            )
        if unknown := sorted(set(self.unfrozen) - {"patch embedding", "adapted blocks"}):
            raise ConfigError(
                f"ViTAdaptersConfig.unfrozen: got {unknown}; want 'patch embedding', 'adapted blocks' or neither"
            )
        if self.unfrozen and not isinstance(self.mode, Frozen):
            raise ConfigError(
                f"ViTAdaptersConfig.unfrozen: got {self.unfrozen} of a trunk that is trained as a whole; want none"
            )

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> ViTAdaptersConfig:
        """The same for some tasks, saying nothing of the others."""
        del sources
        if self.adapt is None or not self.adapt.tasks:
            return self
        kept = tuple(name for name in self.adapt.tasks if name in tasks)
        # No name would mean every dense task.
        return replace(self, adapt=replace(self.adapt, tasks=kept) if kept else None)
