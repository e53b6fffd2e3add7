"""The kinds of tokens a task has: what each is said to be, so that experts may be chosen by it."""

from __future__ import annotations

from motet.core import Masked, Task
from motet.systems.uni_perceiver.attributes import of_image, of_target, of_text
from motet.systems.uni_perceiver.lines import Kind
from motet.systems.uni_perceiver.targets import is_said, is_visual, reads


def image_kind(task: Task) -> Kind:
    """Of the tokens of a picture or a video."""
    return Kind(task.name, of_image(text_inputs=reads(task)))


def text_kind(task: Task, *, causal: bool = False) -> Kind:
    """Of the pieces of a text that is read, or with `causal` of one that is said."""
    return Kind(task.name, of_text(visual_inputs=is_visual(task), causal=causal))


def target_kind(task: Task) -> Kind:
    """Of the pieces of what inputs are compared with."""
    return Kind(task.name, of_target(text_inputs=reads(task)))


def kinds_of(task: Task) -> tuple[Kind, ...]:
    """Every kind that a task has, of inputs and of targets."""
    kinds = [image_kind(task)] if is_visual(task) else []
    if reads(task) and ("text" in task.inputs or isinstance(task.target, Masked) or not is_visual(task)):
        kinds.append(text_kind(task))
    if is_said(task):
        kinds.append(text_kind(task, causal=True))
    return (*kinds, target_kind(task))
