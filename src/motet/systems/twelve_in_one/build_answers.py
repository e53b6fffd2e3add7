"""Chooses the losses and predictions of a task by its target."""

from __future__ import annotations

from functools import partial

from torch import nn

from motet.core import Masked, Match, Region, Task
from motet.systems.twelve_in_one.answers import (
    FusedClassAnswers,
    MatchAnswers,
    PairAnswers,
    PointingAnswers,
    ReferringAnswers,
)
from motet.systems.twelve_in_one.body import Body
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.masked_answers import MaskedRegionAnswers, MaskedWordAnswers
from motet.systems.twelve_in_one.text_inputs import TwelveInOneTextInputs


def build_answers(
    task: Task, config: TwelveInOneConfig, head: nn.Module, body: Body, text_inputs: TwelveInOneTextInputs
) -> PairAnswers:
    """Returns the losses and predictions of a task.

    Args:
        task: a supported one.
        config: options of losses.
        head: the task's head.
        body: has the dropout before heads of regions, and the word embeddings that score masked words.
        text_inputs: decodes token ids.
    """
    match task.target:
        case Match("regions"):
            return PointingAnswers(head, body.dropout)
        case Match():
            return MatchAnswers(head)
        case Region():
            return ReferringAnswers(head, body.dropout, config.referring.threshold, config.referring.border_px)
        case Masked("words"):
            return MaskedWordAnswers(partial(head, table=body.words.words.weight), text_inputs.decode)
        case Masked():
            return MaskedRegionAnswers(head, config.masking.target == "features")
        case _:
            return FusedClassAnswers(task, head, task.name in config.binary)
