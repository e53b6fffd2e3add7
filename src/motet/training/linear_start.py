"""The start of linear layers: the linear probe of the encoder's features, fitted to training rows before step 0."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from scipy.special import logsumexp
from torch import nn

from motet.core import ClassPrediction, System, rng_for
from motet.core.task import InputKind
from motet.data.source import Source
from motet.evaluation.task_evaluation import eval_mode
from motet.evaluation.trivial.baselines import training_rows
from motet.evaluation.trivial.constant_answers import AnnotatedRows
from motet.evaluation.trivial.linear_fit import LinearLoss
from motet.evaluation.trivial.linear_maps import LinearMapProbe
from motet.evaluation.trivial.linear_probe import MAX_ROWS, LinearProbe, cheap_rows
from motet.evaluation.trivial.pretrained_features import PretrainedFeatures

_FACTORS = tuple(2.0**power for power in range(17))
_ABSENT = 5.0  # log of how much less likely than the mean a class is that has no training row


def start_linear_heads(
    system: System,
    train: Sequence[Source],
    *,
    seed: int,
    skip_bad_rows: bool = False,
    batch_size: int = 64,
    stored: Collection[InputKind] = (),
) -> tuple[str, ...]:
    """Fits the linear heads of a system that are still 0, in place; returns one line per head.

    Heads that were loaded from a checkpoint or from another run are not 0, and stay as they are.

    Args:
        system: with its processor reading stored features, if there are any.
        train: training sources.
        seed: of the choice of rows and folds.
        skip_bad_rows: leave out rows that cannot be read.
        batch_size: rows per batch of the encoder.
        stored: inputs whose features are stored, so that the probe is fitted to all rows that it can be in seconds.
    """
    heads = {name: head for name, head in system.linear_heads().items() if not bool(head.weight.any())}
    features, lines = PretrainedFeatures(system, batch_size), list[str]()
    with eval_mode(system):
        for name, head in heads.items():
            task = system.tasks[name]
            if "text" in task.inputs and not features.has_texts:
                continue  # the probe would read a bag of words
            checked = system.processor if skip_bad_rows else None
            rows = training_rows(train, task, MAX_ROWS, seed, checked)
            most = MAX_ROWS
            if rows and task.inputs <= set(stored):
                most = cheap_rows(features, task, rows[0][0])
                rows = training_rows(train, task, most, seed, checked)
            # In closed form many rows take no longer than some. On SST-2 it had 81.8 % of the dev rows right from all
            # 6,920 training rows, from 4,000 of them 80.5 %, and a logistic regression on these 79.9 %.
            loss: LinearLoss | None = "squared" if len(rows) > MAX_ROWS else None
            probe = LinearProbe.fit(features, task, rows, seed=seed, max_rows=most, loss=loss)
            if probe is None or not _fits(probe, head):
                continue
            factor = 1.0
            if not probe.is_logistic:
                mixed = [rows[place] for place in rng_for("probe halves", seed, name).permutation(len(rows)).tolist()]
                half = LinearProbe.fit(features, task, mixed[::2], seed=seed, max_rows=most, loss="squared")
                factor = 1.0 if half is None else _factor(probe, half, mixed[1::2])
            _set(head, probe, factor)
            lines.append(f"linear head of {name}: starts as the {probe.about}")
    return tuple(lines)


def start_linear_maps(
    system: System, train: Sequence[Source], *, seed: int, skip_bad_rows: bool = False
) -> tuple[str, ...]:
    """Fits the linear layers of maps that are still 0, in place, as `start_linear_heads` does; one line per layer."""
    heads = {name: head for name, head in system.linear_maps().items() if not bool(head.weight.any())}
    lines: list[str] = []
    with eval_mode(system):
        for name, head in heads.items():
            task, checked = system.tasks[name], system.processor if skip_bad_rows else None
            probe = LinearMapProbe.fit(
                system, task, training_rows(train, task, LinearMapProbe.MAX_IMAGES, seed, checked), seed=seed
            )
            if probe is None:
                continue
            weights, bias = probe.model.raw()
            with torch.no_grad():  # of a softmax over no and yes, the logit is that of yes
                head.weight[-weights.shape[1] :] = torch.from_numpy(weights.T).to(head.weight)
                head.bias[-len(bias) :] = torch.from_numpy(bias).to(head.bias)
            lines.append(f"linear map of {name}: starts as the {probe.about}")
    return tuple(lines)


def _fits(probe: LinearProbe, head: nn.Linear) -> bool:
    """Returns whether a head can hold a probe; a head of one or two sentences has the features of one first."""
    return len(probe.model.mean) <= head.in_features and all(isinstance(one, ClassPrediction) for one in probe.outputs)


def _factor(probe: LinearProbe, half: LinearProbe, rows: AnnotatedRows) -> float:
    """Returns the factor that makes a probe's scores the logits of a softmax.

    A ridge regression to one-hot classes has scores from 0 to 1, which as logits would all be about as likely. The
    scores get the spread that fits rows best which another probe, of half of the rows, was not fitted to: on its own
    rows the best spread can be infinite.
    """
    place = {one.index: place for place, one in enumerate(half.outputs) if isinstance(one, ClassPrediction)}
    known = [(example, place[int(annotation)]) for example, annotation in rows if int(annotation) in place]
    if not known:
        return 1.0
    vectors, classes = half.vectors([example for example, _ in known]), [one for _, one in known]
    scores = half.model.scores(vectors)
    spreads = [float(one.model.scores(vectors).std(axis=1).mean()) for one in (half, probe)]

    def loss(factor: float) -> float:
        scaled = scores * factor
        return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(scaled)), classes]).mean())

    return min(_FACTORS, key=loss) * (spreads[0] / spreads[1] if spreads[1] > 0 else 1.0)


def _set(head: nn.Linear, probe: LinearProbe, factor: float) -> None:
    """Sets a head to the probe's scores times a factor; a class without training rows is less likely than the mean."""
    model = probe.model
    classes = [one.index for one in probe.outputs if isinstance(one, ClassPrediction)]
    weights, bias = (factor * part for part in model.raw())
    with torch.no_grad():
        known = head.weight[:, : len(weights)]
        known.copy_(torch.from_numpy(weights.mean(axis=1)).to(known))
        head.bias.fill_(float(bias.mean()) - _ABSENT)
        known[classes] = torch.from_numpy(weights.T).to(known)
        head.bias[classes] = torch.from_numpy(bias).to(head.bias)
