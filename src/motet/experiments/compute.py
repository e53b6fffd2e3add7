"""The compute of a run, counted in floating-point operations, and the baseline that takes as much."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch.utils.flop_counter import FlopCounterMode

from motet.core import ConfigError
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.data.schedules import Exactly
from motet.experiments.single_task import rows_and_form, single_task
from motet.training.estimate import ImageEncoding
from motet.training.initial_weights import initial_system
from motet.training.optim import set_lr
from motet.training.run import Run
from motet.training.step import TrainStep
from motet.training.text_encoding import encode_texts_aside


def steps_of_equal_compute(
    run: Run, task: str, *, samples_seen: Mapping[str, int] | None = None, device: torch.device | str = "cpu"
) -> int:
    """Returns the steps in which a task's baseline takes as much compute as the whole multi-task run.

    The question it answers: spent on this task alone, what would the compute of the multi-task run have reached? It is
    the generous baseline. With the task's own share of that compute a baseline would take about as many rows as the
    run, which is the budget "rows".

    Args:
        run: the multi-task run.
        task: the task.
        samples_seen: samples by source that the run took, if known.
        device: that the operations are counted on.
    """
    single_run = single_task(run, task, samples_seen=samples_seen)
    own = count_flops(single_run, device=device)
    if not own:
        raise ConfigError(
            f"baseline: task {task!r}: got a training step without a countable operation; want --match rows"
        )
    return max(1, round(single_run.train.steps * count_flops(run, samples_seen=samples_seen, device=device) / own))


def count_flops(run: Run, *, samples_seen: Mapping[str, int] | None = None, device: torch.device | str = "cpu") -> int:
    """Counts the floating-point operations of a run's updates, forward and backward.

    One update of each source is counted (`torch.utils.flop_counter`: matrix products, convolutions, attention) and
    multiplied by the rows that the run takes of it. Features that are stored once, evaluation and the optimiser's own
    sums are left out, on both sides of a comparison.

    Args:
        run: not trained, and nothing is written.
        samples_seen: samples by source that the run took, if known.
        device: of the updates.
    """
    rows, form = rows_and_form(run, samples_seen)
    system, _ = initial_system(run, torch.device(device))
    if run.stores_features:
        system.processor = system.processor.with_features(ImageEncoding(system))
    encode_texts_aside(run, system)
    config = dataclasses.replace(run.train, compile=False)
    optimizer = config.optimizer.build(system.parameter_groups(), lr=config.lr, weight_decay=config.weight_decay)
    update = TrainStep(system, optimizer, run.balancer.start(system), config, torch.device(device))
    set_lr(optimizer, 0.0)  # the weights do not change
    system.train()
    total = 0.0
    for source in run.of_role("train"):
        if not rows.get(source.name):
            continue
        size = min(form.batch_sizes[source.name], rows[source.name])
        schedule = Exactly(rows={source.name: size}, batch_size=size).bind((source,), seed=config.seed)
        loader = Loader(
            Mixture((source,), schedule, config.seed),
            system.processor,
            parts=config.micro_batches,
            on_bad_row=config.on_bad_row,
        )
        ready = next(iter(loader.segment(0, 1)))
        with FlopCounterMode(display=False) as counter:
            update.update(0, 0, [part for batch in ready.batches for part in batch], False)
        total += counter.get_total_flops() * rows[source.name] / size
    return round(total)
