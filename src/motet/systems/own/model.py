"""A system around a multi-task module of one's own, which returns outputs and losses by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from motet.core import (
    Answer,
    Batch,
    ClassPrediction,
    ConfigError,
    Label,
    Loss,
    Losses,
    Prediction,
    ScalarPrediction,
    Score,
    System,
    Target,
    Task,
    Text,
    TextPrediction,
    UnsupportedTask,
)
from motet.losses.default import default_for
from motet.preprocess.images import ImageTransform
from motet.systems.base import ImageInputs, check_target, trained_blocks
from motet.systems.own.config import OwnModelConfig
from motet.systems.own.processor import OwnProcessor, over_batch

_FORWARD = "motet.wrap_model: forward"
_WANT = 'want {"outputs": {task: ...}, "losses": {task: ...}}'


class OwnModel(System):
    """The system of a module of one's own; see `motet.wrap_model`.

    Args:
        config: of the system.
        tasks: in order.
        fetch: whether the builder may fetch weights; a restored model has its own.

    Raises:
        UnsupportedTask: boxes, maps, retrieval, video and other targets that need a processor of their own.
        ConfigError: a builder that fails, or texts without a tokenizer.
    """

    mixes: ClassVar[bool] = True
    config: OwnModelConfig

    def __init__(self, config: OwnModelConfig, tasks: Sequence[Task], *, fetch: bool) -> None:
        super().__init__()
        self.config, self.tasks = config, {task.name: task for task in tasks}
        for task in tasks:
            check_target(task, "a module of your own", Label, Answer, Score, Text, closed=True)
            if not task.inputs <= {"image", "text"}:
                got = ", ".join(sorted(task.inputs))
                raise UnsupportedTask(f"task {task.name!r}: got inputs {got}; want image and text alone")
            if "text" in task.inputs and config.tokenize is None:
                raise ConfigError(f"motet.wrap_model: tokenize: got none with task {task.name!r}, which reads texts")
        self.module = config.source.build("motet.wrap_model", pretrained=fetch, tasks=self.tasks)
        pixels = config.pixels
        transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, crop=config.crop, hflip=config.hflip)
        reads = any("text" in task.inputs for task in tasks)
        self.processor = OwnProcessor(
            ImageInputs(transform=transform) if any("image" in task.inputs for task in tasks) else None,
            config.tokenize if reads else None,
            config.max_tokens,
        )

    def losses(self, batch: Batch) -> Losses:
        targets = {name: over_batch(target.value, target.rows, len(batch)) for name, target in batch.targets.items()}
        outputs, losses = self._called(batch, targets)
        return Losses(
            {
                name: self._own_loss(name, losses[name], target, len(batch))
                if name in losses
                else self._default_loss(name, outputs, target)
                for name, target in batch.targets.items()
            }
        )

    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        with torch.no_grad():
            outputs, _ = self._called(batch, dict.fromkeys(batch.targets))
        return {
            name: self._predictions(name, self._output(name, outputs), target.rows)
            for name, target in batch.targets.items()
        }

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        children = dict(self.module.named_children())
        if unknown := sorted(set(self.config.shared) - set(children)):
            raise ConfigError(f"motet.wrap_model: shared: got {unknown}; want children of it: {sorted(children)}")
        names = self.config.shared or [name for name, child in children.items() if not self._is_of_a_task(name, child)]
        return trained_blocks({name: [children[name]] for name in names})

    def _is_of_a_task(self, name: str, child: nn.Module) -> bool:
        """Checks whether a task's name is in the name of a child or of one of its parameters."""
        words = {name, *(part for path, _ in child.named_parameters() for part in path.split("."))}
        return bool(words & set(self.tasks))

    def _called(self, batch: Batch, targets: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        found = self.module(dict(batch.inputs), dict(targets))
        if not isinstance(found, Mapping) or not isinstance(found.get("outputs", {}), Mapping):
            raise ConfigError(f"{_FORWARD}: got a {type(found).__name__}; {_WANT}")
        if unknown := sorted(set(found) - {"outputs", "losses"}):
            raise ConfigError(f"{_FORWARD}: got the keys {unknown}; {_WANT}")
        return found.get("outputs", {}), found.get("losses", {}) or {}

    def _output(self, name: str, outputs: Mapping[str, Any]) -> Any:
        if name not in outputs:
            raise ConfigError(f"{_FORWARD}: outputs: got {sorted(outputs)}; want task {name!r} among them")
        return outputs[name]

    def _scores(self, name: str, output: Any) -> Tensor:
        target = self.tasks[name].target
        wanted = [len(target.names)] if isinstance(target, Label | Answer) else []
        shape = list(output.shape[1:]) if isinstance(output, Tensor) else None
        if shape != wanted:
            got = f"a tensor {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
            want = ", ".join(["b", *map(str, wanted)])
            raise ConfigError(f"{_FORWARD}: outputs: task {name!r}: got {got}; want a tensor ({want})")
        return output  # type: ignore[no-any-return]  # a tensor, as just checked

    def _own_loss(self, name: str, loss: Any, target: Target, count: int) -> Loss:
        rows = len(target.rows)
        if not isinstance(loss, Tensor) or loss.shape not in (torch.Size([]), torch.Size([count])):
            got = f"a tensor {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise ConfigError(
                f"{_FORWARD}: losses: task {name!r}: got {got}; want a mean (), or a number per row ({count},)"
            )
        total = loss * rows if loss.ndim == 0 else loss[target.rows].sum()
        return Loss(total, torch.tensor(float(rows), device=total.device))

    def _default_loss(self, name: str, outputs: Mapping[str, Any], target: Target) -> Loss:
        task = self.tasks[name]
        if isinstance(task.target, Text):
            raise ConfigError(f"{_FORWARD}: losses: got none for task {name!r}; a Text has no usual loss")
        scores = self._scores(name, self._output(name, outputs))
        return (task.loss or default_for(task.target))(scores[target.rows], target.value)

    def _predictions(self, name: str, output: Any, rows: Tensor) -> list[Prediction]:
        target = self.tasks[name].target
        if isinstance(target, Text):
            if not isinstance(output, list | tuple) or not all(isinstance(text, str) for text in output):
                got = f"a {type(output).__name__}"
                raise ConfigError(f"{_FORWARD}: outputs: task {name!r}: got {got}; want a list of texts")
            return [TextPrediction(output[row]) for row in rows.tolist()]
        scores = self._scores(name, output)[rows].float().cpu()
        if isinstance(target, Score):
            return [ScalarPrediction(float(value)) for value in scores]
        assert isinstance(target, Label | Answer)  # checked when the system was built
        best = scores.argmax(-1).tolist()
        return [
            ClassPrediction(index, target.names[index], tuple(row))
            for index, row in zip(best, scores.tolist(), strict=True)
        ]
