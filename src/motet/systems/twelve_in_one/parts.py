"""The shared body of a configuration, and what is checked before anything is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from motet.core import ConfigError, Label, Masked, Task
from motet.systems.twelve_in_one.body import Body
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.streams import StreamSizes, last_layers


def build_body(config: TwelveInOneConfig, text: Any, max_tokens: int, region_width: int) -> Body:
    """Streams whose words are sized by a BERT.

    Args:
        config: all other sizes.
        text: the configuration of a BERT of transformers.
        max_tokens: the longest text it has positions for.
        region_width: numbers of a region's feature.

    Raises:
        ConfigError: a BERT of another make.
    """
    if text.hidden_act != "gelu":
        raise ConfigError(f"TwelveInOneConfig.text: got a BERT with {text.hidden_act!r}; want one with 'gelu'")
    depth = int(text.num_hidden_layers)
    connections = config.connections
    sizes = StreamSizes(
        text_width=text.hidden_size,
        text_depth=depth,
        text_heads=text.num_attention_heads,
        text_hidden=text.intermediate_size,
        image_width=config.image_width,
        image_depth=config.image_depth,
        image_heads=config.image_heads,
        image_hidden=config.image_hidden,
        co_width=config.co_width,
        co_heads=config.co_heads,
        connections=last_layers(config.image_depth, depth) if connections is None else connections,
    )
    return Body(
        text,
        sizes,
        max_tokens,
        region_width,
        dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        fusion=config.fusion,
    )


def check_names(config: TwelveInOneConfig, tasks: Sequence[Task]) -> None:
    """Raises ConfigError where an option names no task, or one of a kind that it is not for."""
    names = {task.name for task in tasks}
    labels = {task.name for task in tasks if isinstance(task.target, Label)}
    alignment = (config.hiding.alignment,) if config.hiding.alignment else ()
    for field, given, known in (
        ("head", config.head, names),
        ("max_tokens_of", config.max_tokens_of, names),
        ("pairs", config.pairs, labels),
        ("linear", config.linear, labels),
        ("binary", config.binary, labels),
        ("hiding.alignment", alignment, labels),
    ):
        if unknown := sorted(set(given) - known):
            kind = "tasks" if known is names else "tasks of a Label"
            raise ConfigError(f"TwelveInOneConfig.{field}: got {unknown}; want names of {kind}, of {sorted(known)}")


def check_tokens(config: TwelveInOneConfig, most: int) -> None:
    """Raises ConfigError where texts may be longer than there are positions for."""
    longest = max([config.max_tokens, *config.max_tokens_of.values()])
    if longest > most:
        raise ConfigError(
            f"TwelveInOneConfig.max_tokens: got texts of {longest} tokens; want at most {most}, what the text encoder "
            "has positions for"
        )


def check_classes(config: TwelveInOneConfig, tasks: Sequence[Task], num_classes: int) -> None:
    """Raises ConfigError where classes of hidden regions are to be told and nothing tells them."""
    if config.hiding.target == "classes" and not num_classes:
        for task in tasks:
            if task.target == Masked("regions"):
                raise ConfigError(
                    f"task {task.name!r}: TwelveInOneConfig.hiding.target: got 'classes' of regions without any; want "
                    "'features', or a source whose detector gives classes"
                )
