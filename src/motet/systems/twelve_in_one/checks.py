"""Checks of a configuration against the tasks and the encoders, before anything is built."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import ConfigError, Label, Masked, Task
from motet.systems.twelve_in_one.config import TwelveInOneConfig


def check_names(config: TwelveInOneConfig, tasks: Sequence[Task]) -> None:
    """Raises ConfigError for options that name unknown tasks, or tasks of a kind that they are not for."""
    names = {task.name for task in tasks}
    labels = {task.name for task in tasks if isinstance(task.target, Label)}
    alignment = (config.masking.alignment_task,) if config.masking.alignment_task else ()
    for field, option, known in (
        ("head", config.head, names),
        ("max_tokens_of", config.max_tokens_of, names),
        ("source_of", config.source_of, names),
        ("pairs", config.pairs, labels),
        ("linear", config.linear, labels),
        ("binary", config.binary, labels),
        ("masking.alignment_task", alignment, labels),
    ):
        if unknown := sorted(set(option) - known):
            kind = "tasks" if known is names else "tasks of a Label"
            raise ConfigError(f"TwelveInOneConfig.{field}: got {unknown}; want names of {kind}, of {sorted(known)}")


def check_tokens(config: TwelveInOneConfig, num_positions: int) -> None:
    """Raises ConfigError if texts may be longer than the positions of the text encoder."""
    longest = max([config.max_tokens, *config.max_tokens_of.values()])
    if longest > num_positions:
        raise ConfigError(
            f"TwelveInOneConfig.max_tokens: got texts of {longest} tokens; want at most {num_positions}, the number of "
            "positions of the text encoder"
        )


def check_classes(config: TwelveInOneConfig, tasks: Sequence[Task], num_classes: int) -> None:
    """Raises ConfigError if classes of masked regions are to be predicted and regions have none."""
    if config.masking.target == "classes" and not num_classes:
        for task in tasks:
            if task.target == Masked("regions"):
                raise ConfigError(
                    f"task {task.name!r}: TwelveInOneConfig.masking.target: got 'classes' for regions without classes; "
                    "want 'features', or a source whose detector gives classes"
                )
