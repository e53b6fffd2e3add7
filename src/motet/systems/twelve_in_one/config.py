"""What a 12-in-1 is made of, as plain values; widths and depths default to the paper's."""

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
from motet.systems.twelve_in_one.options import Referring, RegionMasking
from motet.systems.twelve_in_one.suggestion import TwelveInOneSuggestion

WORDS_FILE, TEXT_FILE = "words.json", "text_encoder.json"


@dataclass(frozen=True, kw_only=True)
class TwelveInOneConfig:
    """Two transformers, of words and of regions, that read each other; a head a kind of task.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", CVPR 2020; Lu et al.,
    "ViLBERT", NeurIPS 2019.

    Regions and words default to what comes with packages, so that nothing is fetched: a grid of boxes over a frozen
    trunk's map, and a MiniLM. The paper's are a `source` of detected regions and ``text=HfBert()``, twelve layers of
    which the last six stand behind co-attentions.

    Args:
        source: regions found beforehand; None for a grid of boxes over the trunk's map.
        max_regions: of a source's or of found boxes, at most; 100 in the paper, 36 in its pre-training.
        trunk: what makes a map of an image; only where there is no source.
        mode: frozen, fine-tuned or from scratch.
        found: boxes found beforehand that the map is read in; None for a grid of boxes. Pictures are not mirrored then.
        grid: the boxes that the map is read in, the same in every picture.
        stand_out: which of the grid's are regions; None: all.
        bins: places a side that a box is read at.
        hflip: whether training images are mirrored, for tasks that allow it; only where there is no source.
        antialias: resize images by averaging, not by reading two by two pixels.
        text: the encoder that the stream of words is sized by and, unless from scratch, starts from.
        text_mode: frozen, fine-tuned or from scratch; the paper's pre-training is ``Finetune(0.1)``.
        max_tokens: of a text at most.
        max_tokens_of: by task, where it is another number.
        image_width: channels of regions.
        image_depth: layers of regions.
        image_heads: of each of their attentions.
        image_hidden: channels inside their feed-forward parts.
        co_width: channels of attentions between the streams, and of what is pooled.
        co_heads: of those attentions.
        connections: of each co-attention the layer of regions and of words that it stands before; None: the last
            layers of both, see `last_layers`.
        dropout: rate.
        attention_dropout: rate on attention weights.
        fusion: how the two pooled states become one: their "product" (the paper), or their "sum".
        task_token: a row behind [CLS] for each "task", for each "head", or for "none".
        head: by task, the name of its head, where it is not to share that of its kind and names.
        pairs: tasks of a `Label` on two images (NLVR2).
        linear: tasks of a `Label` whose head is one matrix: the code's SNLI-VE, and alignment in pre-training.
        binary: tasks of a `Label` that learn one yes or no for each name, as the code does; else by cross entropy.
        referring: how places are learned.
        hiding: what is hidden in pre-training.
        head_lr_scale: the learning rate of heads over that of the rest; the code's 1e-4 over 2e-5.
        decay_co_norms: whether weight decay holds for the norms of co-attentions and classifiers too; the code's list
            of exceptions misses them by their names.
        initial_std: of matrices and tables that start at random; BERT's 0.02, which suits wide layers that are trained
            for long. None: one over the root of each one's inputs, by which five numbers say as much of where a region
            is as hundreds of what it looks like.

    Raises:
        ConfigError: a number outside its range.
    """

    name: ClassVar[str] = "twelve_in_one"
    suggestion: ClassVar[Suggestion] = TwelveInOneSuggestion()

    source: RegionSource | None = None
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
    referring: Referring = field(default_factory=Referring)
    hiding: RegionMasking = field(default_factory=RegionMasking)
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
            raise ConfigError("TwelveInOneConfig.found: got it beside source or stand_out; want one way to regions")
        for name in ("head_lr_scale", "initial_std"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"TwelveInOneConfig.{name}: got {value}; want above 0")
        if self.fusion not in ("product", "sum"):
            raise ConfigError(f"TwelveInOneConfig.fusion: got {self.fusion!r}; want 'product' or 'sum'")
        if self.task_token not in ("task", "head", "none"):
            raise ConfigError(f"TwelveInOneConfig.task_token: got {self.task_token!r}; want 'task', 'head' or 'none'")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> TwelveInOneConfig:
        """The same for some tasks, saying nothing of the others."""
        del sources
        return replace(
            self,
            max_tokens_of={name: most for name, most in self.max_tokens_of.items() if name in tasks},
            head={name: head for name, head in self.head.items() if name in tasks},
            pairs=tuple(name for name in self.pairs if name in tasks),
            linear=tuple(name for name in self.linear if name in tasks),
            binary=tuple(name for name in self.binary if name in tasks),
            hiding=self.hiding if self.hiding.alignment in tasks else replace(self.hiding, alignment=""),
        )
