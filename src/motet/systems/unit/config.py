"""Configuration of UniT, as plain values; widths, depths and losses default to the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from motet.core import ConfigError
from motet.nn.feature_maps import BundledLite0Map, MapConfig
from motet.nn.text_encoders import BundledMiniLM, TextConfig
from motet.nn.tower import EncoderMode, Finetune, Frozen
from motet.systems.base.suggestion import Suggestion
from motet.systems.unit.options import DetectionConfig, FixedSize, TextLimits, Views
from motet.systems.unit.suggestion import UniTSuggestion

WORDS_FILE, TEXT_FILE = "words.json", "text_encoder.json"
Part = Literal["vision", "text", "decoder"]


@dataclass(frozen=True, kw_only=True)
class UniTConfig:
    """An image encoder, a text encoder, and one decoder that attends to either or both.

    Source: Hu and Singh, "UniT: Multimodal Multitask Learning with a Unified Transformer", ICCV 2021.

    The trunk and the text encoder default to the bundled ones, so that nothing is downloaded. The paper's are
    ``TimmMap("resnet50", output_stride=16, frozen_norms=True, frozen_stages=2)`` with ``mode=Finetune(0.2)``,
    ``HfBert()`` and ``ShortestSide()``.

    Args:
        trunk: the backbone that turns an image into a feature map.
        mode: training of the trunk: frozen, fine-tuned or from scratch.
        views: images of one fixed size, or each in its own shape.
        hflip: whether training images are flipped, for tasks that allow it.
        antialias: resize images with antialiasing, not by plain bilinear sampling.
        image_width: channels of the image encoder's layers.
        image_depth: number of these layers.
        image_heads: of each of their attentions.
        residual: whether the trunk's projected map is added to the output of the image encoder (the code; not the
            paper).
        text: the text encoder.
        text_mode: its training: frozen, fine-tuned or from scratch.
        text_limits: number of tokens that are read of a text.
        task_token: whether both encoders get a task token.
        width: channels of the decoder.
        depth: number of its layers.
        heads: of each of its attentions.
        hidden: channels inside all feed-forward blocks.
        dropout: probability.
        attention_dropout: probability, on attention weights of image encoder and decoder; 0 lets the fastest kernels
            run.
        pre_norm: layer norm before each block instead of after its residual.
        shared: one decoder for all tasks, else one per task.
        queries: number of queries by task; by default `box_queries` for `Boxes` and `other_queries` for the rest.
        box_queries: see `queries`.
        other_queries: see `queries`; the prediction comes from the first of them.
        detection: loss of boxes.
        answers: loss of an `Answer`: "binary", a binary cross entropy per name (the code), or "softmax", a cross
            entropy with the soft targets scaled to one (the paper's text).
        every_layer: classifiers too have a loss after every layer of the decoder.
        linear: whether a linear classifier on the mean features of the pretrained encoder adds its scores, for a
            `Label` whose only input is an image, or is text. It begins as the linear probe (`System.linear_heads`),
            and the task's own head at 0. Two sentences are then encoded one by one, since a frozen encoder of sentences
            has never read two at once; these tasks have no task token in the text encoder. Not in the paper.
        frozen: parts that are not trained: "vision" is the trunk and the image encoder without its task tokens, "text"
            the text encoder without its task tokens, "decoder" the decoder or decoders.

    Raises:
        ConfigError: a number outside its range.
    """

    name: ClassVar[str] = "unit"
    suggestion: ClassVar[Suggestion] = UniTSuggestion()

    trunk: MapConfig = field(default_factory=BundledLite0Map)
    mode: EncoderMode = field(default_factory=Frozen)
    views: Views = field(default_factory=FixedSize)
    hflip: bool = True
    antialias: bool = True
    image_width: int = 256
    image_depth: int = 6
    image_heads: int = 8
    residual: bool = True
    text: TextConfig = field(default_factory=BundledMiniLM)
    text_mode: EncoderMode = field(default_factory=lambda: Finetune(1.0))
    text_limits: TextLimits = field(default_factory=TextLimits)
    task_token: bool = True
    width: int = 768
    depth: int = 6
    heads: int = 8
    hidden: int = 2048
    dropout: float = 0.1
    attention_dropout: float = 0.1
    pre_norm: bool = False
    shared: bool = True
    queries: Mapping[str, int] = field(default_factory=dict)
    box_queries: int = 100
    other_queries: int = 25
    detection: DetectionConfig = field(default_factory=DetectionConfig)
    answers: Literal["binary", "softmax"] = "binary"
    every_layer: bool = False
    linear: bool = False
    frozen: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        for name in ("width", "depth", "heads", "image_width", "image_heads", "hidden", "box_queries", "other_queries"):
            if getattr(self, name) < 1:
                raise ConfigError(f"UniTConfig.{name}: got {getattr(self, name)}; want at least 1")
        if self.image_depth < 0:
            raise ConfigError(f"UniTConfig.image_depth: got {self.image_depth}; want at least 0")
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"UniTConfig.{name}: got {getattr(self, name)}; want from 0 to below 1")
        if self.width % self.heads:
            raise ConfigError(f"UniTConfig.heads: got {self.heads}; want a divisor of the width, {self.width}")
        if self.image_width % self.image_heads or self.image_width % 4:
            raise ConfigError(
                f"UniTConfig.image_width: got {self.image_width}; want a multiple of 4 and of image_heads, "
                f"{self.image_heads}"
            )
        if self.answers not in ("binary", "softmax"):
            raise ConfigError(f"UniTConfig.answers: got {self.answers!r}; want 'binary' or 'softmax'")
        if any(count < 1 for count in self.queries.values()):
            raise ConfigError(f"UniTConfig.queries: got {dict(self.queries)}; want at least 1 each")
        if unknown := sorted(set(self.frozen) - {"vision", "text", "decoder"}):
            raise ConfigError(f"UniTConfig.frozen: got {unknown}; want 'vision', 'text' or 'decoder'")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> UniTConfig:
        """Returns the configuration for some of the tasks, without options of the others."""
        del sources
        cls_only = {name: alone for name, alone in self.text_limits.cls_only.items() if name in tasks}
        return replace(
            self,
            queries={name: count for name, count in self.queries.items() if name in tasks},
            text_limits=replace(self.text_limits, cls_only=cls_only),
        )
