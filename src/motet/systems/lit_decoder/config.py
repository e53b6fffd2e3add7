"""What a LiT decoder is made of, as plain values; the defaults are the paper's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from motet.core import ConfigError
from motet.nn.encoders import BundledLite0, EncoderConfig
from motet.nn.tower import EncoderMode, Frozen
from motet.preprocess.images import Crop, InceptionCrop
from motet.preprocess.tokenizers import TokenizerConfig, TrainedTokenizer
from motet.systems.base.suggestion import Suggestion
from motet.systems.lit_decoder.options import Bottleneck, ByTask, Classes, ClassStrings, Conditioning, TextTarget
from motet.systems.lit_decoder.suggestion import LiTDecoderSuggestion
from motet.systems.lit_decoder.targets import AnswerTarget

WORDS_FILE = "words.json"


@dataclass(frozen=True, kw_only=True)
class LiTDecoderConfig:
    """A frozen image encoder, read by one autoregressive decoder for all tasks.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision" (2023), section 4.

    Args:
        encoder: the image encoder.
        mode: frozen, fine-tuned or from scratch.
        bottleneck: what its tokens go through before they are read.
        depth: decoder blocks; 12, 2 and 1 in the paper.
        width: decoder channels.
        heads: of each decoder attention.
        mlp_ratio: channels inside the decoder's MLPs, over the width.
        dropout: rate in the decoder's blocks.
        input_dropout: rate on its embeddings.
        max_tokens: longest sequence: prompt, question, answer and end.
        answer_room: of those, kept free of the question.
        pad_to_longest: batches are as long as their longest row; else all are as long as can be.
        words: the tokeniser.
        conditioning: what tells the tasks apart.
        separator: whether one follows the prompt.
        question_separator: whether one follows the question.
        loss_on_prefix: whether prompt, separators and question are learned too.
        label_smoothing: s of `word_loss`.
        classes: names in words, or one token a class.
        answers: which of several annotators' answers is learned.
        texts: which of a row's several texts a `Text` task learns, by task.
        crop: of training images, for tasks that allow it.
        hflip: whether training images are mirrored, for tasks that allow it.
        antialias: resize images by averaging, not by reading two by two pixels.
        draft: let JPEGs be decoded smaller where that is enough.

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
    crop: Crop = field(default_factory=InceptionCrop)
    hflip: bool = True
    antialias: bool = False
    draft: bool = False

    def __post_init__(self) -> None:
        for name in ("depth", "width", "heads", "answer_room"):
            if getattr(self, name) < 1:
                raise ConfigError(f"LiTDecoderConfig.{name}: got {getattr(self, name)}; want at least 1")
        for name in ("dropout", "input_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"LiTDecoderConfig.{name}: got {getattr(self, name)}; want from 0 to below 1")
        if self.width % self.heads:
            raise ConfigError(f"LiTDecoderConfig.heads: got {self.heads}; want a divisor of the width, {self.width}")
        if self.max_tokens < self.answer_room + 3:
            raise ConfigError(
                f"LiTDecoderConfig.max_tokens: got {self.max_tokens}; want at least {self.answer_room + 3}, "
                "3 more than answer_room"
            )
        if self.answers not in ("drawn", "most common"):
            raise ConfigError(f"LiTDecoderConfig.answers: got {self.answers!r}; want 'drawn' or 'most common'")
