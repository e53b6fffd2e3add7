"""The configuration of a pretrained vision-language model, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from motet.core import ConfigError
from motet.nn.lora import LoRA
from motet.nn.tower import EncoderMode, Finetune, FromScratch, Frozen
from motet.preprocess.images import Crop, Whole


@dataclass(frozen=True, kw_only=True)
class VlmConfig:
    """An image-text-to-text model of transformers that answers every task as a turn of a conversation.

    Args:
        model: its name on the Hugging Face Hub, or a folder with its configuration, processor and weights.
        revision: branch, tag or commit on the Hub.
        mode: of the vision encoder; frozen, so that its features can be stored, adapted, fine-tuned or from scratch.
        connector: of the layers between the vision encoder and the language model.
        language: of the language model.
        prompts: by task, the text that replaces its prompt; ``{text}`` is the row's question.
        max_generated: longest answer in tokens, its end included; longer targets are cut.
        crop: of training images, for tasks that are invariant to it.
        hflip: whether training images are mirrored, for tasks that are invariant to it.

    Raises:
        ConfigError: a number outside its range; a pretrained part that would be trained from scratch.
    """

    name: ClassVar[str] = "vlm"

    model: str
    revision: str = "main"
    mode: EncoderMode = field(default_factory=Frozen)
    connector: EncoderMode = field(default_factory=lambda: Finetune(1.0))
    language: EncoderMode = field(default_factory=LoRA)
    prompts: Mapping[str, str] = field(default_factory=dict)
    max_generated: int = 64
    crop: Crop = field(default_factory=Whole)
    hflip: bool = False

    def __post_init__(self) -> None:
        if self.max_generated < 2:
            raise ConfigError(
                f"VlmConfig.max_generated: got {self.max_generated}; want at least 2, an answer's token and its end"
            )
        for name in ("connector", "language"):
            if isinstance(getattr(self, name), FromScratch):
                raise ConfigError(f"VlmConfig.{name}: got FromScratch(); want Frozen(), LoRA(), DoRA() or Finetune()")

    @classmethod
    def of_model(cls, model: str) -> VlmConfig:
        """Returns the configuration of a model that is evaluated as it is."""
        return cls(model=model, mode=Frozen(), connector=Frozen(), language=Frozen())

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> VlmConfig:
        """Returns the configuration for some of the tasks, without the prompts of the others."""
        del sources
        return replace(self, prompts={name: prompt for name, prompt in self.prompts.items() if name in tasks})
