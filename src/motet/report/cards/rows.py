"""The rows of a run that cards are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from motet.core import DataError, Example, Result, Task
from motet.data.source import Source
from motet.report.runs import RunRecord


def evaluated_tasks(sources: Sequence[Source], run: RunRecord) -> Iterator[tuple[Result, Source, Task]]:
    """Yields each task with its main result and the source that the result is of."""
    by_name = {source.name: source for source in sources}
    for result in run.report.results:
        source = by_name.get(result.source)
        task = next((task for task in source.tasks if task.name == result.task), None) if source else None
        if result.main and source is not None and task is not None:
            yield result, source, task


def evenly_spaced(source: Source, most: int) -> Iterator[Example]:
    """Yields at most so many rows of a source, evenly spaced over it. Raises DataError where one cannot be read."""
    return (source.reader[place] for place in spaced_places(len(source.reader), most))


def readable_evenly_spaced(source: Source, most: int) -> Iterator[Example]:
    """Yields the same without the rows that cannot be read."""
    for place in spaced_places(len(source.reader), most):
        try:
            yield source.reader[place]
        except DataError:
            continue  # it was counted in training or in the evaluation


def spaced_places(count: int, most: int) -> list[int]:
    """Returns at most so many places of `count`, evenly spaced, the first among them.

    Examples:
        >>> spaced_places(10, 4), spaced_places(2, 4), spaced_places(0, 4)
        ([0, 2, 5, 7], [0, 1], [])
    """
    chosen = min(count, most)
    return [number * count // chosen for number in range(chosen)]
