"""A task: its inputs, prompt, target, annotation and metrics, independent of any architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from motet.core.errors import ConfigError, DataError
from motet.core.example import Example
from motet.core.metric import Metric
from motet.core.target import TargetSpec

if TYPE_CHECKING:
    from torch import Tensor

    from motet.core.batch import Loss

    LossFunction: TypeAlias = Callable[[Tensor, Any], Loss]
else:  # a task that is read back needs no torch: of its loss, only that it is a function is checked
    LossFunction = Callable[..., Any]

InputKind = Literal["image", "text", "regions", "video"]
Invariance = Literal["hflip", "crop"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """The definition of a task, as a frozen value.

    Args:
        name: the key in every mapping, log line and report row.
        inputs: the parts of an Example that the system may read.
        label: the name of the annotation in `Example.labels`.
        target: the kind of target.
        metrics: how predictions are evaluated; the first is the main metric, which deltas and schedules read.
        prompt: template of the text given to the system, with ``{text}`` for the row's text.
        category: "classification", "captioning", "ocr", "qa", ...: coarse conditioning.
        invariant: augmentations in training that leave the annotation unchanged.
        equivariant: augmentations that need a system that transforms the annotation with the image (boxes, maps).
        loss: in the task's own space; None for `losses.default_for(target)`.

    Raises:
        ConfigError: no metric, an empty name, a prompt without ``{text}`` where text is an input, or
            with another field.
    """

    name: str
    inputs: frozenset[InputKind]
    label: str
    target: TargetSpec
    metrics: tuple[Callable[[], Metric], ...]
    prompt: str = "{text}"
    category: str = ""
    invariant: frozenset[Invariance] = frozenset()
    equivariant: frozenset[Invariance] = frozenset()
    loss: LossFunction | None = None

    def __post_init__(self) -> None:
        if not self.name or any(c.isspace() or c == "/" or not c.isprintable() for c in self.name):
            raise ConfigError(f"Task.name: got {self.name!r}; want a word of printable letters without spaces or '/'")
        if not self.metrics:
            raise ConfigError(f"Task {self.name!r}: metrics: got none; want at least one metric class")
        if not _fills_text_only(self.prompt):
            # A field such as {text.__class__} or {text:>1000000000} would be evaluated for every row.
            raise ConfigError(
                f"Task {self.name!r}: prompt: got {self.prompt!r}; want no other field than '{{text}}', and other "
                "braces doubled"
            )
        if "text" in self.inputs and "{text}" not in self.prompt:
            raise ConfigError(
                f"Task {self.name!r}: prompt: got {self.prompt!r}; want '{{text}}' in it for the row's text"
            )

    @property
    def main_metric(self) -> str:
        """The name of the metric that deltas and schedules read."""
        return self.metrics[0]().name

    def annotation_of(self, example: Example) -> Any:
        """Returns the row's annotation.

        Raises:
            DataError: the row has no such annotation.
        """
        if self.label not in example.labels:
            raise DataError(
                f"{example.id}: task {self.name!r} reads the annotation {self.label!r}: "
                f"got {sorted(example.labels) or 'none'}; want it among them"
            )
        return example.labels[self.label]

    def prompt_for(self, example: Example) -> str:
        """Returns the prompt with the row's text in it; "" for a task without text input."""
        if "text" not in self.inputs:
            return ""
        text = example.text if isinstance(example.text, str) else " ".join(example.text)
        return self.prompt.format(text=text)


def _fills_text_only(prompt: str) -> bool:
    try:
        fields = [part[1:] for part in Formatter().parse(prompt) if part[1] is not None]
    except ValueError:  # a single brace
        return False
    return all(field == ("text", "", None) for field in fields)
