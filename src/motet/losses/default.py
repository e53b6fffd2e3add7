"""Default losses by kind of target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

from torch import Tensor

from motet.core import (
    Answer,
    Boxes,
    ConfigError,
    Dense,
    Label,
    Loss,
    Masked,
    Match,
    Panoptic,
    Region,
    Score,
    TargetSpec,
    Text,
)
from motet.losses.answers import absolute_error, cross_entropy, soft_answers
from motet.losses.dense import dense_cross_entropy, dense_l1, rotate_loss

TaskLoss: TypeAlias = Callable[[Tensor, Any], Loss]

DENSE: Mapping[str, TaskLoss] = {
    "class": dense_cross_entropy,
    "metre": rotate_loss,
    "unit vector": dense_l1,
    "probability": dense_l1,
}
"""Default losses of maps by unit. Source: Bhattacharjee et al. 2023 (arXiv 2308.12372), section 3.3."""


def default_for(spec: TargetSpec) -> TaskLoss:
    """Returns the loss of a task without `Task.loss`.

    Raises:
        ConfigError: a kind of target whose loss belongs to the system, or that has no standard loss.

    Examples:
        >>> default_for(Label(("cat", "dog"))).__name__
        'cross_entropy'
        >>> default_for(Dense(1, "metre")).__name__
        'rotate_loss'
    """
    match spec:
        case Label():
            return cross_entropy
        case Answer():
            return soft_answers
        case Score():
            return absolute_error
        case Dense(unit=unit):
            return DENSE[unit]
        case Text() | Match() | Masked() | Panoptic():
            raise ConfigError(
                f"losses.default_for: got a {type(spec).__name__}, whose loss is in the system's own output space "
                "(tokens, similarities); want a system that computes it itself"
            )
        case Boxes() | Region():
            raise ConfigError(
                f"losses.default_for: got a {type(spec).__name__}, which has no standard loss; want one in Task.loss"
            )
        case _ as never:
            assert_never(never)
