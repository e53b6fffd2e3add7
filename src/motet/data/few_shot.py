"""A small part of a data set, with some rows of every class: what prompts are tuned on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from typing import Any

from motet.core import Answer, ConfigError, Label, Reader, Task, rng_for
from motet.data.splits import Subset


def few_shot(reader: Reader, task: Task, share: float = 0.01, *, least: int = 5, seed: int = 0) -> Subset:
    """So large a share of the rows of every class, and never fewer than `least` of each; no image is decoded.

    Tasks without classes give such a share of all rows. Of a closed `Answer` the commonest of a row's answers is its
    class.

    Source: Uni-Perceiver-MoE, section 4.4, tunes prompts on 1 % of a data set; that no class goes without is ours.

    Args:
        reader: training rows.
        task: whose truth says the class.
        share: from 0 to 1.
        least: rows of a class, at least.
        seed: of the choice.

    Raises:
        ConfigError: a share outside its range, or a class with fewer rows than that.

    Examples:
        >>> from motet.core import Example
        >>> from motet.tasks import classification
        >>> rows = [Example(id=str(i), labels={"class": i % 2}) for i in range(20)]
        >>> few = few_shot(rows, classification("pets", ("cat", "dog")), least=3)
        >>> sorted(few[i].labels["class"] for i in range(len(few)))
        [0, 0, 0, 1, 1, 1]
    """
    if not 0 < share <= 1 or least < 1:
        raise ConfigError(f"few_shot: got a share of {share}, at least {least} rows; want above 0 to 1, and 1 or more")
    rows_of: dict[Hashable, list[int]] = {}
    for row in range(len(reader)):
        rows_of.setdefault(_class_of(reader, row, task), []).append(row)
    named: dict[Hashable, str] = {}
    if isinstance(task.target, Label):
        named = dict(enumerate(task.target.names))
        rows_of = {place: rows_of.get(place, []) for place in named}
    chosen: list[int] = []
    for kind, rows in rows_of.items():
        if len(rows) < least:
            raise ConfigError(
                f"few_shot: task {task.name!r}: {named.get(kind, kind)!r}: got {len(rows)} rows; want at least {least}"
            )
        wanted = max(least, math.ceil(share * len(rows)))
        drawn = rng_for("few", seed, task.name, str(kind)).choice(len(rows), size=min(wanted, len(rows)), replace=False)
        chosen += [rows[place] for place in drawn.tolist()]
    return Subset(reader, tuple(sorted(chosen)))


def _class_of(reader: Reader, row: int, task: Task) -> Hashable:
    if not isinstance(task.target, Label | Answer):
        return "all rows"
    annotation: Any = task.annotation_of(reader[row])
    if isinstance(task.target, Label):
        return int(annotation)
    return annotation if isinstance(annotation, str) else Counter(annotation).most_common(1)[0][0]
