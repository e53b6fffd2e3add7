"""Eight binary attributes of a token, by which the paper's gates choose experts (table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core import ConfigError

Scheme: TypeAlias = Literal["paper", "code"]
Bits: TypeAlias = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True)
class TokenAttributes:
    """The attributes of one token, as table 2 defines them.

    Source: Uni-Perceiver-MoE, table 2.

    Args:
        visual_inputs: the task's inputs contain images or videos.
        text_inputs: the task's inputs contain text.
        visual_targets: the task's targets contain images or videos.
        text_targets: the task's targets contain text.
        visual: the token comes from an image or a video, else from a text.
        causal: the token attends only to tokens before it.
        target: the token comes from a target, not from an input.

    Raises:
        ConfigError: attributes that contradict each other, such as an image token where that side has no images.

    Examples:
        >>> TokenAttributes(visual_inputs=True, text_targets=True, visual=True).bits("paper")
        (1, 0, 0, 1, 1, 0, 0, 1)
    """

    visual_inputs: bool = False
    text_inputs: bool = False
    visual_targets: bool = False
    text_targets: bool = False
    visual: bool = False
    causal: bool = False
    target: bool = False

    def __post_init__(self) -> None:
        visual, text = (self.visual_inputs, self.text_inputs)
        if self.target:
            visual, text = self.visual_targets, self.text_targets
        if not (visual if self.visual else text):
            modality, side = "visual" if self.visual else "text", "targets" if self.target else "inputs"
            raise ConfigError(
                f"attributes: got a {modality} token, but the {side} have no such modality; want {modality}_{side}=True"
            )
        if self.causal and (self.visual or self.target):
            raise ConfigError("attributes: got a causal token of an image or a target; want one of an input text")

    def bits(self, scheme: Scheme) -> Bits:
        """Returns the attributes as eight numbers, 0 or 1.

        Args:
            scheme: "paper": number 6 is "causal" and 7 "comes from the inputs" (table 2); "code": number 6 is "comes
                from the targets" and 7 "causal" (the official `moe_embeddings.py`).
        """
        last = (self.causal, not self.target) if scheme == "paper" else (self.target, self.causal)
        sides = (self.visual_inputs, self.text_inputs, self.visual_targets, self.text_targets, self.visual)
        first = tuple(int(each) for each in (*sides, not self.visual))
        return (first[0], first[1], first[2], first[3], first[4], first[5], int(last[0]), int(last[1]))

    @classmethod
    def of_bits(cls, bits: Sequence[int], scheme: Scheme) -> TokenAttributes:
        """Returns the attributes that eight numbers encode.

        Raises:
            ConfigError: not eight numbers of 0 and 1, or attributes that contradict each other.
        """
        if len(bits) != 8 or not set(bits) <= {0, 1} or bits[4] == bits[5]:
            raise ConfigError(
                f"attributes: got {tuple(bits)}; want eight of 0 and 1, and exactly one of numbers 4 (visual) and "
                "5 (text)"
            )
        causal, target = (bits[6], 1 - bits[7]) if scheme == "paper" else (bits[7], bits[6])
        first = [bool(each) for each in bits[:5]]
        return cls(first[0], first[1], first[2], first[3], first[4], bool(causal), bool(target))


def image_attributes(*, text_inputs: bool = False) -> TokenAttributes:
    """Returns the attributes of an image token among the inputs; all targets are texts."""
    return TokenAttributes(visual_inputs=True, text_inputs=text_inputs, text_targets=True, visual=True)


def text_attributes(*, visual_inputs: bool, causal: bool = False) -> TokenAttributes:
    """Returns the attributes of a text token among the inputs."""
    return TokenAttributes(visual_inputs=visual_inputs, text_inputs=True, text_targets=True, causal=causal)


def target_attributes(*, text_inputs: bool) -> TokenAttributes:
    """Returns the attributes of a target's token.

    Targets of tasks with text inputs always have the attribute `visual_inputs`, as in the official code: so the
    vocabulary has the same features for captions and for masked words.
    """
    return TokenAttributes(visual_inputs=True, text_inputs=text_inputs, text_targets=True, target=True)


_IMAGE = (image_attributes(),)
_TEXT = (text_attributes(visual_inputs=False),)
_CAPTION = (image_attributes(text_inputs=True), text_attributes(visual_inputs=True, causal=True))
_NAMES, _WORDS = (target_attributes(text_inputs=False),), (target_attributes(text_inputs=True),)
_GLUE = ("CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2")

TABLE: Mapping[str, Mapping[str, tuple[TokenAttributes, ...]]] = {
    "image_classification": {"input": _IMAGE},
    "video_classification": {"input": _IMAGE},
    "text_mlm": {"input": _TEXT},
    "image_caption": {"input": _CAPTION},
    "video_caption": {"input": _CAPTION},
    "image_retrieval": {"input": _IMAGE, "target": _NAMES},
    "video_retrieval": {"input": _IMAGE, "target": _NAMES},
    "text_classification": {"input": _TEXT},
    **{name: {"target": _NAMES} for name in ("ImageNet1k", "ImageNet22k", "MomentsInTime", "Kinetics700")},
    "Kinetics400": {"target": _NAMES},
    "Vocab_Word": {"target": _WORDS},
    **{f"{name}-target": {"target": _WORDS} for name in _GLUE},
}
"""The official table: by entry and side ("input", "target"), the attributes of its one or two kinds of token."""


def entries_of(bits: Sequence[int], scheme: Scheme) -> tuple[str, ...]:
    """Returns the entries of the official table that have a token with these attributes.

    Raises:
        ConfigError: attributes that no entry has.

    Examples:
        >>> entries_of((1, 1, 0, 1, 0, 1, 0, 1), "code")
        ('image_caption', 'video_caption')
    """
    query = tuple(bits)
    found = tuple(
        name
        for name, sides in TABLE.items()
        if any(attributes.bits(scheme) == query for side in sides.values() for attributes in side)
    )
    if not found:
        raise ConfigError(
            f"attributes: got {query}, which no entry of the official table has; want the attributes of one, "
            f"scheme {scheme!r}"
        )
    return found
