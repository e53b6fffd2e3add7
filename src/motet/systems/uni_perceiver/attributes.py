"""What is said of a token, eight times yes or no, by which experts are chosen (table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core import ConfigError

Scheme: TypeAlias = Literal["paper", "code"]
Bits: TypeAlias = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True)
class TokenAttributes:
    """The statements of table 2 about a token.

    Source: Uni-Perceiver-MoE, table 2.

    Args:
        visual_inputs: the task's inputs have pictures.
        text_inputs: they have text.
        visual_targets: the task's targets have pictures.
        text_targets: they have text.
        visual: the token is of a picture, else of a text.
        causal: it sees only what stands before it.
        target: it is of a target, not of an input.

    Raises:
        ConfigError: a token that cannot be: of a picture where its side has none, or the like.

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
            kind, side = "a picture" if self.visual else "a text", "targets" if self.target else "inputs"
            raise ConfigError(f"attributes: got a token of {kind}, and none in the {side}; want what belongs together")
        if self.causal and (self.visual or self.target):
            raise ConfigError("attributes: got a causal token of a picture or a target; want one of an input text")

    def bits(self, scheme: Scheme) -> Bits:
        """As numbers.

        Args:
            scheme: "paper": 6 is "causal" and 7 "comes from the inputs" (table 2); "code": 6 is "comes from the
                targets" and 7 "causal" (the official `moe_embeddings.py`).
        """
        last = (self.causal, not self.target) if scheme == "paper" else (self.target, self.causal)
        said = (self.visual_inputs, self.text_inputs, self.visual_targets, self.text_targets, self.visual)
        first = tuple(int(each) for each in (*said, not self.visual))
        return (first[0], first[1], first[2], first[3], first[4], first[5], int(last[0]), int(last[1]))

    @classmethod
    def of_bits(cls, bits: Sequence[int], scheme: Scheme) -> TokenAttributes:
        """What the numbers say.

        Raises:
            ConfigError: not eight of 0 and 1, or a token that cannot be.
        """
        if len(bits) != 8 or not set(bits) <= {0, 1} or bits[4] == bits[5]:
            raise ConfigError(
                f"attributes: got {tuple(bits)}; want eight of 0 and 1, and exactly one of numbers 4 (a picture) and "
                "5 (a text)"
            )
        causal, target = (bits[6], 1 - bits[7]) if scheme == "paper" else (bits[7], bits[6])
        first = [bool(each) for each in bits[:5]]
        return cls(first[0], first[1], first[2], first[3], first[4], bool(causal), bool(target))


def of_image(*, text_inputs: bool = False) -> TokenAttributes:
    """A picture's token among the inputs; all targets are texts."""
    return TokenAttributes(visual_inputs=True, text_inputs=text_inputs, text_targets=True, visual=True)


def of_text(*, visual_inputs: bool, causal: bool = False) -> TokenAttributes:
    """A text's token among the inputs."""
    return TokenAttributes(visual_inputs=visual_inputs, text_inputs=True, text_targets=True, causal=causal)


def of_target(*, text_inputs: bool) -> TokenAttributes:
    """A target's token.

    Targets of tasks that read a text are all said to have pictures in the inputs too, as in the official code: so the
    words of a vocabulary are the same for captions and for hidden words.
    """
    return TokenAttributes(visual_inputs=True, text_inputs=text_inputs, text_targets=True, target=True)


_SEEN = (of_image(),)
_READ = (of_text(visual_inputs=False),)
_SAID = (of_image(text_inputs=True), of_text(visual_inputs=True, causal=True))
_NAMES, _WORDS = (of_target(text_inputs=False),), (of_target(text_inputs=True),)
_GLUE = ("CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2")

TABLE: Mapping[str, Mapping[str, tuple[TokenAttributes, ...]]] = {
    "image_classification": {"input": _SEEN},
    "video_classification": {"input": _SEEN},
    "text_mlm": {"input": _READ},
    "image_caption": {"input": _SAID},
    "video_caption": {"input": _SAID},
    "image_retrieval": {"input": _SEEN, "target": _NAMES},
    "video_retrieval": {"input": _SEEN, "target": _NAMES},
    "text_classification": {"input": _READ},
    **{name: {"target": _NAMES} for name in ("ImageNet1k", "ImageNet22k", "MomentsInTime", "Kinetics700")},
    "Kinetics400": {"target": _NAMES},
    "Vocab_Word": {"target": _WORDS},
    **{f"{name}-target": {"target": _WORDS} for name in _GLUE},
}
"""The official table: for each entry its sides, and of each side what is said of its one or two kinds of token."""


def entries_of(bits: Sequence[int], scheme: Scheme) -> tuple[str, ...]:
    """The entries of the table that such a token stands in.

    Raises:
        ConfigError: numbers that no row of the table fits.

    Examples:
        >>> entries_of((1, 1, 0, 1, 0, 1, 0, 1), "code")
        ('image_caption', 'video_caption')
    """
    wanted = tuple(bits)
    found = tuple(
        name
        for name, sides in TABLE.items()
        if any(attributes.bits(scheme) == wanted for side in sides.values() for attributes in side)
    )
    if not found:
        raise ConfigError(f"attributes: got {wanted}, which no row of the table fits ({scheme!r}); want one that does")
    return found
