"""The systems: one folder per paper, and the table of what builds each from its configuration."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from motet.core import ConfigError, System, SystemConfig, Task
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.unit.config import UniTConfig
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.systems.vlm.config import VlmConfig

SYSTEMS: dict[type[Any], str] = {
    ViTAdaptersConfig: "motet.systems.vit_adapters.build:build_vit_adapters",
    UniPerceiverConfig: "motet.systems.uni_perceiver.model:UniPerceiver",
    TwelveInOneConfig: "motet.systems.twelve_in_one.model:TwelveInOne",
    UniTConfig: "motet.systems.unit.model:UniT",
    VlmConfig: "motet.systems.vlm.build:build_vlm",
    FeedforwardConfig: "motet.systems.lit_decoder.feedforward:build_feedforward",
    LiTDecoderConfig: "motet.systems.lit_decoder.build:build_lit_decoder",
}
"""What builds a system, by the class of its configuration: imported when it is built, so that no run waits for another
system's imports.

`motet init` asks them in this order for what they suggest: the more special first, and last the one that takes the
rest.
"""


@runtime_checkable
class BuildsItself(Protocol):
    """A configuration outside motet, which is not in `SYSTEMS` and builds its own system."""

    def build(
        self, tasks: Sequence[Task], *, texts: Callable[[], Iterable[str]], assets: Mapping[str, bytes] | None = None
    ) -> System:
        """Builds the system; the arguments are those of `build_system`."""
        ...


def untrained_config(text: str) -> SystemConfig | None:
    """Returns the configuration of a pretrained model typed as ``SYSTEM:NAME``; None for any other text.

    Only configurations with a class method ``of_model(name)`` describe models that answer without training.
    """
    system, _, model = text.partition(":")
    for kind in SYSTEMS:
        if model and kind.name == system and hasattr(kind, "of_model"):
            config: SystemConfig = kind.of_model(model)
            return config
    return None


def build_system(
    config: SystemConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> System:
    """Builds the system that a configuration describes.

    Args:
        config: one of `SYSTEMS`, or one with a method `build` of its own.
        tasks: in order; a task's index is its place here.
        texts: every text of the run's training sources, for a tokenizer trained on them; called at most once.
        assets: what `System.assets` returned, when a saved model is restored; then nothing pretrained is fetched
            either, since the weights follow.

    Raises:
        ConfigError: a configuration that nothing builds.
        UnsupportedTask: a task whose kind of answer this system cannot give.
    """
    build = SYSTEMS.get(type(config))
    if build is not None:
        builder: Callable[..., System] = pkgutil.resolve_name(build)
        return builder(config, tasks, texts=texts, assets=assets)
    if isinstance(config, BuildsItself):
        return config.build(tasks, texts=texts, assets=assets)
    known = ", ".join(sorted(kind.__name__ for kind in SYSTEMS))
    raise ConfigError(
        f"Run.system: got a {type(config).__name__}; want one of {known}, or a frozen dataclass with a method "
        "build(tasks, *, texts, assets) that returns a System"
    )
