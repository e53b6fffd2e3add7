"""Batches of encoded rows with the targets of each task, and losses as sums with weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # tasks and their listing need no torch
    import torch
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True)
class Target:
    """One task's targets over the rows of a batch that have them.

    Args:
        rows: indices of these rows in the batch, ascending.
        value: the encoded target: a tensor with the rows first, or a mapping of such tensors.
        annotations: the raw annotations for metrics, one per row; empty in training.
    """

    rows: Int[Tensor, "r"]
    value: Any
    annotations: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Encoded rows of a system's inputs, and the targets of each task.

    Args:
        ids: the Examples' ids, one per row.
        inputs: tensors with the rows first; pixels or stored features, tokens, ...
        targets: by task name; the same form for one-task batches, mixed rows and rows with many tasks.
    """

    ids: tuple[str, ...]
    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Target]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str) -> Batch:
        """Returns the same batch on another device."""
        return Batch(
            self.ids,
            {name: _to(value, device) for name, value in self.inputs.items()},
            {
                name: Target(target.rows.to(device), _to(target.value, device), target.annotations)
                for name, target in self.targets.items()
            },
        )


def _to(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Mapping):
        return {name: _to(part, device) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_to(part, device) for part in value)
    # Only tensors have it; their class is not imported here.
    return value.to(device, non_blocking=True) if hasattr(value, "to") else value


@dataclass(frozen=True)
class Loss:
    """A summed loss and its weight, so that rows, batches and ranks are added up before anything is divided.

    Args:
        total: the summed loss, differentiable.
        weight: the number of rows, tokens or pixels that the sum is over.
    """

    total: Float[Tensor, ""]
    weight: Float[Tensor, ""]


@dataclass(frozen=True)
class Losses:
    """The losses of one batch by task, and further values for the log.

    Args:
        tasks: the loss of each task; its weight is the number of rows that count.
        aux: values for the log.
        terms: by (task, term), further parts of a task's loss that are means over something other than rows (boxes,
            boxes with attributes). The task's loss is the sum of its own mean and the means of its terms. The names
            are in `System.loss_terms`, since ranks must agree on them without a batch.
    """

    tasks: Mapping[str, Loss]
    aux: Mapping[str, Tensor] = field(default_factory=dict)
    terms: Mapping[tuple[str, str], Loss] = field(default_factory=dict)
