"""The LiT decoder's configuration, as plain values; the defaults are the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from motet.core import ConfigError
from motet.nn.encoders import BundledLite0, EncoderConfig
from motet.nn.tower import EncoderMode, Frozen
from motet.preprocess.images import Crop, InceptionCrop
from motet.preprocess.tokenizers import TokenizerConfig, TrainedTokenizer
from motet.systems.base.suggestion import Suggestion
from motet.systems.lit_decoder.decoding import Decoding
from motet.systems.lit_decoder.options import (
    Bottleneck,
    ByTask,
    Classes,
    ClassStrings,
    Conditioning,
    PanopticCodes,
    TextTarget,
)
from motet.systems.lit_decoder.suggestion import LiTDecoderSuggestion
from motet.systems.lit_decoder.targets import AnswerTarget

TOKENIZER_FILE = "words.json"


@dataclass(frozen=True, kw_only=True)
class LiTDecoderConfig:
    """A usually frozen image encoder, and one autoregressive decoder for all tasks.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision" (2023), section 4.

    Args:
        encoder: the image encoder.
        mode: frozen, fine-tuned or from scratch.
        bottleneck: reduction of its tokens before the decoder attends to them; None for none.
        depth: number of decoder blocks; 12, 2 and 1 in the paper.
        width: decoder channels.
        heads: of each decoder attention.
        mlp_ratio: channels inside the decoder's MLPs, divided by the width.
        dropout: dropout probability in the decoder's blocks.
        input_dropout: dropout probability on its embeddings.
        max_tokens: longest sequence: prompt, question, answer and end.
        answer_room: number of those that a long question must leave for the answer.
        pad_to_longest: pad batches to their longest row; else to `max_tokens`.
        tokenizer: its configuration.
        conditioning: how the decoder is told the task.
        separator: whether a separator follows the prompt.
        question_separator: whether a separator follows the question.
        loss_on_prefix: whether prompt, separators and question are in the loss too.
        label_smoothing: s of `token_loss`.
        classes: class names as text, one token per class, or scored tokens.
        answers: the target among several annotators' answers: one drawn anew each time, or the most common one.
        texts: the target among a row's several texts, by `Text` task; `RandomText` for tasks not listed.
        decoding: how answers are made, by task (section 5.8): ``{"caption": BeamSearch(num_beams=2)}``. For tasks not
            listed, beam search with 4 beams for texts and text reading and greedy decoding for the others.
        panoptic: panoptic maps as sequences of codes, for `Panoptic` tasks (section 5.10).
        crop: of training images, for tasks that are invariant to it.
        hflip: whether training images are mirrored, for tasks that are invariant to it.
        antialias: resize with a filter as wide as the reduction; else bilinear between two by two pixels.
        draft: decode JPEGs at a reduced size where that is enough.

    Raises:
        ConfigError: a number outside its range.
    """

    name: ClassVar[str] = "lit_decoder"
    suggestion: ClassVar[Suggestion] = LiTDecoderSuggestion()

    encoder: EncoderConfig = field(default_factory=BundledLite0)
    mode: EncoderMode = field(default_factory=Frozen)
    bottleneck: Bottleneck = None
    depth: int = 12
    width: int = 768
    heads: int = 12
    mlp_ratio: float = 4.0
    dropout: float = 0.1
    input_dropout: float = 0.0
    max_tokens: int = 64
    answer_room: int = 16
    pad_to_longest: bool = True
    tokenizer: TokenizerConfig = field(default_factory=TrainedTokenizer)
    conditioning: Conditioning = field(default_factory=ByTask)
    separator: bool = True
    question_separator: bool = True
    loss_on_prefix: bool = False
    label_smoothing: float = 0.1
    classes: Classes = field(default_factory=ClassStrings)
    answers: AnswerTarget = "drawn"
    texts: Mapping[str, TextTarget] = field(default_factory=dict)
    decoding: Mapping[str, Decoding] = field(default_factory=dict)
    panoptic: PanopticCodes | None = None
    crop: Crop = field(default_factory=InceptionCrop)
    hflip: bool = True
    antialias: bool = False
    draft: bool = False

    def __post_init__(self) -> None:
        for name in ("depth", "width", "heads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"LiTDecoderConfig.{name}: got {getattr(self, name)}; want at least 1")
        if self.answer_room < 2:
            raise ConfigError(
                f"LiTDecoderConfig.answer_room: got {self.answer_room}; want at least 2, an answer's token and its end"
            )
        for name in ("dropout", "input_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"LiTDecoderConfig.{name}: got {getattr(self, name)}; want at least 0 and below 1")
        if self.width % self.heads:
            raise ConfigError(f"LiTDecoderConfig.heads: got {self.heads}; want a divisor of the width, {self.width}")
        if self.max_tokens < self.answer_room + 3:
            raise ConfigError(
                f"LiTDecoderConfig.max_tokens: got {self.max_tokens}; want at least {self.answer_room + 3}, "
                "3 more than answer_room"
            )
        if self.answers not in ("drawn", "most common"):
            raise ConfigError(f"LiTDecoderConfig.answers: got {self.answers!r}; want 'drawn' or 'most common'")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> LiTDecoderConfig:
        """Returns the configuration for some of the tasks, without options of the others."""
        del sources
        conditioning = self.conditioning
        if isinstance(conditioning, ByTask):
            prompts = {name: prompt for name, prompt in conditioning.prompts.items() if name in tasks}
            conditioning = replace(conditioning, prompts=prompts)
        return replace(
            self,
            conditioning=conditioning,
            texts={name: target for name, target in self.texts.items() if name in tasks},
            decoding={name: decoding for name, decoding in self.decoding.items() if name in tasks},
        )
