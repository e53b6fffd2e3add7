"""Interference measured on saved models of runs: saved task by task, so that it can be resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.analysis.gradients import measurement_mode, trained_blocks
from motet.analysis.interference import Directions, Interference, Probes, directions_of, interference, probes_of
from motet.analysis.interference_measurement import InterferenceSettings
from motet.analysis.leave_one_out import leave_one_out_probes
from motet.analysis.task_batches import TaskBatches
from motet.core import CheckpointError, ConfigError, System, nearest
from motet.core.codec import to_json
from motet.core.model_folder import model_folder, step_folder, steps_in
from motet.data.source import Source
from motet.data.store_filling import FillProgress
from motet.experiments.interference_parts import MeasurementParts, digest_of_model
from motet.training.run import Run
from motet.training.run_training import store_features

Progress = Callable[[int, int], None]
"""A callback with the number of batches that are done, and of all batches."""


def chosen_models(folder: Path, steps: Sequence[int], *, every: bool) -> tuple[tuple[int | None, Path], ...]:
    """Returns the saved models of a run folder with their steps, or the folder itself if it is a saved model.

    Args:
        folder: of a run, or of a saved model.
        steps: of the models; the last one by default.
        every: whether to return all saved models.

    Raises:
        CheckpointError: no saved model, or none of a step.
    """
    last = model_folder(folder)
    there = steps_in(folder)
    if last == folder:
        if steps:
            raise CheckpointError(f"{folder}: got a saved model, which has no steps; want a run for --step {steps[0]}")
        return ((None, folder),)
    for step in steps:
        if step not in there:
            raise CheckpointError(
                f"{folder}: got no saved model of step {step}; want one of {', '.join(map(str, there))} "
                "(train.save_every and train.keep_checkpoints say which are kept)"
            )
    chosen = there if every else tuple(sorted(set(steps))) or there[-1:]
    return tuple((step, step_folder(folder, step)) for step in chosen)


def tasks_of_each(known: Mapping[str, Sequence[str]], requested: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """Returns the tasks of each run that are compared: all of a single run; of several the ones they share.

    Args:
        known: the tasks of every run, by its name.
        requested: only these tasks, of each run those that it has.

    Raises:
        ConfigError: a task that no run has, or a run with fewer than two.
    """
    everywhere = [task for tasks in known.values() for task in tasks]
    for task in requested:
        if task not in everywhere:
            raise ConfigError(
                f"--task: got {task!r}, which is no task of {', '.join(known)}; {nearest(task, everywhere)}"
            )
    found = {}
    for run, tasks in known.items():
        if requested:
            found[run] = tuple(task for task in dict.fromkeys(requested) if task in tasks)
        else:
            found[run] = tuple(task for task in tasks if len(known) == 1 or everywhere.count(task) > 1)
        if len(found[run]) < 2:
            got = ", ".join(found[run]) or "none"
            where = " that another run has too" if len(known) > 1 and not requested else ""
            raise ConfigError(
                f"interference: {run}: got the tasks {got}; want two or more{where} (it has {', '.join(tasks)})"
            )
    return found


def passes(num_tasks: int, settings: InterferenceSettings) -> int:
    """Returns the number of forward and backward passes for one saved model."""
    return 2 * num_tasks * settings.batches


def with_stored_features(run: Run, system: System, tasks: Sequence[str], progress: FillProgress | None = None) -> None:
    """Lets the system's processor read the features that the run stored, of the training images of these tasks."""
    if run.features is None or not run.stores_features:
        return
    sources = [s for s in run.of_role("train") if any(task.name in tasks for task in s.tasks)]
    files = store_features(dataclasses.replace(run, sources=tuple(sources)), system, progress)
    system.processor = system.processor.with_features(files)


def measure(
    system: System,
    sources: Sequence[Source],
    tasks: Sequence[str],
    settings: InterferenceSettings,
    *,
    model: Path,
    folder: Path,
    workers: int = 0,
    skip_bad_rows: bool = False,
    progress: Progress | None = None,
) -> tuple[Interference, tuple[str, ...]]:
    """Measures the interference of some tasks in one saved model, and returns it with remarks for the reader.

    Results of the same model, rows and settings are read from `folder` instead of computed again: of each task its
    direction, then its probes.

    Args:
        system: restored from `model`, on its device.
        sources: of its run.
        tasks: two or more of its tasks.
        settings: of the measurement.
        model: the folder with the weights.
        folder: of the intermediate results.
        workers: loader processes.
        skip_bad_rows: draw another row for one that cannot be read.
        progress: called after every batch.

    Raises:
        ConfigError: a task without a training source, or an unknown block.
        DataError: a row that cannot be read, or a folder that cannot be written.
        MetricError: a gradient that is not finite.
    """
    blocks = trained_blocks(system, settings.blocks)
    batches = {
        task: TaskBatches(
            system,
            sources,
            task,
            batch_size=settings.batch_size,
            seed=settings.seed,
            workers=workers,
            on_bad_row="skip" if skip_bad_rows else "stop",
        )
        for task in tasks
    }
    identity: dict[str, Any] = {
        "weights": digest_of_model(model),
        "system": to_json(system.config),
        "settings": dataclasses.asdict(settings),
        "blocks": {name: [list(p.shape) for p in block] for name, block in blocks.items()},
        "rows": {task: one.fingerprints() for task, one in batches.items()},
    }
    parts = MeasurementParts(folder, identity)
    done, total, count = 0, passes(len(tasks), settings), settings.batches
    if (before := parts.finished()) is not None:
        if progress is not None:
            progress(total, total)
        return before, _notes(batches, before, settings)

    def advance(batches: int = 1) -> None:
        nonlocal done
        done += batches
        if progress is not None:
            progress(done, total)

    with measurement_mode(system, training=settings.training):
        directions: list[Directions] = []
        for task in tasks:
            direction = parts.directions(task, blocks)
            if direction is None:
                drawn = batches[task].take(0, count)
                direction = directions_of(system, task, drawn, blocks, seed=settings.seed, progress=advance)
                parts.save_directions(task, direction)
            else:
                advance(count)
            directions.append(direction)
        probes: list[Probes] = []
        if settings.leave_one_out:
            drawn_again = {task: batches[task].take(0, count) for task in tasks}
            probes = leave_one_out_probes(system, drawn_again, blocks, directions, seed=settings.seed, progress=advance)
        for task in () if settings.leave_one_out else tasks:
            probe = parts.probes(task, blocks)
            if probe is None:
                drawn = batches[task].take(count, 2 * count)
                probe = probes_of(system, task, drawn, blocks, directions, seed=settings.seed, progress=advance)
                parts.save_probes(task, probe)
            else:
                advance(count)
            probes.append(probe)
    found = interference(tasks, directions, probes, seed=settings.seed)
    parts.write_result(found)
    return found, _notes(batches, found, settings)


def _notes(batches: Mapping[str, TaskBatches], found: Interference, settings: InterferenceSettings) -> tuple[str, ...]:
    notes = [
        f"{task}: rows of {source} come {epochs:.1f} times: directions and comparisons share some of them"
        for task, one in batches.items()
        for source, epochs in one.epochs((1 if settings.leave_one_out else 2) * settings.batches).items()
        if epochs > 1
    ]
    for place, task in enumerate(found.tasks):
        if not (none := [block for block in found.blocks if task not in found.touched(block)]):
            few = [b for b, numbers in found.blocks.items() if numbers.counted[place] < settings.batches]
            notes += [f"{task}: fewer than {settings.batches} batches count in {', '.join(few)}"] if few else []
            continue
        notes.append(f"{task}: has no gradient in {', '.join(none)}: no number there")
    return tuple(notes)
