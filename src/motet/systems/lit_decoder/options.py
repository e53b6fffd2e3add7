"""The alternatives that the paper compares, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from motet.core import ConfigError
from motet.nn.vqvae import VQVAEConfig


@dataclass(frozen=True)
class ByTask:
    """One prompt token per task: ``flowers: primrose`` (section 4.2).

    Args:
        prompts: prompts by task, where they differ from the task's name; tasks with the same prompt share its token.
            Languages as tasks (section 5.4.3): ``{"caption_de": "de", "caption_en": "en"}``.
    """

    prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ByCategory:
    """One prompt token per category: classification, captioning, text reading, questions (section 5.1)."""


@dataclass(frozen=True)
class Unconditioned:
    """No prompt and no separator: the model has to infer the task from image and question (section 5.1)."""


@dataclass(frozen=True)
class ByTaskPositions:
    """No prompt; one table of position embeddings per task (end of section 5.6).

    Args:
        add: whether the task's table is added to a shared one; else it replaces it, as we read the paper.
    """

    add: bool = False


Conditioning: TypeAlias = ByTask | ByCategory | Unconditioned | ByTaskPositions


@dataclass(frozen=True)
class MapPooling:
    """A bottleneck that pools the image into one token by attention (section 5.9).

    Args:
        heads: of the attention; a divisor of the encoder's width.
    """

    heads: int = 8


@dataclass(frozen=True)
class LinearProjection:
    """A bottleneck that narrows every image token by one linear layer; the decoder attends to the narrow ones (5.9).

    Args:
        factor: the encoder's width divided by that of the narrow tokens; 8, 16 or 32 in the paper.
    """

    factor: int = 8

    def __post_init__(self) -> None:
        if self.factor < 1:
            raise ConfigError(f"LinearProjection.factor: got {self.factor}; want at least 1")


Bottleneck: TypeAlias = MapPooling | LinearProjection | None


@dataclass(frozen=True)
class ClassStrings:
    """Classes are generated as their names, tokenised as any text."""


@dataclass(frozen=True)
class ClassTokens:
    """Every class of every `Label` task is one new token (section 5.4.2)."""


@dataclass(frozen=True)
class ScoredClasses:
    """Every class of every `Label` task is one token that is chosen among those of its task alone, without an end.

    Not in the paper, whose classes are generated. The softmax of a task is over its own classes, so that a prediction
    is always a class, with its probability and those of the others.

    Args:
        linear: a linear classifier on the mean of the image's tokens adds its scores, in tasks whose only input is the
            image. It begins as the linear probe of the encoder's features (`System.linear_heads`), so that the decoder
            learns what a linear probe cannot tell: of a few images per class, it alone learns less than the probe.
    """

    linear: bool = True


Classes: TypeAlias = ClassStrings | ClassTokens | ScoredClasses


@dataclass(frozen=True)
class RandomText:
    """One of a row's texts: drawn anew each time in training, the first in evaluation ("OCR Random", section 5.4.1)."""


@dataclass(frozen=True)
class ConcatTexts:
    """All of a row's texts, in their order. "OCR Concat": from top left to bottom right, the order of the readers.

    Args:
        between: the text between two of them.
    """

    between: str = " "


@dataclass(frozen=True)
class SplitCap:
    """Like `RandomText`, but the prompt contains the text's first token, which singles it out ("OCR SplitCap")."""


TextTarget: TypeAlias = RandomText | ConcatTexts | SplitCap


@dataclass(frozen=True)
class PanopticCodes:
    """Options of panoptic maps as codes, and of what a run learns.

    Train the autoencoder first, ``learn="codes"``: its predictions are reconstructions of the annotations, whose
    panoptic quality is the most that the decoder can reach. Then train the decoder, ``learn="decoder"``, with
    ``start=From(first run)``.

    Source: section 5.10 of the paper, appendix G; UViM, Kolesnikov et al., NeurIPS 2022.

    Args:
        autoencoder: its sizes.
        instances: number of values of an instance, 0 for none included; 100 in UViM.
        learn: "codes" trains the autoencoder, "decoder" the decoder on the codes of a frozen one.
        min_fraction: predicted segments of at most this share of the image are left out; 0.03^2 in UViM's files.
    """

    autoencoder: VQVAEConfig = field(default_factory=VQVAEConfig)
    instances: int = 100
    learn: Literal["codes", "decoder"] = "decoder"
    min_fraction: float = 0.0

    def __post_init__(self) -> None:
        if self.learn not in ("codes", "decoder"):
            raise ConfigError(f"PanopticCodes.learn: got {self.learn!r}; want 'codes' or 'decoder'")
        if self.instances < 2 or not 0 <= self.min_fraction < 1:
            raise ConfigError(
                f"PanopticCodes: got {self.instances} instances, min_fraction {self.min_fraction}; want at least 2, "
                "and from 0 to below 1"
            )
