"""Published weights into a system: the table of which system takes which forms."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol

from motet.core import ConfigError, System
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.feedforward import FeedforwardConfig
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.unit.config import UniTConfig

FILLERS: dict[type[Any], str] = {
    UniPerceiverConfig: "motet.systems.uni_perceiver.published:fill_uni_perceiver",
    TwelveInOneConfig: "motet.systems.twelve_in_one.published:fill_twelve_in_one",
    UniTConfig: "motet.systems.unit.published:fill_unit",
    FeedforwardConfig: "motet.systems.lit_decoder.published:fill_feedforward",
    LiTDecoderConfig: "motet.systems.lit_decoder.published:fill_lit_decoder",
}
"""What fills a system, by the class of its configuration."""


class Filler(Protocol):
    """Copies published weights into a system."""

    def __call__(
        self, system: Any, release: Release, *, heads: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
    ) -> PublishedWeights:
        """Fills the system in place; the arguments are those of `fill_published`."""
        ...


def fill_published(
    system: System,
    release: Release,
    *,
    heads: Mapping[str, str] | None = None,
    names: Mapping[str, tuple[str, ...]] | None = None,
) -> PublishedWeights:
    """Copies what a release has of a system into it.

    Args:
        system: filled in place.
        release: see `motet.nn.pretrained.release.open_release`.
        heads: published heads by task, in the words of the release; for tasks that have its tasks' own names they are
            known.
        names: published heads to the names of their classes, in the order of their rows.

    Returns:
        The names that were loaded, left, and missing.

    Raises:
        ConfigError: a system that takes no weights of this form, or a head whose classes do not fit the task.
        CheckpointError: weights of other sizes.
    """
    filler = FILLERS.get(type(system.config))
    if filler is None:
        known = ", ".join(sorted(kind.__name__ for kind in FILLERS))
        raise ConfigError(
            f"{release.path}: got a {type(system).__name__}, which takes no published weights; want the system of "
            f"one of {known}"
        )
    unknown = sorted(set(heads or {}) - set(system.tasks))
    if unknown:
        raise ConfigError(f"heads: got tasks {unknown}; want some of {sorted(system.tasks)}")
    fill: Filler = pkgutil.resolve_name(filler)
    return fill(system, release, heads=heads or {}, names=names or {})
