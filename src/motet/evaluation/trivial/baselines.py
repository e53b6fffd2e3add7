"""Adds the trivial baselines, which a score must beat, to a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from motet.core import DataError, Dense, Example, Processor, Reader, Report, System, Task, rng_for
from motet.data.source import Source
from motet.evaluation.readable_rows import check_readable
from motet.evaluation.retrieval import Split, chance_baseline, is_over_split, is_ranked
from motet.evaluation.task_evaluation import Progress, eval_mode, evaluate_rows
from motet.evaluation.trivial.constant_answers import AnnotatedRows, constant_baselines, score
from motet.evaluation.trivial.linear_maps import LinearMapProbe
from motet.evaluation.trivial.linear_probe import LinearProbe
from motet.evaluation.trivial.nearest_neighbour import nearest_neighbour_baseline
from motet.evaluation.trivial.pretrained_features import PretrainedFeatures
from motet.evaluation.trivial.shuffled_images import ShuffledImages

MAX_MAPS = 100
"""Rows with maps that trivial baselines read at most, since a map may have millions of numbers."""


def with_trivial_baselines(
    report: Report,
    system: System,
    train: Sequence[Source],
    held_out: Sequence[Source],
    *,
    batch_size: int,
    max_train: int = 2_000,
    max_rows: int = 500,
    workers: int = 0,
    seed: int = 0,
    on_bad_row: Literal["stop", "skip"] = "stop",
    progress: Progress | None = None,
) -> Report:
    """Returns the report with the trivial baselines of every task's main metric, and a note on their numbers of rows.

    "majority", "question majority", "constant": see `constant_baselines`; their predictions come from the training
    sources only. "nearest neighbour": see `nearest_neighbour_baseline`. "linear probe": see `LinearProbe`, and for maps
    `LinearMapProbe`. "image shuffled": the system itself with images of other rows: its score from the question and its
    priors alone.

    Args:
        report: of `evaluate` on `held_out`.
        system: the evaluated system.
        train: training sources.
        held_out: the evaluated sources.
        batch_size: rows per batch on each rank.
        max_train: training rows per task at most.
        max_rows: held-out rows per task at most.
        workers: number of loader processes.
        seed: of the choice of rows and of the shuffle.
        on_bad_row: "skip" leaves out a training row that cannot be read; see `without_bad_rows` for the held-out ones.
        progress: called after every batch.
    """
    baselines: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    features = PretrainedFeatures(system, batch_size)
    with eval_mode(system):
        for name in dict.fromkeys(result.task for result in report.results if result.main):
            source = next(source for source in held_out if source.name == report.main(name).source)
            task = next(task for task in source.tasks if task.name == name)
            if is_over_split(task) and not is_ranked(task, source.reader):
                # The right candidate has a fixed place there, which a constant answer would know.
                counts = [len(source.reader[row].candidates) for row in range(min(len(source.reader), max_rows))]
                baselines[name] = {"chance": 100.0 * sum(1 / max(count, 1) for count in counts) / len(counts)}
                continue
            if is_ranked(task, source.reader):
                # All rows are ranked, since a subset would be easier.
                split = Split.of(source.reader, task, range(len(source.reader)), source.name)
                baselines[name] = chance_baseline(task, split, seed=seed)
                continue
            most_train, most_rows = (
                (min(max_train, MAX_MAPS), min(max_rows, MAX_MAPS))
                if isinstance(task.target, Dense)
                else (max_train, max_rows)
            )
            places = _choose_rows(len(source.reader), most_rows, seed, source.name)
            checked = system.processor if on_bad_row == "skip" else None
            known = training_rows(train, task, most_train, seed, checked)
            rows = _held_out_rows(source.reader, task, places)
            baselines[name] = {
                **constant_baselines(task, known, rows, seed=seed),
                **nearest_neighbour_baseline(features, task, known, rows),
                **_shuffled_baseline(system, source, task, places, batch_size, workers, seed, progress),
            }
            notes.append(
                f"trivial baselines of {name}: evaluated on {len(rows)} of {len(source.reader)} rows, "
                f"predictions from {len(known)} training rows"
            )
            probe = _linear_probe(features, task, known, train, seed, checked) if rows else None
            if probe is not None:
                predictions = probe.predict([example for example, _ in rows])
                baselines[name]["linear probe"] = score(task, rows, predictions)
                notes.append(probe.about)
    notes += [f"trivial baselines without pretrained features: {failure}" for failure in features.failures]
    return dataclasses.replace(report, trivial_baselines=baselines, notes=(*report.notes, *notes))


def _linear_probe(
    features: PretrainedFeatures,
    task: Task,
    known: AnnotatedRows,
    train: Sequence[Source],
    seed: int,
    checked: Processor | None,
) -> LinearProbe | LinearMapProbe | None:
    """Fits the linear probe of a task; that of maps reads more images than other baselines, some places of each."""
    if not isinstance(task.target, Dense):
        return LinearProbe.fit(features, task, known, seed=seed)
    if features.system.pretrained_map() is None:
        return None
    rows = training_rows(train, task, LinearMapProbe.MAX_IMAGES, seed, checked)
    return LinearMapProbe.fit(features.system, task, rows, seed=seed)


def _shuffled_baseline(
    system: System,
    source: Source,
    task: Task,
    places: Sequence[int],
    batch_size: int,
    workers: int,
    seed: int,
    progress: Progress | None,
) -> dict[str, float]:
    map_label = task.label if isinstance(task.target, Dense) else ""
    if map_label:
        places = [place for place in places if map_label in source.reader[place].labels]
    reader = (
        ShuffledImages.of(source.reader, places, seed=seed, map_label=map_label) if "image" in task.inputs else None
    )
    if reader is None:
        return {}
    (evaluated,) = evaluate_rows(
        system,
        f"{source.name} (images shuffled)",
        reader,
        [task],
        range(len(reader)),
        batch_size=batch_size,
        workers=workers,
        progress=progress,
    )
    return {"image shuffled": evaluated.metrics[0].compute()} if evaluated.images else {}


def _choose_rows(count: int, most: int, seed: int, name: str) -> list[int]:
    """Returns at most `most` row indices, ascending; the same for every system, so that baselines can be compared."""
    if count <= most:
        return list(range(count))
    return sorted(rng_for("floor rows", seed, name).choice(count, size=most, replace=False).tolist())


def training_rows(
    train: Sequence[Source], task: Task, most: int, seed: int, checked: Processor | None
) -> AnnotatedRows:
    """Returns training rows of a task, from every source that has it; with a processor only those it can encode."""
    sources = [source for source in train if any(own.name == task.name for own in source.tasks)]
    rows: list[tuple[Example, Any]] = []
    for source in sources:
        for place in _choose_rows(len(source.reader), -(-most // len(sources)), seed, source.name):
            try:
                example = (
                    source.reader[place]
                    if source.compose is None
                    else source.compose(source.reader, place, rng_for("floor compose", seed, source.name, place))
                )
                if checked is not None and task.label in example.labels:
                    check_readable(example, (task,), checked)
            except DataError:
                if checked is None:
                    raise
                continue
            if task.label in example.labels:
                rows.append((example, task.annotation_of(example)))
    return rows


def _held_out_rows(reader: Reader, task: Task, places: Sequence[int]) -> AnnotatedRows:
    examples = [reader[place] for place in places]
    return [(example, task.annotation_of(example)) for example in examples if task.label in example.labels]
