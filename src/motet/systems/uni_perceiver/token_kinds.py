"""The kinds of token that a task has: its task and attributes, by which experts are chosen."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import Masked, Task
from motet.systems.uni_perceiver.attributes import (
    TokenAttributes,
    image_attributes,
    target_attributes,
    text_attributes,
)
from motet.systems.uni_perceiver.targets import has_text_inputs, is_generated, is_visual


@dataclass(frozen=True)
class TokenKind:
    """The properties that tokens of one kind share, as far as routing depends on them.

    Args:
        task: name of their task.
        attributes: see `TokenAttributes`.
    """

    task: str
    attributes: TokenAttributes

    @property
    def modality(self) -> str:
        """ "visual" or "text"."""
        return "visual" if self.attributes.visual else "text"

    @property
    def name(self) -> str:
        """A name that is unique among the kinds of one task."""
        side = "target" if self.attributes.target else "input"
        return f"{self.modality} {side}{' causal' if self.attributes.causal else ''}"


def image_kind(task: Task) -> TokenKind:
    """Returns the kind of image and video tokens."""
    return TokenKind(task.name, image_attributes(text_inputs=has_text_inputs(task)))


def text_kind(task: Task, *, causal: bool = False) -> TokenKind:
    """Returns the kind of the tokens of an input text, or with `causal` of a generated one."""
    return TokenKind(task.name, text_attributes(visual_inputs=is_visual(task), causal=causal))


def target_kind(task: Task) -> TokenKind:
    """Returns the kind of the tokens of targets, which inputs are compared with."""
    return TokenKind(task.name, target_attributes(text_inputs=has_text_inputs(task)))


def kinds_of(task: Task) -> tuple[TokenKind, ...]:
    """Returns every kind of token that a task has, of inputs and of targets."""
    kinds = [image_kind(task)] if is_visual(task) else []
    if has_text_inputs(task) and ("text" in task.inputs or isinstance(task.target, Masked) or not is_visual(task)):
        kinds.append(text_kind(task))
    if is_generated(task):
        kinds.append(text_kind(task, causal=True))
    return (*kinds, target_kind(task))
