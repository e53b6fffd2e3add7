"""Places for the runs of a grid: this process, several on this machine, one of many shares, a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.stop import is_stopping

if TYPE_CHECKING:
    from motet.experiments.run_grid import Cell, Place, RunGrid, Stopping

On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="WHERE",
        help="where the runs go: local:2 (two at a time), ray or ray:ADDRESS, slurm (this task's share of a job)",
    ),
]
Part = Annotated[
    str,
    typer.Option(
        "--part",
        metavar="I/N",
        help="begin with share I of N; the same command elsewhere, in the same folder, does the rest",
    ),
]
Only = Annotated[str, typer.Option("--only", hidden=True)]

_NOT_OF_A_CELL = {"on", "part", "only", "json"}


def place_of(context: typer.Context, on: str, part: str, *, default: Place) -> Place:
    """Returns the place that --on or --part names.

    Args:
        context: of the command, whose command line is that of each run too.
        on: as typed.
        part: as typed.
        default: where neither is given.

    Raises:
        ConfigError: another place, both options, or no such share.
    """
    from motet.core.errors import ConfigError

    if on and part:
        raise ConfigError(f"got --on {on} and --part {part}; want one of them")
    words = command_line(context)
    if part:
        return Share(words, *_fraction("--part", part))
    kind, _, value = on.partition(":")
    match kind:
        case "":
            return default
        case "local" if not value or (value.isdecimal() and int(value) > 0):
            return Local(words, int(value or 1))
        case "slurm" if not value:
            return Share(words, *slurm_share(os.environ))
        case "ray":
            from motet.cli.ray_place import RayCluster

            return RayCluster(words, value or "auto")
    raise ConfigError(f"--on: got {on!r}; want local:N, slurm, ray or ray:ADDRESS")


@dataclass(frozen=True)
class Local:
    """Processes on this machine, which share its cores, and of which each has one of its GPUs.

    Args:
        words: the command line of the grid, after ``motet``.
        jobs: runs at the same time.
    """

    words: tuple[str, ...]
    jobs: int = 1
    shared = False

    @property
    def width(self) -> int:
        """The number of processes."""
        return self.jobs

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Runs the cells, and waits for those that other processes have."""
        from motet.experiments.run_grid import work_off

        work_off(grid, self._run_one, jobs=self.jobs, stopping=is_stopping, log=log)

    def _run_one(self, grid: RunGrid, cell: Cell, job: int, stopping: Stopping) -> str:
        from motet.cli.subprocesses import run_cell_process

        return run_cell_process(grid, cell, self.words, stopping=stopping, **_own_share(self.words, job, self.jobs))


@dataclass(frozen=True)
class Share:
    """One of several processes, on any machines, that work in one folder: a Slurm array's task, or one started by hand.

    It begins with its share of the cells, then takes what is left or what a dead process has left behind, and ends
    when the whole grid has.

    Args:
        words: the command line of the grid, after ``motet``.
        number: of this share, from 1.
        count: of shares.
    """

    words: tuple[str, ...]
    number: int
    count: int
    shared = True

    @property
    def width(self) -> int:
        """The number of shares."""
        return self.count

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Runs cells one after the other until all have ended, here or elsewhere."""
        from motet.experiments.run_grid import work_off

        start = (self.number - 1) / self.count
        work_off(grid, self._run_one, start=start, stopping=is_stopping, log=log)

    def _run_one(self, grid: RunGrid, cell: Cell, job: int, stopping: Stopping) -> str:
        from motet.cli.subprocesses import run_cell_process

        del job
        return run_cell_process(grid, cell, self.words, stopping=stopping)


def command_line(context: typer.Context) -> tuple[str, ...]:
    """Returns the words after ``motet`` that give a command all its values again, without --on, --part and --json."""
    names: list[str] = []
    at: Any = context  # the parents are of another class, which typer does not name
    while at.parent is not None:
        names.insert(0, str(at.info_name))
        at = at.parent
    options: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if value is None or parameter.name in _NOT_OF_A_CELL:
            continue
        values = list(value) if isinstance(value, list | tuple) else [value]
        if parameter.param_type_name == "argument":
            arguments += map(str, values)
        elif isinstance(value, bool):
            options += parameter.opts[:1] if value else parameter.secondary_opts[:1]
        else:
            options += [f"{max(parameter.opts, key=len)}={one}" for one in values]
    return (*names, *options, "--", *arguments)


def slurm_share(environment: Mapping[str, str]) -> tuple[int, int]:
    """Returns the number of this task, from 1, and of all tasks: of a Slurm array, of `srun`, or of both.

    Raises:
        ConfigError: no task of Slurm.

    Examples:
        >>> slurm_share({"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_COUNT": "8"})
        (4, 8)
        >>> slurm_share({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"})
        (1, 2)
    """
    from motet.core.errors import ConfigError

    try:
        task, tasks = int(environment.get("SLURM_PROCID", "0")), int(environment.get("SLURM_NTASKS", "1"))
        if "SLURM_ARRAY_TASK_ID" in environment:
            number = int(environment["SLURM_ARRAY_TASK_ID"]) - int(environment.get("SLURM_ARRAY_TASK_MIN", "0"))
            number //= int(environment.get("SLURM_ARRAY_TASK_STEP", "1"))
            task, tasks = number * tasks + task, int(environment["SLURM_ARRAY_TASK_COUNT"]) * tasks
        elif "SLURM_PROCID" not in environment:
            raise KeyError("SLURM_PROCID")
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"--on slurm: got no task of Slurm ({error}); want it inside a job, by srun or sbatch --array; "
            "or --part I/N"
        ) from error
    return task + 1, tasks


def _fraction(option: str, text: str) -> tuple[int, int]:
    from motet.core.errors import ConfigError

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ConfigError(f"{option}: got {text!r}; want I/N, from 1/N to N/N")
    return int(number), int(count)


def _own_share(words: Sequence[str], job: int, jobs: int) -> dict[str, str]:
    """Returns the variables that give one of several runs its cores and its GPU."""
    if jobs == 1:
        return {}
    found = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))}
    gpus = _gpus()
    if len(gpus) > 1 and not any(word.startswith("--device=") for word in words):
        found["CUDA_VISIBLE_DEVICES"] = gpus[job % len(gpus)]
    return found


def _gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [one for one in visible.split(",") if one]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
