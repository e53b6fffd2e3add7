"""`analyse groups --from-run`: which tasks to train together, from one training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from motet.cli.console import print_json, print_lines, table


def groups_from_run(
    run_folder: Path,
    *,
    named: Mapping[str, Sequence[str]],
    every: int,
    models: int | None,
    lookahead: float | None,
    grid: Path | None,
    folder: Path | None,
    settings: list[str] | None,
    device: str | None,
    trust: list[str] | None,
    data: list[str] | None,
    json: bool,
) -> None:
    """Trains a run anew with affinities measured in it, and prints and writes the groups that they suggest.

    Args:
        run_folder: of the run.
        named: groups and their tasks; each task by itself if there are none.
        every: updates between measurements.
        models: the largest number of groups; half the tasks by default.
        lookahead: length of the step ahead; the run's learning rate by default.
        grid: the folder that `analyse groups RECIPE` wrote, to compare with.
        folder: gets the files; beside the run by default.
        settings: of the command line.
        device: of the training.
        trust: as typed.
        data: as typed.
        json: print JSON.
    """
    from motet.analysis.task_affinity import best_partition, compare_with_grid
    from motet.cli.options import run_of
    from motet.experiments.group_grid import groups_of
    from motet.experiments.task_affinity import (
        FOLDER,
        affinity_of,
        grid_steps,
        measured_run,
        measured_steps,
        saved_changes,
    )
    from motet.report.pages.task_affinity import affinity_to_json, grid_lines, write_task_affinity
    from motet.training.run_training import run_training

    run = run_of(run_folder, settings, trust=trust, data=data)
    changes, groups, seeds = saved_changes(grid) if grid is not None else (None, dict(named), 3)
    groups = groups_of(run, groups or {task.name: (task.name,) for task in run.tasks})
    place = folder or run_folder.with_name(f"{run_folder.name}-affinity")
    measured = measured_run(run, every=every, lr=lookahead)
    run_training(measured, place / FOLDER, resume=True, device=device, baselines=False, show=not json)
    by_task = affinity_of(place / FOLDER, [task.name for task in run.tasks])
    found = by_task.of_groups(groups)
    suggested = best_partition(found, models or max(1, (len(groups) + 1) // 2))
    comparison = None if changes is None else compare_with_grid(found, changes)
    steps = {
        "this run, measured": measured_steps(by_task, measured),
        f"the grid of pairs, {seeds} {'seed' if seeds == 1 else 'seeds'}": float(grid_steps(run, groups, seeds=seeds)),
    }
    files = write_task_affinity(place, found, suggested, groups, steps=steps, grid=comparison)
    if json:
        content = affinity_to_json(found, suggested, groups, steps=steps, grid=comparison)
        print_json({**content, "files": [str(path) for path in files]})
        return
    rows = [(name, *(f"{100 * value:+.3f}" for value in found.affinity[i])) for i, name in enumerate(found.names)]
    table(
        ("a step for", *found.names),
        rows,
        title="by how many % the loss of the column's task falls",
        numbers=range(1, len(found.names) + 1),
    )
    costs = (f"{name}: {cost:,.0f} training steps" for name, cost in steps.items())
    print_lines(*suggested.reasons, *costs, *(line.strip() for line in grid_lines(comparison)))
    print_lines(f"wrote {', '.join(map(str, files))}")
