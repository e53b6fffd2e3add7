"""Runs as values: all that a recipe specifies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from torch import nn

from motet.core import ConfigError, Schedule, SystemConfig, Task
from motet.data.schedules import Mixed
from motet.data.source import Role, Source
from motet.training.balancers import Balancer, RowMean
from motet.training.config import TrainConfig


class ScheduleSpec(Protocol):
    """A schedule in a recipe, before the sizes of the sources are known."""

    def bind(self, sources: Sequence[Source], *, seed: int) -> Schedule:
        """Returns the schedule over these training sources. Raises ConfigError on a name that is no source."""
        ...


@runtime_checkable
class TaskSubset(Protocol):
    """A part of a run (a system's configuration, a schedule, a balancer) with values per task or per source."""

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Self:
        """Returns the same without the values of any other task or training source."""
        ...


@dataclass(frozen=True)
class From:
    """Initial weights from another run: a pretrained trunk, a detector, the multi-task model to fine-tune.

    The other run's tokeniser is loaded with weights that have one row per token of it.

    Args:
        folder: a run folder or a saved model folder.
        include: parameter-name prefixes to take; all by default.
        rename: old prefix -> new prefix, applied before `include`.
        exclude: parameter-name prefixes not to take, out of those: what has another shape here.
        made_by: the command that makes such a run, for whoever has none yet.
    """

    folder: Path
    include: tuple[str, ...] = ("",)
    rename: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    made_by: str = ""


@dataclass(frozen=True)
class Published:
    """Initial weights from a published release: DETR, UniT of MMF, BERT, ViLBERT, Uni-Perceiver, big_vision.

    Which release it is, the names of its arrays show. What fits the system is loaded; the report of the run has what
    was left and what is missing.

    Args:
        weights: a file, a folder with one file of weights, or ``owner/name`` on the Hub.
        heads: published heads by task, in the words of the release, for tasks that do not have its tasks' own names:
            ``{"cells": "class_embed"}``.
        names: files with the names of published heads, in the order of their rows, where they are neither fixed by
            their data set nor beside the weights.
        revision: a branch, tag or commit on the Hub.

    Examples:
        >>> Published("facebook/detr-resnet-50").weights
        'facebook/detr-resnet-50'
    """

    weights: str | Path
    heads: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Path] = field(default_factory=dict)
    revision: str | None = None


@dataclass(frozen=True)
class Features:
    """Store the frozen encoders' outputs once and read them instead of images and texts (LiT decoder, section 5.9).

    Args:
        folder: of the stores; shared by runs, keyed by content.
        views: number of differently cropped views stored per training image, the plain one included.
    """

    folder: Path
    views: int = 1


@dataclass(frozen=True)
class Run:
    """One training run as a value: what is trained, on what, how, and the scores it should reach.

    Args:
        system: builds the architecture.
        sources: of all roles; a task's order is that of its first source.
        schedule: bound to the training sources when the run starts; by default batches of 64 rows over all sources.
        train: steps, learning rate, seed and the like; 1,000 steps by default.
        balancer: combines several losses into one gradient.
        features: store frozen features; None encodes images at every step.
        image_cache: folder that keeps the pixels of images that are resized as a whole, so that large files are decoded
            once: for encoders that are trained, whose features cannot be stored. Crops and frames of videos are decoded
            each time; None decodes everything each time.
        start: initial weights: of another run, or a published release.
        expect: (task, metric) -> (value, allowed shortfall), checked by `motet train --check` and CI.
        credit: lines that must be shown beside images and in the model card (licences of the data).

    Raises:
        ConfigError: no training source, two sources of one name, two different tasks of one name.
    """

    system: SystemConfig
    sources: tuple[Source, ...]
    _: KW_ONLY
    schedule: ScheduleSpec = field(default_factory=lambda: Mixed(batch_size=64))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=1000))
    balancer: Balancer = field(default_factory=RowMean)
    features: Features | None = None
    image_cache: Path | None = None
    start: From | Published | None = None
    expect: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    credit: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_kinds()
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ConfigError(f"Run.sources: got the names {twice} more than once; want every name once")
        if not self.of_role("train"):
            raise ConfigError("Run.sources: got none of role 'train'; want at least one")
        self.tasks  # noqa: B018  two tasks of one name are found here, before anything is built

    def _check_kinds(self) -> None:
        """Raises ConfigError where a part is of another kind than it must be, with what to do about it."""
        if isinstance(self.sources, Source) or not isinstance(self.sources, tuple | list):
            raise ConfigError(f"Run.sources: got {_kind(self.sources)}; want a tuple of Source: sources=(source,)")
        for source in self.sources:
            if not isinstance(source, Source):
                raise ConfigError(
                    f"Run.sources: got {_kind(source)} among them; want Source(name=..., reader=..., tasks=(...,))"
                )
        if isinstance(self.system, nn.Module):
            raise ConfigError(
                f"Run.system: got {_kind(self.system)}, a built model; want the configuration of a system, such "
                "as motet.systems.lit_decoder.LiTDecoderConfig() (motet list systems)"
            )
        if not dataclasses.is_dataclass(self.system) or isinstance(self.system, type):
            raise ConfigError(
                f"Run.system: got {_kind(self.system)}; want the configuration of a system, such as "
                "motet.systems.lit_decoder.LiTDecoderConfig() (motet list systems)"
            )
        if not hasattr(self.schedule, "bind"):
            raise ConfigError(
                f"Run.schedule: got {_kind(self.schedule)}; want a schedule, such as "
                "motet.data.schedules.Mixed(batch_size=32)"
            )
        if not isinstance(self.train, TrainConfig):
            raise ConfigError(f"Run.train: got {_kind(self.train)}; want TrainConfig(steps=...)")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the training sources, each once, in order of first appearance."""
        found: dict[str, Task] = {}
        for source in (*self.of_role("train"), *self.of_role("val"), *self.of_role("test")):
            for task in source.tasks:
                if source.role != "train" and task.name not in found:
                    raise ConfigError(
                        f"Source {source.name!r} ({source.role}): got the task {task.name!r}; "
                        f"want one that is trained: {sorted(found)}"
                    )
                if found.setdefault(task.name, task) != task:
                    raise ConfigError(
                        f"Run.sources: got two different tasks called {task.name!r}; want one task per name"
                    )
        return tuple(found.values())

    @property
    def stores_features(self) -> bool:
        """Returns whether features are stored: the run asks for it, and some task has an image or a video."""
        return self.features is not None and any(bool(task.inputs & {"image", "video"}) for task in self.tasks)

    def of_role(self, role: Role) -> tuple[Source, ...]:
        """The sources of one role, in order."""
        return tuple(source for source in self.sources if source.role == role)


def _kind(value: object) -> str:
    """Names a value in an error: a class by its name, a value by its class and, for a text, by itself."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, str):
        return f"the text {value!r}"
    return f"a {type(value).__name__}"
