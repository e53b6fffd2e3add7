"""The configuration of Uni-Perceiver, as plain values; sizes and options default to the paper's base model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, get_args

from motet.core import ConfigError
from motet.nn.encoders import EncoderConfig
from motet.nn.tower import EncoderMode, Frozen
from motet.preprocess.augment import Augment
from motet.preprocess.crops import Crop, Whole
from motet.preprocess.tokenizers import TokenizerConfig, TrainedTokenizer
from motet.systems.base.suggestion import Suggestion
from motet.systems.uni_perceiver.options import (
    BASE,
    Blocks,
    EncoderSize,
    Experts,
    GenerationConfig,
    LossConfig,
    MaskingConfig,
    Patches,
    PromptTuning,
)
from motet.systems.uni_perceiver.suggestion import UniPerceiverSuggestion

TOKENIZER_FILE = "words.json"
WordTargets = Literal["with end", "alone"]


@dataclass(frozen=True, kw_only=True)
class UniPerceiverConfig:
    """One transformer for inputs and targets of every modality; only their inputs and targets distinguish tasks.

    Source: Zhu et al., "Uni-Perceiver", CVPR 2022; Zhu et al., "Uni-Perceiver-MoE", NeurIPS 2022.

    Args:
        sizes: of the encoder; `TINY`, `BASE` and `LARGE` are the paper's.
        blocks: composition of its layers: `Experts` as in the paper, `TaskSpecificBlocks` with projections per task,
            or None for plain ones.
        tokenizer: the paper's is CLIP's, ``HfTokenizer("openai/clip-vit-base-patch32")`` or, from the published merges,
            `motet.preprocess.clip_tokenizer.ClipTokenizer`. The default is trained on the run's own texts.
        max_tokens: number of positions of texts; longer ones are cut.
        max_generated: tokens of a generated text at most, with its end; longer targets are cut.
        word_targets: a word of the vocabulary that words are predicted from is encoded as its token "with end", as in
            the official code, or as its token "alone", which costs a third less.
        patches: of images.
        encoder: its features replace patches of pixels, for small machines.
        mode: of that encoder: frozen, fine-tuned or from scratch.
        max_tokens_of: of a text by task, generated ones too, where it is less than the two above.
        crop: of training images, for tasks that allow it.
        crop_of: by task, if it differs.
        augment_of: further augmentations of training images, by task.
        hflip: flips training images at random, for tasks that allow it.
        antialias: resizes images with antialiasing.
        frames: number of frames read per video.
        frames_of: by task, if it differs; at most `max_frames`.
        max_frames: number of positions in time; in training the position of the first frame is random.
        layer_scale: initial value of the scales of each layer's two parts; None: no scales.
        drop_path: probability that a row skips a part of a layer in training, the same in all layers.
        initial_std: standard deviation of matrices and tables that start at random; None: one over the square root of
            each one's inputs, with which narrow models learn faster.
        masking: of texts, for masked language modelling.
        generation: of texts.
        loss: options of the losses.
        linear: whether a linear classifier on the mean features of `encoder` adds its scores, for a `Label` whose only
            input is an image or a video. It begins as the linear probe (`System.linear_heads`), and the factor of the
            similarities at 0. Not in the paper.
        tuning: trains prompts, and little else; None: everything is trained.

    Raises:
        ConfigError: a number outside its range.
    """

    name: ClassVar[str] = "uni_perceiver"
    suggestion: ClassVar[Suggestion] = UniPerceiverSuggestion()

    sizes: EncoderSize = BASE
    blocks: Blocks = field(default_factory=Experts)
    tokenizer: TokenizerConfig = field(default_factory=TrainedTokenizer)
    max_tokens: int = 512
    max_generated: int = 64
    max_tokens_of: Mapping[str, int] = field(default_factory=dict)
    word_targets: WordTargets = "with end"
    patches: Patches = field(default_factory=Patches)
    encoder: EncoderConfig | None = None
    mode: EncoderMode = field(default_factory=Frozen)
    crop: Crop = field(default_factory=Whole)
    crop_of: Mapping[str, Crop] = field(default_factory=dict)
    augment_of: Mapping[str, Augment] = field(default_factory=dict)
    hflip: bool = True
    antialias: bool = True
    frames: int = 8
    frames_of: Mapping[str, int] = field(default_factory=dict)
    max_frames: int = 8
    layer_scale: float | None = 1e-3
    drop_path: float = 0.1
    initial_std: float | None = 0.02
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    linear: bool = False
    tuning: PromptTuning | None = None

    def __post_init__(self) -> None:
        for name in ("frames", "max_frames"):
            if getattr(self, name) < 1:
                raise ConfigError(f"UniPerceiverConfig.{name}: got {getattr(self, name)}; want at least 1")
        if not 1 <= (most := max([self.frames, *self.frames_of.values()])) <= self.max_frames:
            raise ConfigError(f"UniPerceiverConfig.frames: got {most}; want at most max_frames, {self.max_frames}")
        if (least := min([1, *self.frames_of.values()])) < 1:
            raise ConfigError(f"UniPerceiverConfig.frames_of: got {least}; want at least 1")
        if (least := min([4, *self.max_tokens_of.values()])) < 4:
            raise ConfigError(f"UniPerceiverConfig.max_tokens_of: got {least}; want at least 4")
        if self.max_generated < 2 or self.max_tokens < 4:
            raise ConfigError(
                f"UniPerceiverConfig.max_generated, max_tokens: got {self.max_generated}, {self.max_tokens}; want at "
                "least 2 and 4"
            )
        if self.max_generated > self.max_tokens:
            raise ConfigError(
                f"UniPerceiverConfig.max_generated: got {self.max_generated}; want at most max_tokens, "
                f"{self.max_tokens}"
            )
        if self.word_targets not in get_args(WordTargets):
            raise ConfigError(
                f"UniPerceiverConfig.word_targets: got {self.word_targets!r}; want one of {get_args(WordTargets)}"
            )
        if not 0 <= self.drop_path < 1:
            raise ConfigError(f"UniPerceiverConfig.drop_path: got {self.drop_path}; want from 0 to below 1")
        for name in ("layer_scale", "initial_std"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"UniPerceiverConfig.{name}: got {value}; want above 0, or None")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> UniPerceiverConfig:
        """Returns the same configuration for some tasks, without options of the others."""
        del sources
        weights = {name: weight for name, weight in self.loss.weights.items() if name in tasks}
        mixup_tasks = tuple(name for name in self.loss.mixup_tasks if name in tasks)
        return replace(
            self,
            loss=replace(self.loss, weights=weights, mixup_tasks=mixup_tasks),
            max_tokens_of={name: most for name, most in self.max_tokens_of.items() if name in tasks},
            crop_of={name: crop for name, crop in self.crop_of.items() if name in tasks},
            augment_of={name: augment for name, augment in self.augment_of.items() if name in tasks},
            frames_of={name: frames for name, frames in self.frames_of.items() if name in tasks},
        )
