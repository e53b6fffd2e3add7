"""Few-shot subsets: a small share of a data set with rows of every class, as prompt tuning uses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from typing import Any, Literal

from motet.core import Answer, ConfigError, DataError, Label, Reader, Task, rng_for
from motet.data.formats.deferred import capture, unwrap
from motet.data.splits import Subset


def few_shot(
    reader: Reader,
    task: Task,
    fraction: float = 0.01,
    *,
    min_per_class: int = 5,
    seed: int = 0,
    on_bad_row: Literal["stop", "skip"] = "stop",
) -> Subset:
    """Draws a share of the rows of every class, at least `min_per_class` of each; no image is decoded.

    A class of n rows keeps max(`min_per_class`, ceil(`fraction` * n)) of them. For a task without classes all rows
    count as one class. With an `Answer` the class of a row is its most frequent answer.

    Source: Zhu et al., "Uni-Perceiver-MoE", section 4.4, tunes prompts on 1 % of a data set; the minimum per class is
    ours.

    Args:
        reader: training rows.
        task: its annotation gives the class of a row.
        fraction: above 0, up to 1.
        min_per_class: rows per class, at least.
        seed: of the draw.
        on_bad_row: "skip" draws from the rows that can be read.

    Raises:
        ConfigError: a number outside its range, or a class with fewer rows than `min_per_class`.
        DataError: a row that cannot be read, with "stop".

    Examples:
        >>> from motet.core import Example
        >>> from motet.tasks import classification
        >>> rows = [Example(id=str(i), labels={"class": i % 2}) for i in range(20)]
        >>> few = few_shot(rows, classification("pets", ("cat", "dog")), min_per_class=3)
        >>> sorted(few[i].labels["class"] for i in range(len(few)))
        [0, 0, 0, 1, 1, 1]
    """
    if not 0 < fraction <= 1 or min_per_class < 1:
        raise ConfigError(
            f"few_shot: got fraction {fraction}, min_per_class {min_per_class}; want a fraction above 0 and at most 1, "
            "and at least 1 row per class"
        )
    rows_of: dict[Hashable, list[int]] = {}
    for row in range(len(reader)):
        kind = capture(_class_of, reader, row, task)
        if not isinstance(kind, DataError):
            rows_of.setdefault(kind, []).append(row)
        elif on_bad_row == "stop":
            unwrap(kind)
    class_names: dict[Hashable, str] = {}
    if isinstance(task.target, Label):
        class_names = dict(enumerate(task.target.names))
        rows_of = {index: rows_of.get(index, []) for index in class_names}
    chosen: list[int] = []
    for kind, rows in rows_of.items():
        if len(rows) < min_per_class:
            raise ConfigError(
                f"few_shot: task {task.name!r}: {class_names.get(kind, kind)!r}: got {len(rows)} rows; want at least "
                f"{min_per_class}"
            )
        count = max(min_per_class, math.ceil(fraction * len(rows)))
        rng = rng_for("few", seed, task.name, str(kind))
        drawn = rng.choice(len(rows), size=min(count, len(rows)), replace=False)
        chosen += [rows[place] for place in drawn.tolist()]
    return Subset(reader, tuple(sorted(chosen)))


def _class_of(reader: Reader, row: int, task: Task) -> Hashable:
    if not isinstance(task.target, Label | Answer):
        return "all rows"  # part of the key of the draw
    annotation: Any = task.annotation_of(reader[row])
    if isinstance(task.target, Label):
        return int(annotation)
    return annotation if isinstance(annotation, str) else Counter(annotation).most_common(1)[0][0]
