"""The option ``--decoding TASK=STRATEGY``: how a trained model makes its answers."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from motet.core import System

Decodings = Annotated[
    list[str] | None,
    typer.Option(
        "--decoding",
        metavar="TASK=STRATEGY",
        help="make a task's answers in another way, e.g. caption='BeamSearch(num_beams=2)' or pet='Scoring()'; "
        "may be repeated",
    ),
]


def decode_as_set(system: System, settings: Sequence[str] | None) -> tuple[str, ...]:
    """Changes the decoding of a loaded system, and returns a line for each change.

    Raises:
        ConfigError: a system without a decoding per task, an unknown task, or a text that is no strategy.
    """
    from motet.config.values import read_text
    from motet.core import ConfigError, nearest
    from motet.core.declared import field_types
    from motet.core.system import HasDecoding

    if not settings:
        return ()
    if not isinstance(system, HasDecoding):
        got = getattr(type(system.config), "name", type(system).__name__)
        raise ConfigError(f"--decoding: got a {got} model, which has none to choose; want one that generates text")
    strategy = typing.get_args(field_types(type(system.config))["decoding"])[1]
    chosen = {}
    for setting in settings:
        task, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(
                f"--decoding: got {setting!r}; want TASK=STRATEGY, e.g. caption='BeamSearch(num_beams=2)'"
            )
        if task not in system.tasks:
            raise ConfigError(f"--decoding: got task {task!r}; {nearest(task, system.tasks)}")
        try:
            chosen[task] = read_text(text, strategy)
        except ConfigError as error:
            raise ConfigError(f"--decoding: {task}: {error}") from error
    system.decode_with(chosen)
    return tuple(f"decoding of {task}: {decoding}" for task, decoding in chosen.items())
