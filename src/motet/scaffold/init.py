"""`motet init`: writes a recipe, ready to run and easy to edit, for the data sets detected in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import ConfigError, DataError
from motet.core.printable import one_line
from motet.core.whole_files import write_whole
from motet.data.detect import FolderContents, inspect_folder
from motet.data.source import Source
from motet.scaffold.assign import assign
from motet.scaffold.plan_tasks import plan_tasks
from motet.scaffold.recipe_plan import plan_recipe
from motet.scaffold.recipe_text import recipe_text
from motet.scaffold.task_plan import TaskPlan

_MOST_LINES = 20


@dataclass(frozen=True)
class InitResult:
    """Result of `motet init`.

    Args:
        path: of the recipe.
        lines: one line per detected split, and per file that is not read.
        runs: the functions of the recipe, one per model.
        text: returns the recipe, with other steps of some of the functions.
    """

    path: Path
    lines: tuple[str, ...]
    runs: tuple[str, ...]
    text: Callable[[Mapping[str, int]], str]

    def write(self, steps: Mapping[str, int]) -> None:
        """Writes the recipe. Raises ConfigError for a file that cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, self.text(steps).encode())
        except OSError as error:
            got = error.strerror or error
            raise ConfigError(f"{self.path}: got {got}; want a file that can be written (--out)") from error


@dataclass(frozen=True)
class FolderData:
    """The data of a folder, as the recipe that `write_recipe` writes reads it.

    Args:
        sources: for training, validation and test.
        left_out: one line per file or folder that resembles a known format, but is not read.
        notes: one line per other file or folder that is not read, or not as it may be meant.
    """

    sources: tuple[Source, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that is not read, for people."""
        return (*(f"left out: {line}" for line in self.left_out), *(f"note: {line}" for line in self.notes))


class NothingToRead(DataError):
    """A folder without data that a reader reads.

    Args:
        folder: that was inspected.
        summary: what is in it.
        lines: one per file or folder, with what keeps it from being read.
    """

    def __init__(self, folder: Path, summary: str, lines: Sequence[str]) -> None:
        self.folder, self.summary, self.lines = folder, summary, tuple(lines)
        more = f"; and {len(lines) - 1} more" if len(lines) > 1 else ""
        hint = f"; {lines[0]}{more}" if lines else ""
        want = "want data in a known layout (docs/DATA.md)"
        super().__init__(f"folder: got nothing to train on ({summary}{hint}); {want}", path=folder)

    def __reduce__(self) -> tuple[object, ...]:
        return NothingToRead, (self.folder, self.summary, self.lines)


def write_recipe(folder: Path, path: Path, *, replace: bool = False, class_level: int | None = None) -> InitResult:
    """Detects the data sets in a folder and writes a recipe for them.

    Args:
        folder: of the data.
        path: the Python file to write.
        replace: whether an existing file may be overwritten.
        class_level: how many folders below `folder` the class folders of images are; None to find out.

    Raises:
        DataError: no such folder.
        NothingToRead: no data in it to train on.
        ConfigError: the file exists already, or has no name of a Python file.
    """
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ConfigError(f"--out: got {path}; want a Python file, such as my_recipe.py")
    if path.exists() and not replace:
        raise ConfigError(f"{path}: got a file that exists already; want another --out, or --force to replace it")
    contents, tasks = _tasks_in(folder, class_level)
    plan = plan_recipe(tasks)
    lines = (one_line(line) for line in _summary_lines(contents, tasks))
    result = InitResult(path, tuple(lines), tuple(assign(tasks)), lambda steps: recipe_text(plan, folder, path, steps))
    result.write({})
    return result


def read_folder(folder: Path) -> FolderData:
    """Returns the data of a folder, and what is not read.

    Raises:
        DataError: no such folder.
        NothingToRead: nothing in it that can be trained on.
    """
    contents, tasks = _tasks_in(folder)
    return FolderData(plan_recipe(tasks).build_sources(), _left_out(contents), _notes(contents))


def sources_in(folder: Path) -> tuple[Source, ...]:
    """Returns the sources of the recipe that `write_recipe` would write, without writing it; see `read_folder`."""
    return read_folder(folder).sources


def _left_out(contents: FolderContents) -> tuple[str, ...]:
    problems = [problem for one in contents.datasets for problem in one.problems]
    near = [str(miss) for miss in contents.near_misses if miss.format]
    return _lines([*problems, *near])


def _notes(contents: FolderContents) -> tuple[str, ...]:
    return _lines([str(miss) for miss in contents.near_misses if not miss.format])


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    """Returns the different texts as lines; of many the first."""
    lines = list(dict.fromkeys(map(one_line, texts)))
    return (*lines[:_MOST_LINES], *([f"... and {len(lines) - _MOST_LINES:,} more"] if len(lines) > _MOST_LINES else []))


def _tasks_in(folder: Path, class_level: int | None = None) -> tuple[FolderContents, tuple[TaskPlan, ...]]:
    contents = inspect_folder(folder, class_level=class_level)
    tasks = plan_tasks(contents.datasets)
    if not tasks:
        raise NothingToRead(folder, contents.summary, (*_left_out(contents), *_notes(contents)))
    return contents, tasks


def _summary_lines(contents: FolderContents, tasks: Sequence[TaskPlan]) -> Iterator[str]:
    for task in tasks:
        for one in task.parts:
            yield f"{task.name}: {one.rows:,} rows{f' ({one.split})' if one.split else ''}: {one.evidence}"
    models = assign(tasks)
    if len(models) > 1:
        models_text = "; ".join(
            f"{name}, {suggestion.about}, for {', '.join(task.name for task in of)}"
            for name, (suggestion, of) in models.items()
        )
        yield f"{len(models)} models, since no system supports all tasks: {models_text}"
    yield from FolderData((), _left_out(contents), _notes(contents)).lines
