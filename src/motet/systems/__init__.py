"""The systems: one folder per paper, and the table of what builds each from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from motet.core import ConfigError, System, SystemConfig, Task
from motet.systems.lit_decoder.build import build_lit_decoder
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig, build_feedforward
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.model import UniT
from motet.systems.vit_adapters.build import build_vit_adapters
from motet.systems.vit_adapters.config import ViTAdaptersConfig

Builder: TypeAlias = Callable[..., System]

SYSTEMS: dict[type[Any], Builder] = {
    ViTAdaptersConfig: build_vit_adapters,
    UniPerceiverConfig: UniPerceiver,
    TwelveInOneConfig: TwelveInOne,
    UniTConfig: UniT,
    FeedforwardConfig: build_feedforward,
    LiTDecoderConfig: build_lit_decoder,
}
"""What builds a system, by the class of its configuration.

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
        return build(config, tasks, texts=texts, assets=assets)
    if isinstance(config, BuildsItself):
        return config.build(tasks, texts=texts, assets=assets)
    known = ", ".join(sorted(kind.__name__ for kind in SYSTEMS))
    raise ConfigError(
        f"Run.system: got a {type(config).__name__}; want one of {known}, or a frozen dataclass with a method "
        "build(tasks, *, texts, assets) that returns a System"
    )
