"""Rows of published heads, matched with the classes of a task by the meaning of their names, never by their places."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from motet.core import CheckpointError, ConfigError

UNUSED = "N/A"
"""The name of a published row that no class has, as in COCO's list of 91."""


def rows_of(published: Sequence[str], wanted: Sequence[str], *, where: str) -> list[int]:
    """Returns the published row of each wanted class.

    Args:
        published: names in the order of the published rows.
        wanted: names of the task's classes.
        where: head and task, for errors.

    Raises:
        ConfigError: a published name twice, or a class that the head lacks.

    Examples:
        >>> rows_of(("contradiction", "neutral", "entailment"), ("Entailment", "neutral"), where="snli")
        [2, 1]
    """
    meanings = [meaning(name) for name in published]
    used = [name for name in meanings if name != meaning(UNUSED)]
    if len(set(used)) < len(used):
        twice = next(name for name in used if used.count(name) > 1)
        raise ConfigError(f"{where}: names: got {twice!r} more than once; want each name once")
    places = {name: row for row, name in enumerate(meanings)}
    if missing := [name for name in wanted if meaning(name) not in places]:
        known = ", ".join(map(repr, list(published)[:5]))
        raise ConfigError(
            f"{where}: got {len(missing)} of {len(wanted)} names that the published head lacks, such as "
            f"{missing[0]!r}; want a task with its names ({known}{', ...' if len(published) > 5 else ''})"
        )
    return [places[meaning(name)] for name in wanted]


def taken(value: Tensor, rows: Sequence[int], published: int, *, name: str, extra: int = 0) -> Tensor:
    """Returns the rows of a published weight in the order of a task's classes.

    Args:
        value: one row per published name, and `extra` more.
        rows: see `rows_of`.
        published: number of published names.
        name: of the weight, for the error.
        extra: rows behind those of the names, which stay last ("no object").

    Raises:
        CheckpointError: another number of rows.
    """
    if len(value) != published + extra:
        more = f" and {extra} more" if extra else ""
        raise CheckpointError(f"{name}: got {len(value)} rows; want {published + extra}, one per published name{more}")
    return value[torch.tensor([*rows, *range(published, published + extra)])]


def meaning(name: str) -> str:
    """Returns a name without its case and spacing; "not_entailment" and "not entailment" mean the same.

    Examples:
        >>> meaning("Traffic  light") == meaning("traffic_light")
        True
    """
    return " ".join(name.replace("_", " ").casefold().split())
