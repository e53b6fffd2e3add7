"""Configuration of 12-in-1, as plain values; widths and depths default to the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from motet.core import ConfigError
from motet.nn.feature_maps import BundledLite0Map, MapConfig
from motet.nn.text_encoders import BundledMiniLM, TextConfig
from motet.nn.tower import EncoderMode, Finetune, Frozen
from motet.preprocess.regions import BoxGrid, BoxSource, RegionSource, StandOut
from motet.systems.base.suggestion import Suggestion
from motet.systems.twelve_in_one.options import ReferringConfig, RegionMasking
from motet.systems.twelve_in_one.suggestion import TwelveInOneSuggestion

WORDS_FILE, TEXT_FILE = "words.json", "text_encoder.json"


@dataclass(frozen=True, kw_only=True)
class TwelveInOneConfig:
    """Two transformers, of words and of regions, with co-attention between them, and one head per kind of task.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", CVPR 2020; Lu et al.,
    "ViLBERT", NeurIPS 2019.

    Regions and words default to bundled models, so that nothing is downloaded: a grid of boxes over a frozen trunk's
    map, and a MiniLM. The paper's are a `source` of detected regions and ``text=HfBert()``, whose twelve layers have
    co-attentions before the last six.

    Args:
        source: regions detected beforehand; None to pool them from the trunk's map.
        source_of: by task, if it differs: published regions are in one file per data set.
        max_regions: upper limit, for a source or a box source; 100 in the paper, 36 in its pre-training.
        trunk: the backbone that turns an image into a feature map; unused with a source.
        mode: training of the trunk: frozen, fine-tuned or from scratch.
        box_source: boxes detected beforehand, in which the map is pooled; None for a grid. Images are not flipped then.
        grid: the boxes in which the map is pooled, the same in every image.
        stand_out: picks the boxes of the grid that differ from their surroundings; None for all of them.
        bins: sampling points per side when the map is pooled in a box.
        hflip: whether training images are flipped, for tasks that allow it; unused with a source.
        antialias: resize images with antialiasing, not by plain bilinear sampling.
        text: the encoder that sets the sizes of the text stream and, unless from scratch, its first weights.
        text_mode: training of the text stream: frozen, fine-tuned or from scratch; ``Finetune(0.1)`` in the paper's
            pre-training.
        max_tokens: of a text.
        max_tokens_of: by task, if it differs.
        image_width: channels of the image stream.
        image_depth: number of its layers.
        image_heads: of each of its attentions.
        image_hidden: channels inside its feed-forward blocks.
        co_width: channels of the co-attentions and of the pooled states.
        co_heads: of the co-attentions.
        connections: per co-attention the image layer and the text layer that it precedes; None for the last layers of
            both, see `last_layers`.
        dropout: probability.
        attention_dropout: probability, on attention weights.
        fusion: of the two pooled states: their "product" (the paper), or their "sum".
        task_token: a token after [CLS] per "task", per "head", or "none".
        head: names of heads by task; by default tasks of the same kind and names share one.
        pairs: tasks of a `Label` on two images (NLVR2).
        linear: tasks of a `Label` whose head is one matrix: SNLI-VE in the code, and alignment in pre-training.
        binary: tasks of a `Label` with a binary cross entropy per name, as in the code; else a cross entropy.
        referring: targets of regions.
        masking: of words and regions in pre-training.
        head_lr_scale: the learning rate of heads over that of the rest; 1e-4 over 2e-5 in the code.
        decay_co_norms: whether the norms of co-attentions and classifiers have weight decay; the code's list of
            exceptions misses their names.
        initial_std: of matrices and tables drawn at random; BERT's 0.02 suits wide layers that are trained for long.
            None for the inverse root of each one's inputs, so that the five numbers of a region's location weigh as
            much as the hundreds of its feature.

    Raises:
        ConfigError: a number outside its range.
    """

    name: ClassVar[str] = "twelve_in_one"
    suggestion: ClassVar[Suggestion] = TwelveInOneSuggestion()

    source: RegionSource | None = None
    source_of: Mapping[str, RegionSource] = field(default_factory=dict)
    max_regions: int = 100
    trunk: MapConfig = field(default_factory=BundledLite0Map)
    mode: EncoderMode = field(default_factory=Frozen)
    box_source: BoxSource | None = None
    grid: BoxGrid = field(default_factory=BoxGrid)
    stand_out: StandOut | None = None
    bins: int = 2
    hflip: bool = True
    antialias: bool = True
    text: TextConfig = field(default_factory=BundledMiniLM)
    text_mode: EncoderMode = field(default_factory=lambda: Finetune(1.0))
    max_tokens: int = 40
    max_tokens_of: Mapping[str, int] = field(default_factory=dict)
    image_width: int = 1024
    image_depth: int = 6
    image_heads: int = 8
    image_hidden: int = 1024
    co_width: int = 1024
    co_heads: int = 8
    connections: tuple[tuple[int, int], ...] | None = None
    dropout: float = 0.1
    attention_dropout: float = 0.1
    fusion: Literal["product", "sum"] = "product"
    task_token: Literal["task", "head", "none"] = "task"
    head: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    referring: ReferringConfig = field(default_factory=ReferringConfig)
    masking: RegionMasking = field(default_factory=RegionMasking)
    head_lr_scale: float = 5.0
    decay_co_norms: bool = True
    initial_std: float | None = 0.02

    def __post_init__(self) -> None:
        sizes = ("max_regions", "bins", "image_width", "image_heads", "image_hidden", "co_width", "co_heads")
        for name in sizes:
            if getattr(self, name) < 1:
                raise ConfigError(f"TwelveInOneConfig.{name}: got {getattr(self, name)}; want at least 1")
        if self.image_depth < 0:
            raise ConfigError(f"TwelveInOneConfig.image_depth: got {self.image_depth}; want at least 0")
        if (least := min([self.max_tokens, *self.max_tokens_of.values()])) < 4:
            raise ConfigError(f"TwelveInOneConfig.max_tokens: got {least}; want at least 4")
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"TwelveInOneConfig.{name}: got {getattr(self, name)}; want from 0 to below 1")
        if self.box_source is not None and (self.source is not None or self.stand_out is not None):
            raise ConfigError("TwelveInOneConfig.box_source: got it with source or stand_out; want one of the three")
        if self.source_of and self.source is None:
            raise ConfigError("TwelveInOneConfig.source_of: got it without source; want the source of all other tasks")
        for task, source in self.source_of.items():
            own = self.source
            if own is not None and (source.width, source.num_classes) != (own.width, own.num_classes):
                raise ConfigError(
                    f"TwelveInOneConfig.source_of: {task!r}: got features of {source.width} numbers and "
                    f"{source.num_classes} classes; want {own.width} and {own.num_classes}, as in source"
                )
        for name in ("head_lr_scale", "initial_std"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"TwelveInOneConfig.{name}: got {value}; want above 0")
        if self.fusion not in ("product", "sum"):
            raise ConfigError(f"TwelveInOneConfig.fusion: got {self.fusion!r}; want 'product' or 'sum'")
        if self.task_token not in ("task", "head", "none"):
            raise ConfigError(f"TwelveInOneConfig.task_token: got {self.task_token!r}; want 'task', 'head' or 'none'")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> TwelveInOneConfig:
        """Returns the configuration for some of the tasks, without options of the others."""
        del sources
        return replace(
            self,
            max_tokens_of={name: most for name, most in self.max_tokens_of.items() if name in tasks},
            source_of={name: source for name, source in self.source_of.items() if name in tasks},
            head={name: head for name, head in self.head.items() if name in tasks},
            pairs=tuple(name for name in self.pairs if name in tasks),
            linear=tuple(name for name in self.linear if name in tasks),
            binary=tuple(name for name in self.binary if name in tasks),
            masking=self.masking if self.masking.alignment_task in tasks else replace(self.masking, alignment_task=""),
        )
